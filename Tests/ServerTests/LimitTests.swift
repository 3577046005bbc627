// What one client, and all clients together, may take of the server.

import Dispatch
import HTTP
import Server
import Testing

@Suite("Limits of the server") struct LimitTests {
    // MARK: Connections

    @Test("a connection that waits makes room for one that wants in") func room() throws {
        let running = try EchoServer {
            $0.connections = 2
            $0.leastIdleTime = .milliseconds(1)
        }
        let idle = try running.client()
        try idle.send(post("/idle"))
        _ = try idle.answer()
        let busy = try running.client()
        try busy.send(post("/later"))
        let pending = try running.echo.next()
        for number in 0..<3 {
            let next = try running.client()
            try next.send(post("/\(number)"))
            #expect(try next.answer() == (200, "post /\(number) "))
        }
        #expect(try idle.rest() == "", "the one that waited was ended")
        pending.answer("late")
        #expect(try busy.answer() == (200, "late"), "and not the one whose request was being handled")
    }

    @Test("a connection that waits makes room for one that comes to another shard") func roomAcrossShards() throws {
        let running = try EchoServer(shards: 2) {
            $0.connections = 2
            $0.leastIdleTime = .milliseconds(1)
        }
        // The kernel chooses the shard: of ten clients, some find both connections with the other one.
        var clients: [Client] = []
        for number in 0..<10 {
            let client = try running.client()
            try client.send(post("/\(number)"))
            #expect(try client.answer() == (200, "post /\(number) "))
            clients.append(client)  // open to the end
        }
    }

    @Test("an address has no more connections than it may") func perAddress() throws {
        let running = try EchoServer { $0.connectionsPerAddress = 2 }
        let first = try running.client()
        let second = try running.client()
        for client in [first, second] {
            try client.send(post("/in"))
            #expect(try client.answer().status == 200)
        }
        let third = try running.client()
        #expect(try third.answer() == (503, "there are too many connections"))
        #expect(try third.rest() == "")
        let other = try Client(running.address, from: "127.0.0.2")
        try other.send(post("/other"))
        #expect(try other.answer() == (200, "post /other "), "another address has its own")
        second.close()
        // The server learns of the end behind whatever came before it.
        try other.send(post("/sync"))
        _ = try other.answer()
        let fourth = try running.client()
        try fourth.send(post("/again"))
        #expect(try fourth.answer() == (200, "post /again "))
    }

    @Test("an address whose connections have all ended begins anew") func perAddressAgain() throws {
        let running = try EchoServer { $0.connectionsPerAddress = 1 }
        let other = try Client(running.address, from: "127.0.0.2")
        for _ in 0..<3 {
            let client = try running.client()
            try client.send(post("/x"))
            #expect(try client.answer().status == 200)
            client.close()
            try other.send(post("/sync"))
            _ = try other.answer()
        }
    }

    @Test("a connection that has served long enough ends with an answer") func age() throws {
        let running = try EchoServer { $0.connectionAge = .zero }
        let client = try running.client()
        try client.send(post("/x"))
        let answer = try client.answer()
        #expect(answer == (200, "post /x "))
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
    }

    @Test("a connection that always has more to read gets one share of a turn") func share() throws {
        let running = try EchoServer()
        let client = try running.client()
        let body = String(repeating: "x", count: 50_000)
        let request = "HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let pieces = [UInt8](String(repeating: request, count: 20).utf8)
        for _ in 0..<50 { try client.send(pieces) }
        for _ in 0..<1000 { #expect(try client.answer(toHead: true).status == 200) }
        #expect(running.echo.mostUnfinished <= 1)
    }

    // MARK: Slowness

    @Test(
        "B19: a request that comes too slowly is answered 408",
        arguments: [
            ("POST /x HTTP/1.1\r\nHost:", "the request's head took too long"),
            ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", "the request's body took too long"),
            (
                "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nh",
                "the request's body took too long"
            ),
        ])
    func tooSlow(_ beginning: String, _ message: String) throws {
        let running = try EchoServer {
            $0.minimumBytesPerSecond = 1 << 20
            $0.rateGrace = .milliseconds(1)
        }
        let client = try running.client()
        try client.send(beginning)
        #expect(try client.answer() == (408, message))
        #expect(try client.rest() == "")
    }

    @Test("a connection between two requests is not slow, nor one whose request is being handled")
    func notSlow() throws {
        let running = try EchoServer {
            $0.minimumBytesPerSecond = 1 << 20
            $0.rateGrace = .zero
        }
        let (idle, waiting, slow) = (try running.client(), try running.client(), try running.client())
        try idle.send(post("/idle"))
        _ = try idle.answer()
        try waiting.send(post("/later"))
        let pending = try running.echo.next()
        try slow.send("POST /x HTTP/1.1\r\nHost:")
        #expect(try slow.answer().status == 408)
        pending.answer("there")
        #expect(try waiting.answer() == (200, "there"))
        try idle.send(post("/again"))
        #expect(try idle.answer() == (200, "post /again "))
    }

    // MARK: Memory

    /// Enough of a request that its bytes must be kept.
    private static func beginning(_ count: Int) -> String {
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(count + 1)\r\n\r\n" + String(repeating: "x", count: count)
    }

    @Test("B11: requests that arrive share a bounded memory, and give it back")
    func requestMemory() throws {
        let running = try EchoServer { $0.requestMemoryBytes = 300_000 }
        let holders = try (0..<2).map { _ in
            let client = try running.client()
            try client.send(Self.beginning(100_000))
            return client
        }
        // Answered when the bytes before it were read.
        let other = try running.client()
        try other.send(post("/sync"))
        _ = try other.answer()
        let refused = try running.client()
        try refused.send(Self.beginning(200_000))
        let answer = try refused.answer()
        #expect(answer == (503, "too many requests are arriving at once"))
        #expect(answer.headers["connection"] == "close")
        for holder in holders {
            try holder.send("y")
            #expect(try holder.answer().status == 200, "those that were there first are served")
        }
        let next = try running.client()
        try next.send(Self.beginning(200_000) + "y")
        #expect(try next.answer().status == 200)
    }

    @Test("B11: a length that is only announced takes no memory") func announced() throws {
        let running = try EchoServer { $0.requestMemoryBytes = 200_000 }
        let clients = try (0..<20).map { _ in try running.client() }
        for client in clients { try client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n") }
        for client in clients {
            try client.send(String(repeating: "x", count: 100_000))
            #expect(try client.answer().status == 200)
        }
    }

    @Test(
        "the largest request fits into the least memory that may be set, however it is framed",
        arguments: [true, false])
    func largest(_ isChunked: Bool) throws {
        let running = try EchoServer {
            $0.request = RequestLimits(bodyBytes: 1 << 20, headBytes: 32 << 10, fieldCount: 20)
            $0.requestMemoryBytes = 1 << 20 + 32 << 10
        }
        let client = try running.client()
        let piece = String(repeating: "x", count: 8192)
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\n")
        try client.send(isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 1048576\r\n\r\n")
        for _ in 0..<128 { try client.send(isChunked ? "2000\r\n\(piece)\r\n" : piece) }
        if isChunked { try client.send("0\r\n\r\n") }
        #expect(try client.answer().status == 200)
    }

    @Test("what comes behind a request that is being handled is not kept without bound") func pipelined() throws {
        let running = try EchoServer { $0.requestMemoryBytes = 1000 }
        let client = try running.client()
        try client.send(post("/later") + Self.beginning(5000))
        let pending = try running.echo.next()
        pending.answer("first")
        let answer = try client.answer()
        #expect(answer == (200, "first"), "it is answered all the same")
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
    }
}
