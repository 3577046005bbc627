// Swift source with everything that is not code blanked out: the rules in `Rules.swift` look for words, and
// a word in a comment or in a string is none of their business. Line and column of what is left stay as they were.
//
// Not understood: a bare regex literal (`/…/`) with a quote in it. hookd has none; write `#/…/#`.

/// Replaces comments and the text of string literals in `source` by spaces. What is interpolated into a string is
/// code, and stays; so do the quotes.
func codeOnly(_ source: String) -> String {
    var scanner = SwiftScanner(source)
    scanner.run()
    return String(decoding: scanner.output, as: UTF8.self)
}

/// The lines of `text`, each without its newline; the last one need not end in one.
func lines(of text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

private struct SwiftScanner {
    /// What the bytes at hand belong to. Strings may hold code, and that code strings again.
    private enum Context {
        /// Code, and how many of its parentheses are open. An interpolation is over when it has none.
        case code(parentheses: Int)
        case string(Delimiter)
    }

    private struct Delimiter {
        var hashes: Int
        var quotes: Int
    }

    private let input: [UInt8]
    private var index = 0
    private var contexts: [Context] = [.code(parentheses: 0)]
    private(set) var output: [UInt8] = []

    init(_ source: String) {
        input = Array(source.utf8)
        output.reserveCapacity(input.count)
    }

    mutating func run() {
        while index < input.count {
            switch contexts.last {
            case .string(let delimiter): scanString(delimiter)
            case .code(let parentheses): scanCode(parentheses: parentheses)
            case nil: return
            }
        }
    }

    // MARK: Code

    private mutating func scanCode(parentheses: Int) {
        if starts(with: "//") {
            while index < input.count, input[index] != UInt8(ascii: "\n") { blank() }
        } else if starts(with: "/*") {
            skipBlockComment()
        } else if starts(with: "#/") {
            keep(2)
            while index < input.count, !starts(with: "/#") { blank() }
            keep(2)
        } else if let delimiter = openingDelimiter() {
            keep(delimiter.hashes + delimiter.quotes)
            contexts.append(.string(delimiter))
        } else {
            countParentheses(parentheses)
            keep(1)
        }
    }

    private mutating func countParentheses(_ open: Int) {
        switch input[index] {
        case UInt8(ascii: "("):
            replaceContext(.code(parentheses: open + 1))
        case UInt8(ascii: ")"):
            if contexts.count > 1, open == 1 {
                contexts.removeLast()
            } else {
                replaceContext(.code(parentheses: max(0, open - 1)))
            }
        default:
            break
        }
    }

    private mutating func replaceContext(_ context: Context) {
        contexts.removeLast()
        contexts.append(context)
    }

    /// Block comments nest in Swift.
    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < input.count
    }

    // MARK: Strings

    private func openingDelimiter() -> Delimiter? {
        let hashes = run(of: UInt8(ascii: "#"), at: index)
        let quotes = run(of: UInt8(ascii: "\""), at: index + hashes)
        guard quotes > 0 else { return nil }
        return Delimiter(hashes: hashes, quotes: quotes >= 3 ? 3 : 1)
    }

    private mutating func scanString(_ delimiter: Delimiter) {
        let hashes = run(of: UInt8(ascii: "#"), at: index + 1)
        if input[index] == UInt8(ascii: "\\"), hashes >= delimiter.hashes {
            blank(1 + delimiter.hashes)
            guard index < input.count else { return }
            if input[index] == UInt8(ascii: "(") {
                keep(1)
                contexts.append(.code(parentheses: 1))
            } else {
                blank()
            }
        } else if closes(delimiter) {
            keep(delimiter.quotes + delimiter.hashes)
            contexts.removeLast()
        } else if delimiter.quotes == 1, input[index] == UInt8(ascii: "\n") {
            // No such Swift: better to lose one line than the rest of the file.
            contexts.removeLast()
        } else {
            blank()
        }
    }

    private func closes(_ delimiter: Delimiter) -> Bool {
        run(of: UInt8(ascii: "\""), at: index) >= delimiter.quotes
            && run(of: UInt8(ascii: "#"), at: index + delimiter.quotes) >= delimiter.hashes
    }

    // MARK: Bytes

    private func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { input[index...].starts(with: $0) }
    }

    private func run(of byte: UInt8, at start: Int) -> Int {
        var end = start
        while end < input.count, input[end] == byte { end += 1 }
        return end - start
    }

    private mutating func keep(_ count: Int) {
        let end = min(index + count, input.count)
        output += input[index..<end]
        index = end
    }

    /// A blank for every byte but a newline. What is left of a character of several bytes is several blanks:
    /// columns of lines with such characters shift, and nobody asks for them.
    private mutating func blank(_ count: Int = 1) {
        let end = min(index + count, input.count)
        while index < end {
            output.append(input[index] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : UInt8(ascii: " "))
            index += 1
        }
    }
}
