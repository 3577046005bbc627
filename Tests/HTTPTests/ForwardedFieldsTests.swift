// What proxies say of their clients: the elements from the right, and what is in each.

import HTTP
import Testing

@Suite("Forwarded fields") struct ForwardedFieldsTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let fields: [String], expected: [String?], why: String
        var testDescription: String { "\(why): \(fields)" }
        init(_ fields: String..., expected: [String?], _ why: String) {
            (self.fields, self.expected, self.why) = (fields, expected, why)
        }
    }

    static let lists: [Case] = [
        .init("192.0.2.1", expected: ["4 192.0.2.1 0"], "one"),
        .init(
            "192.0.2.1, 192.0.2.2,192.0.2.3", expected: ["4 192.0.2.3 0", "4 192.0.2.2 0", "4 192.0.2.1 0"], "three"),
        .init("1.1.1.1, 2.2.2.2", "3.3.3.3", expected: ["4 3.3.3.3 0", "4 2.2.2.2 0", "4 1.1.1.1 0"], "two lines"),
        .init("192.0.2.1:4711", expected: ["4 192.0.2.1 4711"], "a port"),
        .init("2001:db8::1", expected: ["6 2001:db8::1 0"], "IPv6 without brackets"),
        .init("[2001:db8::1]", expected: ["6 2001:db8::1 0"], "IPv6 in brackets"),
        .init("[2001:db8::1]:4711", expected: ["6 2001:db8::1 4711"], "IPv6 and a port"),
        .init("::1", expected: ["6 ::1 0"], "IPv6 that begins with a colon"),
        .init("1.1.1.1,\t2.2.2.2 ", expected: ["4 2.2.2.2 0", "4 1.1.1.1 0"], "white space"),
        .init("", expected: [nil], "an empty field"),
        .init("1.1.1.1,", expected: [nil, "4 1.1.1.1 0"], "an empty element"),
        .init("unknown", expected: ["4 unknown 0"], "a name: no address, as its reader finds out"),
        .init("[2001:db8::1", expected: [nil], "no bracket at the end"),
        .init("[2001:db8::1]4711", expected: [nil], "no colon before the port"),
        .init("192.0.2.1:", expected: [nil], "no port behind the colon"),
        .init("192.0.2.1:65536", expected: [nil], "no such port"),
        .init("192.0.2.1:-1", expected: [nil], "a sign"),
        .init("192.0.2.1:123456", expected: [nil], "six digits"),
        .init("[", expected: [nil], "a bracket and nothing else"),
        .init("]", expected: ["4 ] 0"], "the other bracket: no address, as its reader finds out"),
        .init("[]", expected: ["6  0"], "brackets around nothing: no address, as its reader finds out"),
        .init("\"1.1.1.1, 2.2.2.2", expected: ["4 2.2.2.2 0", "4 \"1.1.1.1 0"], "a quote is nothing here"),
    ]

    static let parameters: [Case] = [
        .init("for=192.0.2.1", expected: ["4 192.0.2.1 0"], "one"),
        .init("for=1.1.1.1, for=2.2.2.2", expected: ["4 2.2.2.2 0", "4 1.1.1.1 0"], "two"),
        .init("for=1.1.1.1", "for=2.2.2.2", expected: ["4 2.2.2.2 0", "4 1.1.1.1 0"], "two lines"),
        .init("FOR=192.0.2.1", expected: ["4 192.0.2.1 0"], "in capitals"),
        .init("for=192.0.2.1;proto=http;by=203.0.113.43", expected: ["4 192.0.2.1 0"], "with others behind"),
        .init("proto=http;for=192.0.2.1", expected: ["4 192.0.2.1 0"], "with others before"),
        .init("by=a ; for=192.0.2.1;", expected: ["4 192.0.2.1 0"], "white space, and a semicolon at the end"),
        .init(#"for="192.0.2.1:4711""#, expected: ["4 192.0.2.1 4711"], "a port"),
        .init(#"for="[2001:db8::1]""#, expected: ["6 2001:db8::1 0"], "IPv6"),
        .init(#"for="[2001:db8::1]:4711";by=x"#, expected: ["6 2001:db8::1 4711"], "IPv6 and a port"),
        .init(#"for="192.0.2.1:_port""#, expected: ["4 192.0.2.1 0"], "a port by a name"),
        .init(#"by="a,b;c\",d";for=1.1.1.1, for=2.2.2.2"#, expected: ["4 2.2.2.2 0", "4 1.1.1.1 0"], "quoted signs"),
        .init(#"by="\\";for=1.1.1.1"#, expected: ["4 1.1.1.1 0"], "a quoted backslash"),
        .init("for=unknown", expected: ["4 unknown 0"], "no address, as its reader finds out"),
        .init("for=_hidden", expected: ["4 _hidden 0"], "no address, as its reader finds out"),
        .init("proto=https", expected: [nil], "no client"),
        .init("", expected: [nil], "nothing"),
        .init("for=", expected: [nil], "no value"),
        .init(#"for="""#, expected: [nil], "an empty value"),
        .init("for", expected: [nil], "no equals sign"),
        .init("for =1.1.1.1", expected: [nil], "a blank before the equals sign"),
        .init("for= 1.1.1.1", expected: [nil], "a blank behind it"),
        .init("for=1.1.1.1;for=2.2.2.2", expected: [nil], "two clients in one element"),
        .init("for=192.0.2.1:4711", expected: [nil], "a colon without quotes"),
        .init("for=[2001:db8::1]", expected: [nil], "brackets without quotes"),
        .init(#"for="2001:db8::1""#, expected: [nil], "IPv6 without brackets"),
        .init(#"for="1.1.1.1"x"#, expected: [nil], "something behind a quoted value"),
        .init(#"for="1.1.1.1\"#, expected: [nil], "a backslash at the end"),
        .init(
            #"for="evil, for=1.1.1.1"#, expected: ["4 1.1.1.1 0", nil],
            "a quote without its end does not swallow what the next proxy wrote"),
        .init(
            #"for="evil, for="[2001:db8::1]:4711""#, expected: ["6 2001:db8::1 4711", nil],
            "nor where that has quotes as well"),
        .init(
            #"for="evil\, for="1.1.1.1:1";by="2.2.2.2:2""#, expected: ["4 1.1.1.1 1", nil],
            "nor with a backslash before it"),
    ]

    @Test("X-Forwarded-For", arguments: lists) func namesInLists(_ c: Case) throws {
        #expect(try elements(.xForwardedFor, c.fields.map { "X-Forwarded-FOR: \($0)" }) == c.expected)
    }

    @Test("Forwarded", arguments: parameters) func namesInParameters(_ c: Case) throws {
        #expect(try elements(.forwarded, c.fields.map { "forwarded: \($0)" }) == c.expected)
    }

    @Test("are those of one name") func otherFields() throws {
        let fields = ["Forwarded: for=1.1.1.1", "X-Forwarded-For: 2.2.2.2", "X-Forwarded-Forx: 3.3.3.3"]
        #expect(try elements(.forwarded, fields) == ["4 1.1.1.1 0"])
        #expect(try elements(.xForwardedFor, fields) == ["4 2.2.2.2 0"])
        #expect(try elements(.xForwardedFor, ["Accept: b"]) == [])
    }

    @Test("are looked at only as far as they are wanted") func stops() throws {
        #expect(try elements(.xForwardedFor, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3"], atMost: 2).count == 2)
        #expect(
            try elements(.xForwardedFor, ["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"], atMost: 1).count == 1
        )
    }

    @Test("that are damaged at random are read within their bytes") func random() throws {
        var state: UInt64 = 0xf0_44a2_d3d5
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        let alphabet = Array(#"for=,;"\[]: .12af_"#.utf8)
        for _ in 0..<20_000 {
            let value = String(
                decoding: (0..<next() % 30).map { _ in alphabet[next() % alphabet.count] }, as: UTF8.self)
            for header in [ForwardedHeader.forwarded, .xForwardedFor] {
                let name = header == .forwarded ? "Forwarded" : "X-Forwarded-For"
                #expect(try elements(header, ["\(name): \(value)"]).count >= 1)
            }
        }
    }

    /// The elements, each as `family text port`, in the order in which they come.
    private func elements(_ header: ForwardedHeader, _ fields: [String], atMost limit: Int = .max) throws -> [String?] {
        let head = Array(("GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n").utf8)
        var parser = RequestParser(limits: RequestLimits(bodyBytes: 1, headBytes: 4096, fieldCount: 10))
        guard case .complete = try parser.parse(head.span) else { throw GuardError(call: "parse", code: 0) }
        var found: [String?] = []
        forEachForwardedAddress(of: header, in: parser.fields, head.span) { address in
            found.append(
                address.map { "\($0.isIPv4 ? 4 : 6) \(String(decoding: head[$0.text], as: UTF8.self)) \($0.port)" })
            return found.count < limit
        }
        return found
    }
}
