// Many connections, many shards, large answers and floods.

import Dispatch
import Foundation
import Server
import Synchronization
import Testing

@Suite("Under load") struct LoadTests {
    @Test("further connections wait until there is room") func connectionLimit() throws {
        let running = try EchoServer {
            $0.connections = 2
            $0.leastIdleTime = .seconds(60)
        }
        let first = try running.client()
        let second = try running.client()
        for client in [first, second] {
            try client.send(post("/x"))
            _ = try client.answer()
        }
        let third = try running.client()
        try third.send(post("/third"))
        try first.send(post("/y"))
        #expect(try first.answer() == (200, "post /y "), "those that are in are served")
        #expect(!running.echo.targets.contains("/third"))
        second.close()
        #expect(try third.answer() == (200, "post /third "))
    }

    @Test("further connections wait on every shard", arguments: [1, 3]) func limitAcrossShards(_ shards: Int) throws {
        let running = try EchoServer(shards: shards) { $0.connections = 1 }
        for number in 0..<30 {
            let client = try running.client()
            try client.send(post("/\(number)", "", "Connection: close\r\n"))
            #expect(try client.answer() == (200, "post /\(number) "))
        }
    }

    @Test("every shard serves, and each answer finds its way") func shards() throws {
        let running = try EchoServer(shards: 4)
        let clients = try (0..<64).map { _ in try running.client() }
        for round in 0..<5 {
            for (number, client) in clients.enumerated() { try client.send(post("/later", "\(round) \(number)")) }
            let requests = try clients.map { _ in try running.echo.next() }
            DispatchQueue.concurrentPerform(iterations: requests.count) { requests[$0].answer(requests[$0].body) }
            for (number, client) in clients.enumerated() {
                #expect(try client.answer() == (200, "\(round) \(number)"))
            }
        }
    }

    @Test("a large answer waits for its reader, and the next one behind it") func largeAnswers() throws {
        let running = try EchoServer()
        let client = try Client(running.address, receiveBytes: 4096)
        let request = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        try client.send(request + request + post("/behind"))
        try client.waitUntilReadable("beginning of the answer")
        let other = try running.client()
        try other.send(post("/other"))
        #expect(try other.answer() == (200, "post /other "), "nobody else waits")
        #expect(running.echo.targets.filter { $0 != "/other" } == ["/large"], "nor is the next one handled before")
        for _ in 0..<2 {
            let answer = try client.answer()
            let isWhole = answer.status == 200 && Array(answer.body.utf8) == EchoHandler.large
            #expect(isWhole)
        }
        #expect(try client.answer() == (200, "post /behind "))
    }

    /// What follows a refused request is read and dropped so that the answer is not lost to a reset; but a client that
    /// never stops must not hold up the others.
    @Test("B19: a flood behind a refused body holds up nobody", arguments: ["refused", "answered"])
    func flood(_ kind: String) throws {
        let running = try EchoServer { $0.idleTimeout = .seconds(60) }
        let flooders = try (0..<2).map { _ in try running.client() }
        let isOver = Atomic(false)
        let ended = DispatchGroup()
        for client in flooders {
            if kind == "refused" {
                try client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
            }
            let flood = FloodTarget(client: client)
            let bytes = Array((kind == "refused" ? "x" : "GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n").utf8)
            let piece = Array([[UInt8]](repeating: bytes, count: (256 << 10) / bytes.count).joined())
            DispatchQueue.global().async(group: ended) {
                while !isOver.load(ordering: .relaxed), (try? flood.client.send(piece)) != nil {}
            }
            if kind == "answered" {
                DispatchQueue.global().async(group: ended) { flood.drain() }
            }
        }
        defer {
            isOver.store(true, ordering: .relaxed)
            for client in flooders { shutdown(client.descriptor, Int32(SHUT_RDWR)) }
            ended.wait()
        }
        let others = try (0..<20).map { _ in try running.client() }
        for client in others {
            try client.send(post("/other"))
            #expect(try client.answer() == (200, "post /other "))
        }
    }

    private struct FloodTarget: @unchecked Sendable {  // one thread sends, the other reads the descriptor
        let client: Client

        func drain() {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while read(client.descriptor, &buffer, buffer.count) > 0 {}
        }
    }
}
