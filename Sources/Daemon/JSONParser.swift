// A JSON text (RFC 8259) with the line of every value: what the configuration is read from.
//
// Foundation's decoders keep the last of two equal keys and know no lines. A doubled key is a half-written
// configuration, and an error without its line is a search, so the few rules of JSON are written out here.

/// A value, and the line it begins on.
struct JSONNode: Equatable, Sendable {
    var line: Int
    var value: JSONValue
}

/// What a value is. Numbers stay text: `1.0` and `1e2` are for the reader to judge.
indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([JSONMember])
}

/// A key of an object with its value. Doubled keys are kept: whoever reads the object refuses them.
struct JSONMember: Equatable, Sendable {
    var key: String
    /// The line of the key.
    var line: Int
    var value: JSONNode
}

/// Where a text stops being JSON, and why.
struct JSONSyntaxError: Error, Equatable {
    /// Counted from 1.
    var line: Int
    /// Counted from 1, in characters.
    var column: Int
    var found: String
    var expected: String
}

/// Reads one JSON text whole.
struct JSONParser {
    /// Deeper than any configuration, and far from the end of the stack.
    static let depthLimit = 32

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The value that `bytes` hold; nothing but white space may stand around it.
    static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONNode {
        var parser = JSONParser(bytes)
        let node = try parser.value()
        parser.skipWhiteSpace()
        guard parser.index == bytes.count else { throw parser.error(expected: "nothing more after the last }") }
        return node
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONNode {
        skipWhiteSpace()
        let start = line
        let value: JSONValue
        switch peek {
        case UInt8(ascii: "{"): value = try nested { parser throws(JSONSyntaxError) in try parser.object() }
        case UInt8(ascii: "["): value = try nested { parser throws(JSONSyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): value = .string(try string())
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: value = .number(try number())
        case UInt8(ascii: "t"): value = try word("true", .bool(true))
        case UInt8(ascii: "f"): value = try word("false", .bool(false))
        case UInt8(ascii: "n"): value = try word("null", .null)
        default: throw error(expected: "a JSON value")
        }
        return JSONNode(line: start, value: value)
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONSyntaxError) -> JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        guard depth < Self.depthLimit else { throw error(expected: "at most \(Self.depthLimit) levels of { and [") }
        depth += 1
        index += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        var members: [JSONMember] = []
        if take("}") { return .object(members) }
        repeat {
            skipWhiteSpace()
            guard peek == UInt8(ascii: "\"") else { throw error(expected: "a key in double quotes") }
            let keyLine = line
            let key = try string()
            guard take(":") else { throw error(expected: "a colon after the key") }
            members.append(JSONMember(key: key, line: keyLine, value: try value()))
        } while take(",")
        guard take("}") else { throw error(expected: "a comma or } after the value") }
        return .object(members)
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        var elements: [JSONNode] = []
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value())
        } while take(",")
        guard take("]") else { throw error(expected: "a comma or ] after the value") }
        return .array(elements)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        let text = Array("\(word)".utf8)
        guard bytes[index...].starts(with: text) else { throw error(expected: "a JSON value") }
        index += text.count
        return value
    }

    /// RFC 8259 §6: no leading zeros, no bare point, no plus sign in front.
    private mutating func number() throws(JSONSyntaxError) -> String {
        let start = index
        if peek == UInt8(ascii: "-") { index += 1 }
        if peek == UInt8(ascii: "0") { index += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            index += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = index
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw error(expected: "a digit") }
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw error(found: "bytes that are not UTF-8", expected: "the file saved as UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: try escape())
            case 0..<0x20:
                throw error(expected: "the closing quote, or a control character written as an escape")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw error(expected: "the closing quote of a string")
    }

    private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
        index += 1
        let letter = peek
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter ?? 0]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try unicodeEscape()).utf8)
        default:
            index -= 1
            throw error(expected: "one of \" \\ / b f n r t u after a backslash")
        }
    }

    /// The character of `\uXXXX`, or of two such that are a surrogate pair (RFC 8259 §7).
    private mutating func unicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        {
            index += 2
            let low = try hexadecimal()
            // A low half that is none leaves a value that is no character, which is refused below.
            code = (0xDC00..<0xE000).contains(low) ? 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) : code
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw error(found: "half of a surrogate pair", expected: "both halves, or the character itself")
        }
        // Paths and names go to C functions, which would end them here.
        guard code != 0 else { throw error(found: "a NUL character", expected: "text without it") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error(expected: "four hexadecimal digits after \\u")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }
}

extension JSONParser {
    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipWhiteSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            if byte == 0x0A { line += 1 }
            index += 1
        }
    }

    /// Skips white space, and `character` where it follows.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipWhiteSpace()
        guard peek == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private func error(found: String? = nil, expected: String) -> JSONSyntaxError {
        let before = bytes[..<min(index, bytes.count)]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        // Bytes that continue a character of UTF-8 are no columns.
        let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
        return JSONSyntaxError(line: line, column: column, found: found ?? foundHere, expected: expected)
    }

    private var foundHere: String {
        guard let byte = peek else { return "the end of the file" }
        switch byte {
        case 0x0A, 0x0D: return "the end of the line"
        case UInt8(ascii: "/"), UInt8(ascii: "#"): return "\"\(Unicode.Scalar(byte))\" (JSON has no comments)"
        case 0x21...0x7E: return "\"\(Unicode.Scalar(byte))\""
        case 0xEF where index == 0: return "a byte order mark"
        default: return "a byte of value \(byte)"
        }
    }
}
