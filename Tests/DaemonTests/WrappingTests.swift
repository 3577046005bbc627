// Lines that are to fit a terminal.

import Testing

@testable import Daemon

@Suite("Lines for a terminal") struct WrappingTests {
    struct Width: CustomTestStringConvertible, Sendable {
        let text: String, columns: Int, why: String
        var testDescription: String { why }
    }

    static let widths: [Width] = [
        .init(text: "", columns: 0, why: "nothing"),
        .init(text: "abc", columns: 3, why: "letters"),
        .init(text: "gr\u{FC}\u{DF}e", columns: 5, why: "letters beyond ASCII"),
        .init(text: "u\u{308}", columns: 1, why: "a mark on a letter"),
        .init(text: "\u{65E5}\u{672C}", columns: 4, why: "as wide as high"),
        .init(text: "\u{1F600}", columns: 2, why: "an emoji"),
        .init(text: "\u{2764}\u{FE0F}", columns: 1, why: "a selector has no width"),
        .init(text: "\u{1B}[31;1mred\u{1B}[0m", columns: 3, why: "colours take no room"),
    ]

    @Test("take so many columns", arguments: widths) func width(_ row: Width) {
        #expect(columns(of: row.text) == row.columns)
    }

    struct Break: CustomTestStringConvertible, Sendable {
        let line: String, lines: [String], why: String
        var testDescription: String { why }
    }

    static let breaks: [Break] = [
        .init(line: "", lines: [""], why: "nothing"),
        .init(line: "one two", lines: ["one two"], why: "it fits"),
        .init(line: "one two 10", lines: ["one two 10"], why: "it just fits"),
        .init(line: "one two 11x", lines: ["one two", "   11x"], why: "one column more"),
        .init(line: "  a bc defghi j", lines: ["  a bc", "   defghi", "   j"], why: "with an indent of its own"),
        .init(line: "a  b    c     d", lines: ["a  b    c", "   d"], why: "blanks at a break go, others stay"),
        .init(line: "abcdefghijklmnop q", lines: ["abcdefghijklmnop", "   q"], why: "a long word is left whole"),
        .init(
            line: "\u{65E5}\u{672C} \u{65E5}\u{672C} x", lines: ["\u{65E5}\u{672C} \u{65E5}\u{672C}", "   x"],
            why: "wide"),
    ]

    @Test("are broken between words", arguments: breaks) func broken(_ row: Break) {
        #expect(
            wrapped(row.line, at: 10, indent: 3).split(separator: "\n", omittingEmptySubsequences: false)
                == row.lines.map { $0[...] })
    }
}
