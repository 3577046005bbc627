// The grammar of JSON (RFC 8259), which simdjson checks only in part for us.

import Testing

@testable import Events

@Suite("JSON (RFC 8259)") struct JSONTextTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String, verdict: JSONVerdict, why: String
        var testDescription: String { "\(why): \(text)" }
        init(_ text: String, _ verdict: JSONVerdict, _ why: String) {
            (self.text, self.verdict, self.why) = (text, verdict, why)
        }
    }

    static let numbers: [Case] = [
        .init("0", .valid, "zero"), .init("-0", .valid, "minus zero"), .init("10.01", .valid, "a fraction"),
        .init("1e5", .valid, "an exponent"), .init("1E+05", .valid, "a signed exponent"),
        .init("-1.5e-3", .valid, "all at once"), .init("1e400", .valid, "beyond a Double"),
        .init("18446744073709551616", .valid, "beyond 64 bits"),
        .init("123456789012345678901234567890.5", .valid, "far beyond"),
        .init("01", .invalid, "a leading zero"), .init("-01", .invalid, "a leading zero"),
        .init("+1", .invalid, "a plus sign"), .init("-", .invalid, "a sign alone"),
        .init("1.", .invalid, "no fraction"),
        .init(".5", .invalid, "no integer"), .init("1e", .invalid, "no exponent"),
        .init("1e+", .invalid, "no exponent"),
        .init("1.e5", .invalid, "no fraction"), .init("0x1", .invalid, "hexadecimal"),
        .init("1_0", .invalid, "a separator"),
        .init("NaN", .invalid, "not a number"), .init("Infinity", .invalid, "no number"), .init("1 2", .invalid, "two"),
        .init("--1", .invalid, "two signs"), .init("1.2.3", .invalid, "two fractions"),
        .init("1e5.5", .invalid, "a root"),
        .init("1\u{0C}", .invalid, "a form feed is no white space"), .init("1\u{A0}", .invalid, "nor is this space"),
    ]

    static let strings: [Case] = [
        .init(#""""#, .valid, "empty"), .init(#""\u0000""#, .valid, "an escaped NUL"),
        .init(#""\uD83D\uDE00""#, .valid, "a pair"), .init(#""\\u12""#, .valid, "an escaped backslash before u"),
        .init(#""\\\"""#, .valid, "an escaped backslash, an escaped mark"),
        .init(#""\uD83D""#, .validWithLoneSurrogate, "a high half"),
        .init(#""\uDE00""#, .validWithLoneSurrogate, "a low half"),
        .init(#""\uD83D\uD83D\uDE00""#, .validWithLoneSurrogate, "a half before a pair"),
        .init(#""\uD83D\n""#, .validWithLoneSurrogate, "a half before another escape"),
        .init(#""\uD83Dx\uDE00""#, .validWithLoneSurrogate, "halves apart"),
        .init(#"{"\uD83D":0}"#, .validWithLoneSurrogate, "a half in a key"),
        .init(#"["\uDE00",1.]"#, .invalid, "a half, and a fault behind it"),
        .init(#""\uD83D\u12""#, .invalid, "a half, and a cut escape"),
        .init(#""\u12""#, .invalid, "a cut escape"), .init(#""\u12g4""#, .invalid, "not hexadecimal"),
        .init(#""\x41""#, .invalid, "no such escape"), .init(#""\'""#, .invalid, "no such escape"),
        .init(#""\U0041""#, .invalid, "no such escape"), .init(#""\"#, .invalid, "cut behind a backslash"),
        .init(#""a"#, .invalid, "never closed"), .init("'a'", .invalid, "the wrong marks"),
        .init("\"\t\"", .invalid, "a tab"), .init(#""a"b"#, .invalid, "letters behind"),
        .init(#""a""b""#, .invalid, "two strings"), .init(#"1"a""#, .invalid, "a string behind a number"),
        .init(#"["a"\]"#, .invalid, "a backslash outside"), .init(#"{"\q":1}"#, .invalid, "no such escape, in a key"),
    ]

    static let structures: [Case] = [
        .init("[]", .valid, "empty"), .init(" { } ", .valid, "empty, spaced"), .init("[[],{},[{}]]", .valid, "nested"),
        .init("\t[\r\n1 , 2 ]", .valid, "white space"), .init(#"{"a":{"b":[null,true,false]}}"#, .valid, "all kinds"),
        .init(#"{"a":1,"a":2}"#, .valid, "a repeated key"), .init(#"{"":0}"#, .valid, "an empty key"),
        .init("[", .invalid, "open"), .init("]", .invalid, "closed"), .init("[}", .invalid, "crossed"),
        .init("{]", .invalid, "crossed"), .init(#"{"a":1]"#, .invalid, "crossed"), .init("[1}", .invalid, "crossed"),
        .init("[1,]", .invalid, "a comma too many"), .init("[,1]", .invalid, "a comma too early"),
        .init("[1 1]", .invalid, "no comma"), .init("[1,,1]", .invalid, "two commas"),
        .init("[1:1]", .invalid, "a colon"),
        .init(#"{"a"}"#, .invalid, "no value"), .init(#"{"a":}"#, .invalid, "no value"),
        .init(#"{"a",1}"#, .invalid, "no colon"),
        .init("{1:1}", .invalid, "a number as key"), .init("{null:1}", .invalid, "null as key"),
        .init("{:1}", .invalid, "no key"), .init(#"{"a":1,}"#, .invalid, "a comma too many"),
        .init("{,}", .invalid, "a comma"),
        .init("[]]", .invalid, "one too many"), .init("[][]", .invalid, "two"),
        .init("[],", .invalid, "a comma behind"),
        .init(":", .invalid, "a colon alone"), .init("True", .invalid, "upper case"), .init("tru", .invalid, "cut"),
        .init("nulll", .invalid, "longer"), .init("[true false]", .invalid, "no comma"),
        .init("// c\n1", .invalid, "a comment"),
    ]

    @Test("of numbers", arguments: numbers) func ofNumbers(_ c: Case) throws { try check(c) }
    @Test("of strings", arguments: strings) func ofStrings(_ c: Case) throws { try check(c) }
    @Test("of structures", arguments: structures) func ofStructures(_ c: Case) throws { try check(c) }

    /// Alone, and at each place around the borders of the blocks that simdjson works in.
    private func check(_ c: Case) throws {
        var json = try JSONText()
        for padding in [0] + Array(50...70) + Array(120...130) {
            let text = Array((String(repeating: " ", count: padding) + c.text).utf8)
            let verdict = json.parse(text.span)
            #expect(verdict == c.verdict, "behind \(padding) spaces")
        }
    }

    @Test("of every first and last byte of a body that is cut") func ofCutBodies() throws {
        let body = Array(#"{"a":[1.5,"\u00e9\\",true,null,{"b":"c"}],"d":-0e1}"#.utf8)
        var json = try JSONText()
        let whole = json.parse(body.span)
        #expect(whole == .valid)
        for end in body.indices {
            let verdict = json.parse(body.span.extracting(..<end))
            #expect(verdict == .invalid, "\(end) bytes")
        }
        for start in body.indices.dropFirst() where !"1.5,\"cb}]{d-0e".utf8.contains(body[start]) {
            let verdict = json.parse(body.span.extracting(start...))
            #expect(verdict == .invalid, "from byte \(start)")
        }
    }

    @Test("members, elements and strings are found") func areFound() throws {
        let text = Array(#"{"x":{"a":"no"},"a":"1","long":"été","l":[{"a":"2"},[3],"\u0034"],"e":[],"a":"5"}"#.utf8)
        var json = try JSONText()
        let names = try JSONNames(["a", "l", "long", "absent", "e"])
        let verdict = json.parse(text.span)
        #expect(verdict == .valid)
        let top = json.members(of: .root, named: names)
        #expect(string(top[0], json) == "5")
        #expect(string(top[2], json) == "été")
        #expect(string(top[2], json, limit: 4) == "")
        #expect(string(top[1], json) == "")
        let absent = top[3]
        #expect(absent == .none)
        let first = json.firstElement(of: top[1])
        #expect(string(json.members(of: first, named: names)[0], json) == "2")
        let second = json.element(after: first), third = json.element(after: second),
            fourth = json.element(after: third)
        #expect(string(third, json) == "4")
        #expect(fourth == .none)
        let none = [json.firstElement(of: top[4]), json.firstElement(of: top[0]), json.firstElement(of: .none)]
        #expect(none == [.none, .none, .none])
        let ofString = json.members(of: top[0], named: names)[0]
        #expect(ofString == .none)
    }

    private func string(_ token: JSONToken, _ json: borrowing JSONText, limit: Int = 100) -> String {
        var bytes: [UInt8] = []
        json.appendString(token, limit: limit, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
