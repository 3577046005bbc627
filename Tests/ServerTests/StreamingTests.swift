// Bodies that are made while they are sent: how they go over the wire, that nobody makes more than the client takes,
// and how they end.

import Dispatch
import Server
import Synchronization
import TestAuthority
import Testing

private func get(_ target: String, version: String = "1.1") -> String {
    "GET \(target) HTTP/\(version)\r\nHost: a\r\n\r\n"
}

@Suite("A body that is made while it is sent") struct StreamingTests {
    @Test("comes in chunks, and the connection goes on") func chunks() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send(get("/stream") + post("/close"))
        let source = try running.echo.nextSource()
        try source.give(next: "hello")
        try source.give(next: "")
        try source.give(next: "you")
        try source.give(next: nil)
        let head = try client.answer()
        #expect(head == (200, ""))
        #expect(head.headers["transfer-encoding"] == "chunked")
        #expect(head.headers["connection"] == nil)
        #expect(head.headers["content-length"] == nil)
        let rest = try #require(try client.rest())
        #expect(rest.hasPrefix("5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"))
        #expect(rest.hasSuffix("post /close "))
        #expect(source.endings == 1)
    }

    @Test("ends with the connection for HTTP/1.0, which knows no chunks") func untilClose() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let source = try running.echo.nextSource()
        try source.give(next: "hello")
        try source.give(next: nil)
        let head = try client.answer()
        #expect(head.headers["transfer-encoding"] == nil)
        #expect(head.headers["connection"] == "close")
        #expect(try client.rest() == "hello")
    }

    @Test("has none for HEAD") func head() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + post("/behind"))
        let source = try running.echo.nextSource()
        #expect(try client.answer(toHead: true).headers["transfer-encoding"] == "chunked")
        #expect(try client.answer() == (200, "post /behind "))
        #expect(source.asked == 0)
        #expect(source.endings == 1)
    }

    @Test("is asked for no more than the client takes", arguments: ["1.1", "1.0"])
    func backpressure(_ version: String) throws {
        let running = try EchoServer()
        let client = try Client(running.address, receiveBytes: 4096)
        try client.send(get("/stream", version: version))
        let source = try running.echo.nextSource()
        try source.awaitAsking()
        source.give(EchoHandler.large)
        let other = try running.client()
        for _ in 0..<3 {
            try other.send(post("/sync"))
            #expect(try other.answer() == (200, "post /sync "))
        }
        #expect(source.asked == 1, "the kernel does not take 8 MiB for a client that reads nothing")
        try client.send(post("/close"))
        DispatchQueue(label: "giving").async {
            try? source.awaitAsking()
            source.give(nil)
        }
        let received = try #require(try client.rest())
        let large = String(decoding: EchoHandler.large, as: UTF8.self)
        let expected = version == "1.0" ? large : "800000\r\n\(large)\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"
        #expect(received.contains("\r\n\r\n" + expected))
    }

    @Test("is given up where the client does not read") func notRead() throws {
        let running = try EchoServer { $0.bodyTimeout = .milliseconds(50) }
        let client = try Client(running.address, receiveBytes: 4096)
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        try source.awaitAsking()
        source.give(EchoHandler.large)
        try source.awaitEnd()
        #expect(source.asked == 1)
        withExtendedLifetime(client) {}
    }

    @Test("may take any time while there is nothing to be sent") func patience() throws {
        let running = try EchoServer {
            ($0.headerTimeout, $0.bodyTimeout, $0.idleTimeout) =
                (.milliseconds(50), .milliseconds(50), .milliseconds(50))
            ($0.answerTimeout, $0.connectionAge) = (.milliseconds(50), .milliseconds(50))
        }
        let client = try running.client()
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        try source.give(next: "one")
        try source.awaitAsking()
        // That one is closed says that deadlines were looked at, later than this stream's would have been over.
        #expect(try running.client().rest() == "")
        source.give(Array("two".utf8))
        try source.give(next: nil)
        _ = try client.answer()
        #expect(try client.rest() == "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    }

    @Test("ends when the client has gone", arguments: ["close", "reset", "finish"]) func gone(_ how: String) throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        try source.give(next: "hello")
        try source.awaitAsking()
        switch how {
        case "close": client.close()
        case "reset": client.reset()
        default: client.finish()
        }
        try source.awaitEnd()
        source.give(Array("to nobody".utf8))
        let other = try running.client()
        try other.send(post("/sync"))
        #expect(try other.answer().status == 200)
        #expect(source.endings == 1)
    }

    @Test("ends where the client has gone before it began") func goneBefore() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send(get("/stream"))
        client.finish()
        let source = try running.echo.nextSource()
        try source.awaitEnd()
        #expect(source.endings == 1)
    }

    @Test("ends whole when the server drains") func drain() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        try source.give(next: "hello")
        try source.awaitAsking()
        let server = running.server
        let draining = DispatchQueue(label: "draining")
        let isClean = Mutex<Bool?>(nil)
        draining.async {
            let result = server.drain(deadline: .distantFuture)
            isClean.withLock { $0 = result }
        }
        _ = try client.answer()
        #expect(try client.rest() == "5\r\nhello\r\n0\r\n\r\n")
        client.close()
        draining.sync {}
        #expect(isClean.withLock { $0 } == true)
        #expect(source.endings == 1)
    }

    @Test("is cut at the end of draining where the client does not read") func drainUnread() throws {
        let running = try EchoServer()
        let client = try Client(running.address, receiveBytes: 4096)
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        try source.awaitAsking()
        source.give(EchoHandler.large)
        try client.waitUntilReadable("beginning of the body")
        #expect(!running.server.drain(deadline: .now()))
        #expect(source.endings == 1)
    }

    @Test("comes encrypted, and ends so that it cannot be taken for one that was cut", arguments: [0x0303, 0x0304])
    func encrypted(_ version: Int32) throws {
        var settings = ListenerSettings(.tcp(host: "127.0.0.1", port: 0))
        settings.tls = try TLSContext(TLSSettings(identities: [try Issued("first").identity()]))
        let running = try EchoServer(listeners: [settings])
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        try client.send(get("/stream"))
        let source = try running.echo.nextSource()
        let piece = String(repeating: "0123456789", count: 10_000)
        try source.give(next: piece)
        try source.awaitAsking()
        let server = running.server
        let draining = DispatchQueue(label: "draining")
        draining.async { server.drain(deadline: .distantFuture) }
        _ = try client.answer()
        #expect(try client.endsInOrder())
        #expect(client.rest == "186a0\r\n\(piece)\r\n0\r\n\r\n")
        client.plain.close()
        draining.sync {}
    }
}
