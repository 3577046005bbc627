// Where a request ends and whether the connection goes on: the fields by which requests are smuggled.

import HTTP
import Testing

@Suite("B17: framing (RFC 9112 §6)") struct FramingTests {
    static func body(_ count: Int) -> HeadVerdict { .taken("post / 1.1 length(\(count)) keep") }
    static let none = HeadVerdict.taken("post / 1.1 none keep")
    static let chunked = HeadVerdict.taken("post / 1.1 chunked keep")

    static let contentLength: [HeadCase] = [
        .post("Content-Length: 5", body(5), "RFC 9110 §8.6"),
        .post("content-LENGTH:5", body(5), "names in any case"),
        .post("Content-Length: \t5 ", body(5), "white space around it"),
        .post("Content-Length: 0", none, "no body"),
        .post("Content-Length: 003", body(3), "leading zeros are digits"),
        .post("Content-Length: 00000000000000000000000000005", body(5), "however many"),
        .post("Content-Length: 1024", body(1024), "exactly the limit"),
        .post("Content-Length: 1025", .refused(.bodyTooLarge), "one more"),
        .post("Content-Length: 9223372036854775807", .refused(.bodyTooLarge), "the largest of 63 bits"),
        .post("Content-Length: 9223372036854775808", .refused(.bodyTooLarge), "one more"),
        .post("Content-Length: 18446744073709551621", .refused(.bodyTooLarge), "5, if 64 bits wrapped around"),
        .post("Content-Length: 99999999999999999999999999999999", .refused(.bodyTooLarge), "more than any integer"),
        .post("Content-Length: 99999999999999999999999999999999x", .refused(.contentLengthInvalid), "and not a number"),
        .post("Content-Length: +5", .refused(.contentLengthInvalid), "a sign, which Int(_:) would take"),
        .post("Content-Length: -5", .refused(.contentLengthInvalid), "negative"),
        .post("Content-Length: -0", .refused(.contentLengthInvalid), "negative nothing"),
        .post("Content-Length: 0x5", .refused(.contentLengthInvalid), "hexadecimal"),
        .post("Content-Length: 1e3", .refused(.contentLengthInvalid), "an exponent"),
        .post("Content-Length: 5.0", .refused(.contentLengthInvalid), "a fraction"),
        .post("Content-Length: 5 5", .refused(.contentLengthInvalid), "white space inside"),
        .post("Content-Length: 5_0", .refused(.contentLengthInvalid), "an underscore"),
        .post("Content-Length: 5;x", .refused(.contentLengthInvalid), "a parameter"),
        .post("Content-Length: \"5\"", .refused(.contentLengthInvalid), "quotes"),
        .post("Content-Length: \u{b2}", .refused(.contentLengthInvalid), "a superscript"),
        .post("Content-Length: 5\u{a0}", .refused(.contentLengthInvalid), "a no-break space is no white space"),
        .post("Content-Length:", .refused(.contentLengthInvalid), "empty"),
        .post("Content-Length: 5, 5", .refused(.contentLengthInvalid), "a list, RFC 9112 §6.3"),
        .post("Content-Length: 5,", .refused(.contentLengthInvalid), "a list of one"),
        .post("Content-Length: 5\r\nContent-Length: 5", .refused(.contentLengthInvalid), "two equal ones"),
        .post("Content-Length: 5\r\nContent-Length: 6", .refused(.contentLengthInvalid), "two different ones"),
        .post("Content-Length: 0\r\nContent-Length: 0", .refused(.contentLengthInvalid), "two of nothing"),
        .post("Content-Length : 5", .refused(.fieldNameInvalid), "white space before the colon"),
        .post("Content_Length: 5", none, "an underscore: some servers take this for the real one"),
        .init(
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", .taken("get / 1.1 length(5) keep"), "a GET may"),
    ]

    static let transferEncoding: [HeadCase] = [
        .post("Transfer-Encoding: chunked", chunked, "RFC 9112 §7.1"),
        .post("transfer-encoding:\tChUnKeD ", chunked, "in any case, RFC 9112 §7"),
        .post("Transfer-Encoding: gzip", .refused(.transferEncodingUnknown), "501, RFC 9112 §6.1"),
        .post("Transfer-Encoding: identity", .refused(.transferEncodingUnknown), "was taken out of HTTP"),
        .post("Transfer-Encoding: xchunked", .refused(.transferEncodingUnknown), "a word like it"),
        .post("Transfer-Encoding: chunked1", .refused(.transferEncodingUnknown), "another"),
        .post("Transfer-Encoding: gzip, chunked", .refused(.transferEncodingInvalid), "two codings"),
        .post("Transfer-Encoding: chunked, gzip", .refused(.transferEncodingInvalid), "chunked not last"),
        .post("Transfer-Encoding: chunked, chunked", .refused(.transferEncodingInvalid), "twice: must not, §6.1"),
        .post("Transfer-Encoding: chunked,", .refused(.transferEncodingInvalid), "an empty element"),
        .post("Transfer-Encoding: ,chunked", .refused(.transferEncodingInvalid), "an empty element in front"),
        .post("Transfer-Encoding:", .refused(.transferEncodingInvalid), "empty"),
        .post("Transfer-Encoding: chunked;q=1", .refused(.transferEncodingInvalid), "a parameter"),
        .post("Transfer-Encoding: \"chunked\"", .refused(.transferEncodingInvalid), "quotes"),
        .post("Transfer-Encoding: chun ked", .refused(.transferEncodingInvalid), "white space inside"),
        .post("Transfer-Encoding: chunked\u{a0}", .refused(.transferEncodingInvalid), "a no-break space"),
        .post("Transfer-Encoding: \u{b}chunked", .refused(.fieldValueInvalid), "a vertical tab"),
        .post("Transfer-Encoding: chunked\u{0}", .refused(.lineEndInvalid), "a NUL"),
        .post(
            "Transfer-Encoding: a\r\n chunked", .refused(.transferEncodingUnknown), "folded; the first line is enough"),
        .post("Transfer-Encoding:\r\n chunked", .refused(.transferEncodingInvalid), "folded away"),
        .post("Transfer-Encoding : chunked", .refused(.fieldNameInvalid), "white space before the colon"),
        .post("Transfer_Encoding: chunked", none, "an underscore: some servers take this for the real one"),
        .post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .refused(.transferEncodingInvalid), "two"),
        .post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", .refused(.transferEncodingInvalid), "a second"),
        .post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked", .refused(.transferEncodingUnknown), "a first"),
        .post("Content-Length: 5\r\nTransfer-Encoding: chunked", .refused(.framingAmbiguous), "both, §6.1"),
        .post("Transfer-Encoding: chunked\r\nContent-Length: 5", .refused(.framingAmbiguous), "in this order, too"),
        .post("Transfer-Encoding: chunked\r\nContent-Length: 0", .refused(.framingAmbiguous), "even with nothing"),
        .post("Transfer-Encoding: chunked\r\nContent-Length: x", .refused(.contentLengthInvalid), "or nonsense"),
        .init(
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .refused(.transferEncodingInvalid),
            "under 1.0 the framing is faulty, RFC 9112 §6.1"),
    ]

    static let connection: [HeadCase] = [
        .post("Connection: close", .taken("post / 1.1 none close"), "RFC 9112 §9.6"),
        .post("connection: CLOSE", .taken("post / 1.1 none close"), "options in any case, RFC 9110 §7.6.1"),
        .post("Connection: keep-alive", none, "what 1.1 does anyway"),
        .post("Connection: x,\t close ,y", .taken("post / 1.1 none close"), "in a list"),
        .post("Connection: ,,close,", .taken("post / 1.1 none close"), "among empty elements, RFC 9110 §5.6.1.2"),
        .post("Connection: close, keep-alive", .taken("post / 1.1 none close"), "close wins, RFC 9112 §9.3"),
        .post("Connection: keep-alive\r\nConnection: close", .taken("post / 1.1 none close"), "in a second field"),
        .post("Connection: closed", none, "another word"),
        .post("Connection: close x", .refused(.connectionInvalid), "no list without a comma"),
        .post("Connection:", none, "empty"),
        .init("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", .taken("get / 1.0 none close"), "not offered, §9.3"),
    ]

    static let expect: [HeadCase] = [
        .post("Content-Length: 5\r\nExpect: 100-continue", .taken("post / 1.1 length(5) keep 100"), "RFC 9110 §10.1.1"),
        .post("Expect: 100-Continue\r\nTransfer-Encoding: chunked", .taken("post / 1.1 chunked keep 100"), "any case"),
        .post("Expect: 100-continue", none, "without a body there is nothing to wait for"),
        .post("Expect: 200-ok", .refused(.expectationUnknown), "an expectation that cannot be met: 417"),
        .post("Expect: 100-continue, x", .refused(.expectationUnknown), "nor this"),
        .init(
            "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            .taken("post / 1.0 length(5) close"), "a 1.0 client's is ignored: must, RFC 9110 §10.1.1"),
    ]

    @Test("Content-Length", arguments: contentLength) func checkContentLength(_ c: HeadCase) throws { try c.check() }
    @Test("Transfer-Encoding", arguments: transferEncoding)
    func checkTransferEncoding(_ c: HeadCase) throws { try c.check() }
    @Test("Connection", arguments: connection) func checkConnection(_ c: HeadCase) throws { try c.check() }
    @Test("Expect", arguments: expect) func checkExpect(_ c: HeadCase) throws { try c.check() }
}
