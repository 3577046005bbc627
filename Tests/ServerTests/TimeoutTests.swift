// Senders that are too slow, handlers that are, and readers. Nothing here measures time: each test waits for what the
// server does when a short patience is over.

import Dispatch
import Server
import Testing

@Suite("When it takes too long") struct TimeoutTests {
    @Test("a head is answered 408") func slowHead() throws {
        let running = try EchoServer { $0.headerTimeout = .milliseconds(50) }
        let client = try running.client()
        try client.send("POST /x HTTP/1.1\r\nHost:")
        let answer = try client.answer()
        #expect(answer == (408, "the request's head took too long"))
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
    }

    @Test("B19: a head that comes byte by byte is given no more time", arguments: [false, true])
    func drippingHead(_ isSecond: Bool) throws {
        let running = try EchoServer {
            $0.headerTimeout = .milliseconds(100)
            $0.request.headBytes = 1 << 16
        }
        let client = try running.client()
        if isSecond {
            try client.send(post("/first"))
            _ = try client.answer()
        }
        try client.send("POST /x HTTP/1.1\r\nX: ")
        // Each byte is sent when the other client was answered: the server goes on, and the head never ends.
        let other = try running.client()
        while !client.isReadable {
            try client.send("y")
            try other.send(post("/sync"))
            _ = try other.answer()
        }
        #expect(try client.answer().status == 408, "and not 431, which comes with 64 KiB of it")
    }

    @Test(
        "a body is answered 408",
        arguments: ["Content-Length: 5\r\n\r\nhel", "Transfer-Encoding: chunked\r\n\r\n5\r\nh"])
    func slowBody(_ rest: String) throws {
        let running = try EchoServer { $0.bodyTimeout = .milliseconds(50) }
        let client = try running.client()
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\n\(rest)")
        #expect(try client.answer() == (408, "the request's body took too long"))
        #expect(try client.rest() == "")
        #expect(running.echo.targets == [])
    }

    @Test("a connection without a request is closed silently") func idle() throws {
        let running = try EchoServer {
            $0.headerTimeout = .milliseconds(50)
            $0.idleTimeout = .milliseconds(50)
        }
        let silent = try running.client()
        #expect(try silent.rest() == "")
        let client = try running.client()
        try client.send(post("/x"))
        _ = try client.answer()
        #expect(try client.rest() == "")
    }

    @Test("an answer is 503, and what comes too late goes to nobody") func slowAnswer() throws {
        let running = try EchoServer { $0.answerTimeout = .milliseconds(50) }
        let client = try running.client()
        try client.send(post("/later/1"))
        let first = try running.echo.next()
        #expect(try client.answer() == (503, "the request was not stored in time"))
        first.answer("too late")
        try client.send(post("/later/2"))
        let second = try running.echo.next()
        first.answer("much too late")
        second.answer("in time")
        #expect(try client.answer() == (200, "in time"))
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
    }

    @Test("an answer that nobody reads is given up") func slowReader() throws {
        let running = try EchoServer { $0.bodyTimeout = .milliseconds(50) }
        let client = try Client(running.address, receiveBytes: 4096)
        try client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        try client.waitUntilReadable("beginning of the answer")
        // The second request stays unread for as long as the first answer waits: it is dropped with the connection.
        try client.send(post("/never"))
        let other = try running.client()
        for _ in 0..<1_000_000 where client.sendAtOnce([]) != nil {
            if try hasBeenReset(client) { break }
            try other.send(post("/sync"))
            _ = try other.answer()
        }
        #expect(!running.echo.targets.contains("/never"))
    }

    /// Whether the server has closed the connection with bytes unread.
    private func hasBeenReset(_ client: Client) throws -> Bool { client.sendAtOnce([0x20]) == nil }
}
