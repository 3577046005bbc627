// Answers as they go over the wire, byte for byte.

import HTTP
import Testing

@Suite("An answer on the wire") struct ResponseTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let response: Response
        var isHead = false
        var closes = false
        /// Without the date, which is the same in all.
        let expected: String
        let why: String
        var testDescription: String { why }
    }

    static let cases: [Case] = [
        .init(
            response: Response(status: 200, body: Array("{}".utf8)),
            expected: "HTTP/1.1 200 OK|Content-Type: application/json|Content-Length: 2||{}", why: "with a body"),
        .init(
            response: Response(status: 200), expected: "HTTP/1.1 200 OK|Content-Length: 0||",
            why: "without one: a length all the same, or the client waits for the end (RFC 9112 §6.3)"),
        .init(
            response: Response(status: 200, body: Array("{}".utf8)), isHead: true,
            expected: "HTTP/1.1 200 OK|Content-Type: application/json|Content-Length: 2||",
            why: "to HEAD: the length without the body (RFC 9110 §9.3.2)"),
        .init(
            response: Response(status: 200, body: Array("a 1".utf8), contentType: "text/plain"),
            expected: "HTTP/1.1 200 OK|Content-Type: text/plain|Content-Length: 3||a 1", why: "with one of another type"
        ),
        .init(
            response: Response(status: 503, retryAfterSeconds: 2),
            expected: "HTTP/1.1 503 Service Unavailable|Retry-After: 2|Content-Length: 0||",
            why: "503 with Retry-After (RFC 9110 §10.2.3)"),
        .init(
            response: Response(status: 503, retryAfterSeconds: 0),
            expected: "HTTP/1.1 503 Service Unavailable|Retry-After: 0|Content-Length: 0||", why: "at once"),
        .init(
            response: Response(status: 405, allow: "POST"),
            expected: "HTTP/1.1 405 Method Not Allowed|Allow: POST|Content-Length: 0||",
            why: "405 must have Allow (RFC 9110 §15.5.6)"),
        .init(
            response: Response(status: 401, challenge: "Test"),
            expected: "HTTP/1.1 401 Unauthorized|WWW-Authenticate: Test|Content-Length: 0||",
            why: "401 must have a challenge (RFC 9110 §15.5.2)"),
        .init(
            response: Response(status: 415, acceptEncoding: "identity"),
            expected: "HTTP/1.1 415 Unsupported Media Type|Accept-Encoding: identity|Content-Length: 0||",
            why: "415 for a coding should say which are taken (RFC 9110 §12.5.3)"),
        .init(
            response: Response(status: 200), closes: true,
            expected: "HTTP/1.1 200 OK|Content-Length: 0|Connection: close||", why: "the last one (RFC 9112 §9.6)"),
        .init(
            response: Response(status: 413, body: Array("x".utf8)), isHead: true, closes: true,
            expected: "HTTP/1.1 413 Content Too Large|Content-Type: application/json|Content-Length: 1|"
                + "Connection: close||", why: "all at once"),
    ]

    @Test("has exactly these lines", arguments: cases) func bytes(_ c: Case) {
        var output = Array("before".utf8)
        c.response.serialize(
            to: &output, date: HTTPDate(unixSeconds: 784_111_777), isHead: c.isHead, closes: c.closes)
        let text = String(decoding: output, as: UTF8.self)
        #expect(text.hasPrefix("before"), "it is appended to what is there")
        #expect(text.contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
        let lines = text.dropFirst(6).replacing("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT", with: "")
        #expect(lines.replacing("\r\n", with: "|") == c.expected)
    }

    @Test(
        "a head whose body follows says how it ends",
        arguments: [
            (true, false, "Transfer-Encoding: chunked||", "in chunks"),
            (true, true, "Transfer-Encoding: chunked|Connection: close||", "in chunks, the last answer"),
            (false, false, "Connection: close||", "with the connection (RFC 9112 §6.3), so that one must close"),
        ]) func streamed(_ isChunked: Bool, _ closes: Bool, _ expected: String, _ why: String)
    {
        var output: [UInt8] = []
        Response(status: 200, contentType: "text/event-stream").serializeHead(
            to: &output, date: HTTPDate(unixSeconds: 784_111_777), isChunked: isChunked, closes: closes)
        let text = String(decoding: output, as: UTF8.self)
        let lines = text.replacing("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT", with: "").replacing("\r\n", with: "|")
        #expect(
            lines == "HTTP/1.1 200 OK|Content-Type: text/event-stream|Cache-Control: no-store|" + expected,
            "\(why)")
    }

    @Test(
        "a body in chunks",
        arguments: [
            ([1], "1|x|0||", "one byte"), ([10], "a|\(String(repeating: "x", count: 10))|0||", "sizes are hexadecimal"),
            ([2, 17], "2|xx|11|\(String(repeating: "x", count: 17))|0||", "one after the other"),
            ([0, 1], "1|x|0||", "no data are no chunk: that would be the end"), ([], "0||", "nothing"),
        ]) func chunks(_ sizes: [Int], _ expected: String, _ why: String)
    {
        var output: [UInt8] = []
        for size in sizes { output.append(chunk: [UInt8](repeating: UInt8(ascii: "x"), count: size)) }
        output.append([UInt8].lastChunk)
        #expect(String(decoding: output, as: UTF8.self).replacing("\r\n", with: "|") == expected, "\(why)")
    }

    @Test(
        "has the reason phrase of its status (RFC 9110 §15)",
        arguments: [
            (200, "OK"), (400, "Bad Request"), (401, "Unauthorized"), (404, "Not Found"),
            (405, "Method Not Allowed"), (408, "Request Timeout"), (409, "Conflict"), (413, "Content Too Large"),
            (414, "URI Too Long"), (415, "Unsupported Media Type"), (417, "Expectation Failed"),
            (431, "Request Header Fields Too Large"), (501, "Not Implemented"), (503, "Service Unavailable"),
            (505, "HTTP Version Not Supported"), (299, ""),
        ]) func reason(_ status: Int, _ phrase: String)
    {
        var output: [UInt8] = []
        Response(status: status).serialize(
            to: &output, date: HTTPDate(unixSeconds: 0), isHead: false, closes: false)
        // The space behind the status stays even where no phrase follows (RFC 9112 §4).
        #expect(String(decoding: output, as: UTF8.self).hasPrefix("HTTP/1.1 \(status) \(phrase)\r\n"))
    }

    @Test(
        "numbers are plain decimal",
        arguments: [
            (0, 1, "0"), (7, 1, "7"), (10, 1, "10"), (4096, 1, "4096"), (7, 2, "07"), (0, 3, "000"), (1234, 2, "1234"),
            (Int.max, 1, "9223372036854775807"), (42, 19, "0000000000000000042"),
        ]) func decimal(_ value: Int, _ width: Int, _ expected: String)
    {
        var output: [UInt8] = []
        output.append(decimal: value, width: width)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test("100 Continue is a whole answer") func interim() {
        #expect("\(Response.continueBytes)" == "HTTP/1.1 100 Continue\r\n\r\n")
    }
}
