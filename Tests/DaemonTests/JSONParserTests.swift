// JSON as RFC 8259 has it, and nothing besides.

import Testing

@testable import Daemon

@Suite("JSON (RFC 8259)") struct JSONParserTests {
    struct Good: CustomTestStringConvertible, Sendable {
        let text: String, value: JSONValue
        var testDescription: String { text }
        init(_ text: String, _ value: JSONValue) { (self.text, self.value) = (text, value) }
    }

    @Test(
        "is read",
        arguments: [
            Good("true", .bool(true)), Good("false", .bool(false)), Good(" null\r\n\t", .null),
            Good("0", .number("0")), Good("-0.5e+10", .number("-0.5e+10")), Good("12", .number("12")),
            Good(#""""#, .string("")), Good(#""Grüße 👋""#, .string("Grüße 👋")),
            Good(#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
            Good(#""\u00e9\uD83D\uDC4B""#, .string("é👋")),
            Good("[]", .array([])), Good("{}", .object([])),
            Good(
                "[1, [2]]",
                .array([
                    .init(line: 1, value: .number("1")),
                    .init(line: 1, value: .array([.init(line: 1, value: .number("2"))])),
                ])),
            Good(
                "{\"a\":\n1,\n\"a\":2}",
                .object([
                    .init(key: "a", line: 1, value: .init(line: 2, value: .number("1"))),
                    .init(key: "a", line: 3, value: .init(line: 3, value: .number("2"))),
                ])),
        ])
    func reads(_ c: Good) throws {
        #expect(try JSONParser.parse(Array(c.text.utf8)).value == c.value)
    }

    struct Bad: CustomTestStringConvertible, Sendable {
        let text: String, line: Int, column: Int, found: String, why: String
        var testDescription: String { "\(why): \(text)" }
        init(_ text: String, _ line: Int, _ column: Int, _ found: String, _ why: String) {
            (self.text, self.line, self.column, self.found, self.why) = (text, line, column, found, why)
        }
    }

    @Test(
        "is refused where it stops",
        arguments: [
            Bad("", 1, 1, "the end of the file", "nothing"),
            Bad("{\n  \"a\": 1,\n}", 3, 1, "\"}\"", "a comma before the end of an object"),
            Bad("[1,]", 1, 4, "\"]\"", "a comma before the end of a list"),
            Bad("{\"a\" 1}", 1, 6, "\"1\"", "no colon"),
            Bad("{\"a\": 1 \"b\": 2}", 1, 9, "\"\"\"", "no comma"),
            Bad("{a: 1}", 1, 2, "\"a\"", "no quotes"),
            Bad("{'a': 1}", 1, 2, "\"'\"", "the wrong quotes"),
            Bad("{\"ü\": é}", 1, 7, "a byte of value 195", "columns are characters"),
            Bad("{\n// x\n}", 2, 1, "\"/\" (JSON has no comments)", "a comment"),
            Bad("\u{FEFF}{}", 1, 1, "a byte order mark", "a byte order mark"),
            Bad("{\"a\": \"x\n\"}", 1, 9, "the end of the line", "a string over two lines"),
            Bad("\"\u{1}\"", 1, 2, "a byte of value 1", "a control character"),
            Bad("\"abc", 1, 5, "the end of the file", "a string without end"),
            Bad(#""\x""#, 1, 3, "\"x\"", "no such escape"),
            Bad(#""\u12g4""#, 1, 6, "\"g\"", "no hexadecimal digit"),
            Bad(#""\ud83d""#, 1, 8, "half of a surrogate pair", "half of a pair"),
            Bad(#""\ud83d\u0041""#, 1, 14, "half of a surrogate pair", "a pair that is none"),
            Bad(#""\udc4b""#, 1, 8, "half of a surrogate pair", "the wrong half first"),
            Bad(#""\u0000""#, 1, 8, "a NUL character", "would end a path in C"),
            Bad("01", 1, 2, "\"1\"", "a leading zero"),
            Bad("+1", 1, 1, "\"+\"", "a plus sign"),
            Bad("-", 1, 2, "the end of the file", "no digit"),
            Bad("1.", 1, 3, "the end of the file", "no digit after the point"),
            Bad(".5", 1, 1, "\".\"", "no digit before the point"),
            Bad("1e", 1, 3, "the end of the file", "no exponent"),
            Bad("NaN", 1, 1, "\"N\"", "not a number"),
            Bad("nul", 1, 1, "\"n\"", "half a word"),
            Bad("True", 1, 1, "\"T\"", "a word in the wrong case"),
            Bad("{} x", 1, 4, "\"x\"", "something behind"),
            Bad(String(repeating: "[", count: 33), 1, 33, "\"[\"", "too deep"),
        ])
    func refuses(_ c: Bad) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(Array(c.text.utf8)) }
        #expect(error.map { [$0.line, $0.column] } == [c.line, c.column])
        #expect(error?.found == c.found)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(error?.found == "bytes that are not UTF-8")
    }

    /// A file that was cut off anywhere is refused: no configuration begins with another one.
    @Test func noBeginningOfAConfigurationIsRight() {
        let bytes = Array(ConfigurationText.right.text.utf8)
        for count in 0..<bytes.count {
            #expect(throws: JSONSyntaxError.self, "\(count) bytes") { try JSONParser.parse(Array(bytes[..<count])) }
        }
    }
}
