// Bodies: chunked, announced, waited for, refused before they are read.

import HTTP
import Server
import Testing

@Suite("A body") struct BodyTests {
    let running: EchoServer

    init() throws { running = try EchoServer() }

    static let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"

    @Test("in chunks arrives without its framing") func chunked() throws {
        let client = try running.client()
        for _ in 0..<3 {
            try client.send(Self.head + "\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: z\r\n\r\n")
            #expect(try client.answer() == (200, "post /x hello world"))
        }
    }

    @Test("in chunks may be cut anywhere, with the next request behind it") func chunkedInPieces() throws {
        let request = Array((Self.head + "\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" + post("/next", "!")).utf8)
        for cut in 1..<request.count {
            let client = try running.client()
            try client.send(Array(request[..<cut]))
            let other = try running.client()
            try other.send(post("/sync"))
            _ = try other.answer()
            try client.send(Array(request[cut...]))
            #expect(try client.answer() == (200, "post /x hello world"), "cut after \(cut)")
            #expect(try client.answer() == (200, "post /next !"), "cut after \(cut)")
        }
    }

    @Test("may be large") func large() throws {
        let body = String(repeating: "0123456789abcdef", count: 1 << 16)
        let client = try running.client()
        try client.send(post("/x", body))
        #expect(try client.answer() == (200, "post /x \(body)"))
        try client.send(Self.head + "\r\n100000\r\n\(body)\r\n0\r\n\r\n")
        #expect(try client.answer() == (200, "post /x \(body)"))
    }

    @Test("is waited for with 100 Continue, once", arguments: ["Content-Length: 5", "Transfer-Encoding: chunked"])
    func expectContinue(_ framing: String) throws {
        let client = try running.client()
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(framing)\r\n\r\n")
        #expect(try client.answer().status == 100)
        try client.send(framing.hasPrefix("C") ? "hello" : "5\r\nhello\r\n0\r\n\r\n")
        #expect(try client.answer() == (200, "post /x hello"))
        try client.send(post("/next", "!"))
        #expect(try client.answer() == (200, "post /next !"))
    }

    @Test("that is there already is not asked for") func expectWithBody() throws {
        let client = try running.client()
        try client.send(post("/x", "hello", "Expect: 100-continue\r\n"))
        #expect(try client.answer() == (200, "post /x hello"))
    }

    @Test("that is too large is refused before it is sent") func tooLarge() throws {
        let client = try running.client()
        try client.send(
            "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
        #expect(running.echo.targets == [])
    }

    @Test("that is sent all the same does not lose the answer to a reset") func sentAllTheSame() throws {
        let client = try running.client()
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n")
        for _ in 0..<128 { try client.send([UInt8](repeating: 0x78, count: 65_536)) }
        client.finish()
        #expect(try client.answer().status == 413)
        #expect(try client.rest() == "")
    }

    @Test("that is too large in chunks is refused where it is known") func tooLargeInChunks() throws {
        let client = try running.client()
        try client.send(Self.head + "\r\n100000\r\n\(String(repeating: "x", count: 1 << 20))\r\n1\r\n")
        #expect(try client.answer().status == 413)
        #expect(try client.rest() == "")
    }

    @Test("of a refused request is never taken for the next one") func refusedWithBody() throws {
        let client = try running.client()
        let smuggled = post("/smuggled")
        try client.send(post("/refuse", smuggled))
        let answer = try client.answer()
        #expect(answer == (404, "refused"))
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
        #expect(running.echo.targets == [])
    }

    @Test("that is missing leaves a refused request's connection open") func refusedWithoutBody() throws {
        let client = try running.client()
        for number in 0..<3 {
            try client.send("GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer() == (404, "refused"))
            try client.send(post("/\(number)", "x"))
            #expect(try client.answer() == (200, "post /\(number) x"))
        }
        try client.send(String(repeating: "GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n", count: 3) + post("/last"))
        for _ in 0..<3 { #expect(try client.answer() == (404, "refused")) }
        #expect(try client.answer() == (200, "post /last "))
        client.finish()
        #expect(try client.rest() == "", "as many answers as requests")
    }

    static let malformed: [(request: String, status: Int)] = [
        ("nonsense\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (head + "\r\n5\nhello\r\n0\r\n\r\n", 400),
        (head + "\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET /\(String(repeating: "x", count: 5000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 5000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 30))\r\n", 431),
    ]

    @Test("B17: behind a malformed head is not looked at", arguments: malformed)
    func closes(_ request: String, _ status: Int) throws {
        let client = try running.client()
        try client.send(post("/before") + request + post("/smuggled"))
        #expect(try client.answer() == (200, "post /before "))
        let answer = try client.answer()
        #expect(answer.status == status)
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
        #expect(running.echo.targets == ["/before"])
    }
}
