// Heads that are not whole yet, heads that are too large, and what is no HTTP/1.1 at all.

import HTTP
import Testing

@Suite("A head that is unfinished, too large or foreign") struct HeadLimitTests {
    static let unfinished: [HeadCase] = [
        .init("", .incomplete, "nothing"),
        .init("\r", .incomplete, "half of an empty line in front"),
        .init("\r\n", .incomplete, "an empty line in front"),
        .init("GET / HTTP/1.1", .incomplete, "no line end"),
        .init("GET / HTTP/1.1\r", .incomplete, "half a line end"),
        .init("GET / HTTP/1.1\r\nHost: a\r\n", .incomplete, "no empty line"),
        .init("GET / HTTP/1.1\r\nHost: a\r\n\r", .incomplete, "half an empty line"),
    ]

    static let foreign: [HeadCase] = [
        .init("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .refused(.requestLineInvalid), "a TLS hello, at its first byte"),
        .init("\u{80}\u{2e}\u{1}\u{3}\u{1}", .refused(.requestLineInvalid), "an SSLv2 hello"),
        .init("\u{5}\u{1}\u{0}", .refused(.requestLineInvalid), "SOCKS 5"),
        .init(
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(.versionNotSupported),
            "HTTP/2 with prior knowledge, RFC 9113 §3.4"),
        .init(
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n\r\n", .refused(.requestLineInvalid), "a proxy's line (PROXY protocol 1)"
        ),
        .init("{\"a\":1}\r\n\r\n", .refused(.requestLineInvalid), "a body without a head"),
        .init("HTTP/1.1 200 OK\r\n\r\n", .refused(.requestLineInvalid), "an answer"),
    ]

    @Test("unfinished", arguments: unfinished) func checkUnfinished(_ c: HeadCase) throws { try c.check() }
    @Test("foreign", arguments: foreign) func checkForeign(_ c: HeadCase) throws { try c.check() }

    private static func padded(to count: Int) -> String {
        let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
        let padding = String(repeating: "x", count: count - rest.utf8.count)
        return "GET / HTTP/1.1\r\nHost: a\r\nX: \(padding)\r\n\r\n"
    }

    private static func long(target count: Int) -> String {
        "GET /\(String(repeating: "a", count: count - 1)) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    private static func fields(_ count: Int) -> String {
        "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: count - 1))\r\n"
    }

    private static let taken = HeadVerdict.taken("get / 1.1 none keep")

    static let sizes: [HeadCase] = [
        .init(padded(to: 512), taken, "exactly the limit, the empty line included"),
        .init(padded(to: 513), .refused(.headTooLarge), "one byte more: 431, RFC 6585 §5"),
        .init(padded(to: 4096), .refused(.headTooLarge), "much more"),
        .init(String(padded(to: 4096).dropLast(2)), .refused(.headTooLarge), "and not even whole"),
        .init(long(target: 400), .taken("get /\(String(repeating: "a", count: 399)) 1.1 none keep"), "a long target"),
        .init(
            long(target: 600), .refused(.targetTooLong), "the request line alone is too long: 414, RFC 9110 §15.5.15"),
        .init(String(long(target: 600).dropLast(20)), .refused(.targetTooLong), "and not even whole"),
        .init("\r\n" + long(target: 600), .refused(.targetTooLong), "behind an empty line"),
        .init(long(target: 490), .refused(.headTooLarge), "the request line fits, the rest does not"),
        .init(fields(10), taken, "exactly as many fields as allowed"),
        .init(fields(11), .refused(.tooManyFields), "one more: 431"),
        .init(fields(60), .refused(.tooManyFields), "many more").with(RequestLimits(fieldCount: 10)),
    ]

    @Test("too large", arguments: sizes) func checkSize(_ c: HeadCase) throws { try c.check() }

    @Test("limits hold for the head alone, not for the body behind it") func bodyIsNoHead() throws {
        let body = String(repeating: "b", count: 4096)
        let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n\(body)".utf8)
        var parser = RequestParser(limits: RequestLimits(headBytes: 128))
        guard case .complete(let head) = try parser.parse(bytes.span) else {
            Issue.record("the head is whole")
            return
        }
        #expect(head.byteCount == bytes.count - 4096)
    }

    @Test("every error has a status of its class and a message") func errors() {
        let errors: [RequestError] = [
            .requestLineInvalid, .methodTooLong, .targetInvalid, .targetTooLong, .versionNotSupported,
            .lineEndInvalid, .fieldNameInvalid, .fieldValueInvalid, .fieldFolded, .headTooLarge, .tooManyFields,
            .hostInvalid, .contentLengthInvalid, .framingAmbiguous, .transferEncodingInvalid,
            .transferEncodingUnknown, .bodyTooLarge, .chunkInvalid, .chunkOverheadTooLarge, .expectationUnknown,
            .connectionInvalid,
        ]
        #expect(
            errors.map(\.status) == [
                400, 501, 400, 414, 505, 400, 400, 400, 400, 431, 431, 400, 400, 400, 400, 501, 413, 400, 413, 417, 400,
            ])
        #expect(Set(errors.map(\.message)).count == errors.count)
    }
}
