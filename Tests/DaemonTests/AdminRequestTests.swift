// Questions as they come over the wire, and answers as they go.

import Testing

@testable import Daemon

@Suite("A question to the admin listener") struct AdminRequestTests {
    struct Target: CustomTestStringConvertible, Sendable {
        let text: String, path: String, query: [String: String], why: String
        var testDescription: String { "\(why): \(text)" }

        init(_ text: String, _ path: String, _ query: [String: String], _ why: String) {
            (self.text, self.path, self.query, self.why) = (text, path, query, why)
        }
    }

    @Test(
        "is read from its target",
        arguments: [
            Target("/status", "/status", [:], "a path"),
            Target("/a?", "/a", [:], "an empty query"),
            Target("/a?x=1&y=b%20c", "/a", ["x": "1", "y": "b c"], "values, decoded"),
            Target("/a?x&=2&z=", "/a", ["x": "", "": "2", "z": ""], "sides that are missing"),
            Target("/a?x=1=2?3", "/a", ["x": "1=2?3"], "signs that divide only once"),
            Target("/a%2Fb", "/a/b", [:], "a path, decoded"),
            Target("/a?x=%+1%zz%4", "/a", ["x": "%+1%zz%4"], "a percent sign that begins no encoding"),
            Target("/a?x=%C3%A4", "/a", ["x": "ä"], "UTF-8"),
        ]) func reads(_ target: Target)
    {
        let request = AdminRequest(.get, target: target.text, body: [])
        #expect(request.path == target.path)
        #expect(request.query == target.query)
    }

    @Test("comes back as it went") func returns() {
        let query = ["sink": "a b&c=d?%/ä", "after": "12"]
        let sent = AdminRequest(.get, path: "/dead-letters", query: query)
        let received = AdminRequest(.get, target: sent.target, body: [])
        #expect(received.path == "/dead-letters" && received.query == query)
    }

    struct Body: CustomTestStringConvertible, Sendable {
        let text: String, message: String, why: String
        var testDescription: String { why }

        init(_ text: String, _ message: String, _ why: String) {
            (self.text, self.message, self.why) = (text, message, why)
        }
    }

    @Test(
        "a body that is not understood is refused",
        arguments: [
            Body("{", "no JSON", "half of one"),
            Body("[]", "no JSON object", "a list"),
            Body(#"{"number": [1]}"#, "none of", "a key that means nothing"),
            Body(#"{"numbers": [1], "numbers": [2]}"#, "twice", "a key twice"),
            Body(#"{"numbers": 1}"#, "no list", "a number for a list"),
            Body(#"{"numbers": [1.5]}"#, "whole numbers", "half a number"),
            Body(#"{"numbers": ["1"]}"#, "whole numbers", "a text for a number"),
        ]) func refused(_ body: Body)
    {
        let refusal = #expect(throws: AdminRefusal.self) {
            let request = AdminRequest(.post, path: "/x", body: Array(body.text.utf8))
            _ = try AdminBody(request, keys: ["numbers"]).numbers("numbers")
        }
        #expect(refusal?.status == 400)
        #expect(refusal?.message.contains(body.message) == true, "\(refusal?.message ?? "")")
    }

    @Test("JSON is written on one line, with control characters escaped") func json() {
        let value: JSONOutput = .object([
            ("b", .string("a\n\"\u{1B}\u{202E}")), ("a", .array([.null, .bool(true), .integer(-1), .number(0.5)])),
            ("n", .number(.infinity)), ("o", .object([])),
        ])
        #expect(value.text == #"{"b":"a\n\"\u001b\u202e","a":[null,true,-1,0.5],"n":null,"o":{}}"#)
    }

    @Test(
        "a token is compared whole",
        arguments: [
            ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false), ("", "", true), ("b", "a", false),
        ])
    func token(_ one: String, _ other: String, _ isEqual: Bool) {
        #expect(isEqualInConstantTime(Array(one.utf8), Array(other.utf8)) == isEqual)
    }
}
