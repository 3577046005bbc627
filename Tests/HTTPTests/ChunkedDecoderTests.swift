// Chunked bodies: in one piece, byte by byte, and cut at every place, always with the same end.

import HTTP
import Testing

@Suite("B17: a chunked body (RFC 9112 §7.1)") struct ChunkedDecoderTests {
    enum Verdict: Equatable, Sendable {
        /// The body, and what is left behind it.
        case body(String, rest: String)
        case refused(RequestError)
        case incomplete
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let coded: String
        let verdict: Verdict
        let why: String
        var testDescription: String { "\(why): \(coded.prefix(80).debugDescription)" }

        init(_ coded: String, _ verdict: Verdict, _ why: String) {
            self.coded = coded
            self.verdict = verdict
            self.why = why
        }
    }

    static func body(_ text: String, rest: String = "") -> Verdict { .body(text, rest: rest) }

    static let sizes: [Case] = [
        .init("0\r\n\r\n", body(""), "no chunk but the last"),
        .init("5\r\nhello\r\n0\r\n\r\n", body("hello"), "one chunk"),
        .init("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", body("abcdef"), "several"),
        .init("a\r\n0123456789\r\n0\r\n\r\n", body("0123456789"), "a hexadecimal digit"),
        .init("A\r\n0123456789\r\n0\r\n\r\n", body("0123456789"), "in upper case"),
        .init("0005\r\nhello\r\n0000\r\n\r\n", body("hello"), "leading zeros"),
        .init("5\r\n\r\n\r\n\0\r\n0\r\n\r\n", body("\r\n\r\n\0"), "data that looks like framing"),
        .init("3\r\n0\r\n\r\n0\r\n\r\n", body("0\r\n"), "data that looks like the end"),
        .init("5\r\nhello\r\n0\r\n\r\nGET /", body("hello", rest: "GET /"), "the next request behind it"),
        .init("0\r\n\r\n\r\n", body("", rest: "\r\n"), "an empty line behind it"),
        .init("5\r\nhello", .incomplete, "no end of the chunk"),
        .init("5\r\nhello\r\n0\r\n", .incomplete, "no empty line"),
        .init("", .incomplete, "nothing yet"),
        .init("\r\n", .refused(.chunkInvalid), "no size"),
        .init(";x\r\n", .refused(.chunkInvalid), "an extension without a size"),
        .init("0x5\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a prefix that some parsers read"),
        .init("+5\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a sign, which Int(_:radix:) would take"),
        .init("-5\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a negative size"),
        .init(" 5\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a space in front"),
        .init("5 \r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a space behind: no extension follows"),
        .init("5\t;x\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a tab before an extension"),
        .init("5_0\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "an underscore"),
        .init("g\r\n", .refused(.chunkInvalid), "the letter behind f"),
        .init("5,5\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a list"),
        .init("21\r\n\(String(repeating: "x", count: 33))", .refused(.bodyTooLarge), "one byte more than the limit"),
        .init("FFFFFFFFFFFFFFFF\r\n", .refused(.bodyTooLarge), "64 bits"),
        .init("10000000000000005\r\nhello\r\n0\r\n\r\n", .refused(.bodyTooLarge), "5, if 64 bits wrapped around"),
        .init("20\r\n\(String(repeating: "x", count: 32))\r\n1\r\ny", .refused(.bodyTooLarge), "in two chunks"),
        .init(
            "20\r\n\(String(repeating: "x", count: 32))\r\n0\r\n\r\n", body(String(repeating: "x", count: 32)),
            "exactly the limit"),
    ]

    static let lineEnds: [Case] = [
        .init("5\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a bare LF behind the size"),
        .init("5\rhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a bare CR behind the size"),
        .init("5\r\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a CR too many"),
        .init("5\r\nhello\n0\r\n\r\n", .refused(.chunkInvalid), "a bare LF behind the data"),
        .init("5\r\nhello0\r\n\r\n", .refused(.chunkInvalid), "nothing behind the data"),
        .init("5\r\nhelloX\r\n0\r\n\r\n", .refused(.chunkInvalid), "a byte more than announced"),
        .init("5\r\nhello\rX0\r\n\r\n", .refused(.chunkInvalid), "a CR and something else"),
        .init("5\r\nhello\r\n\r\n", .refused(.chunkInvalid), "an empty line where a size should be"),
        .init("0\n\r\n", .refused(.chunkInvalid), "a bare LF behind the last size"),
        .init("0\r\n\n", .refused(.fieldNameInvalid), "a bare LF for the empty line"),
        .init("0\r\n\rX", .refused(.chunkInvalid), "half an empty line"),
    ]

    static let extensions: [Case] = [
        .init("5;a=b\r\nhello\r\n0;c\r\n\r\n", body("hello"), "extensions are read past, §7.1.1"),
        .init("5; a=\"b;c\"\r\nhello\r\n0\r\n\r\n", body("hello"), "a quoted one"),
        .init("5;\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "an empty one"),
        .init("5;a\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a bare LF in one (CVE-2025-55315)"),
        .init("5;a\rb\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a bare CR in one"),
        .init("5;a\0\r\nhello\r\n0\r\n\r\n", .refused(.chunkInvalid), "a NUL in one"),
        .init("5;\(String(repeating: "x", count: 100))", .refused(.chunkOverheadTooLarge), "without an end"),
        .init(
            String(repeating: "1;\(String(repeating: "x", count: 20))\r\na\r\n", count: 4) + "0\r\n\r\n",
            .refused(.chunkOverheadTooLarge), "a little in each chunk"),
        .init("\(String(repeating: "0", count: 100))5\r\n", .refused(.chunkOverheadTooLarge), "zeros without an end"),
    ]

    static let trailers: [Case] = [
        .init("0\r\nX: y\r\n\r\n", body(""), "trailers are read past, §7.1.2"),
        .init("1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\nrest", body("a", rest: "rest"), "several"),
        .init("0\r\nContent-Length: 5\r\n\r\nhello", body("", rest: "hello"), "and never heeded, RFC 9110 §6.5.1"),
        .init("0\r\nX : y\r\n\r\n", .refused(.fieldNameInvalid), "white space before the colon"),
        .init("0\r\n X: y\r\n\r\n", .refused(.fieldNameInvalid), "a folded one"),
        .init("0\r\nX: y\r\n z\r\n\r\n", .refused(.fieldNameInvalid), "folded behind the first"),
        .init("0\r\n: y\r\n\r\n", .refused(.fieldNameInvalid), "no name"),
        .init("0\r\nX\r\n\r\n", .refused(.fieldNameInvalid), "no colon"),
        .init("0\r\nGET / HTTP/1.1\r\n\r\n", .refused(.fieldNameInvalid), "a request in the trailers' place"),
        .init("0\r\nX: y\n\r\n", .refused(.chunkInvalid), "a bare LF behind one"),
        .init("0\r\nX: y\rz\r\n\r\n", .refused(.chunkInvalid), "a bare CR in one"),
        .init("0\r\nX: \0\r\n\r\n", .refused(.chunkInvalid), "a NUL in one"),
        .init(
            "0\r\n" + String(repeating: "X: \(String(repeating: "y", count: 20))\r\n", count: 4),
            .refused(.chunkOverheadTooLarge), "without an end"),
    ]

    @Test("sizes", arguments: sizes) func checkSizes(_ c: Case) throws { try check(c) }
    @Test("line ends", arguments: lineEnds) func checkLineEnds(_ c: Case) throws { try check(c) }
    @Test("extensions", arguments: extensions) func checkExtensions(_ c: Case) throws { try check(c) }
    @Test("trailers", arguments: trailers) func checkTrailers(_ c: Case) throws { try check(c) }

    private func check(_ c: Case) throws {
        let coded = Array(c.coded.utf8)
        #expect(try decode([coded]) == c.verdict, "in one piece")
        #expect(try decode(coded.map { [$0] }) == c.verdict, "byte by byte")
        for cut in coded.indices.dropFirst() {
            let found = try decode([Array(coded[..<cut]), Array(coded[cut...])])
            #expect(found == c.verdict, "cut after \(cut) bytes")
        }
    }

    /// Decodes pieces as they arrive behind a head, the last byte always at the edge of a guard page.
    private func decode(_ pieces: [[UInt8]]) throws -> Verdict {
        let head = Array("head".utf8)
        var bytes = head
        var inputStart = head.count
        var bodyEnd = head.count
        var decoder = ChunkedDecoder(limits: RequestLimits(bodyBytes: 32, headBytes: 64))
        let memory = try GuardedBytes(capacity: pieces.reduce(head.count) { $0 + $1.count })
        for (index, piece) in pieces.enumerated() {
            bytes += piece
            let isWhole: Bool
            do {
                isWhole = try memory.with(bytes) { buffer in
                    var input = inputStart..<buffer.count
                    var span = buffer.mutableSpan
                    defer {
                        bytes = Array(buffer)
                        inputStart = input.lowerBound
                    }
                    return try decoder.decode(&span, input: &input, bodyEnd: &bodyEnd)
                }
            } catch let error as RequestError {
                return .refused(error)
            }
            #expect(Array(bytes.prefix(head.count)) == head)
            guard isWhole else { continue }
            let rest = bytes[inputStart...] + pieces[(index + 1)...].joined()
            return .body(
                String(decoding: bytes[head.count..<bodyEnd], as: UTF8.self),
                rest: String(decoding: rest, as: UTF8.self))
        }
        return .incomplete
    }
}
