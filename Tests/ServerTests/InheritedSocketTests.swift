// Sockets that somebody else made: which of them are taken, how shards share them, and what stopping leaves behind.

import Foundation
import Synchronization
import Testing

@testable import Server

@Suite("An inherited socket") struct InheritedSocketTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let type: __socket_type, isBound: Bool, listens: Bool, error: InheritedSocketError?, why: String
        var testDescription: String { why }
    }

    @Test(
        "is a stream that listens",
        arguments: [
            Row(type: SOCK_STREAM, isBound: true, listens: true, error: nil, why: "a listener"),
            Row(type: SOCK_STREAM, isBound: true, listens: false, error: .notListening, why: "bound, and no more"),
            Row(type: SOCK_STREAM, isBound: false, listens: false, error: .notListening, why: "a fresh socket"),
            Row(type: SOCK_DGRAM, isBound: true, listens: false, error: .noStream, why: "datagrams"),
        ]) func kinds(_ row: Row) throws
    {
        for family in [AF_INET, AF_UNIX] {
            let descriptor = socket(family, Int32(row.type.rawValue), 0)
            defer { close(descriptor) }
            if row.isBound { try bindAnywhere(descriptor, family) }
            if row.listens { #expect(listen(descriptor, 1) == 0) }
            if let error = row.error {
                #expect(throws: error) { try InheritedSocket(descriptor: descriptor) }
            } else {
                let address = try InheritedSocket(descriptor: descriptor).address
                #expect(family == AF_INET ? "\(address)".hasPrefix("127.0.0.1:") : "\(address)".hasPrefix("unix:@"))
            }
        }
    }

    @Test("is no file, and no descriptor that is not there") func noSocket() throws {
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        for descriptor in [file, 1_000_000] {
            #expect(throws: InheritedSocketError.noSocket) { try InheritedSocket(descriptor: descriptor) }
        }
    }

    @Test("is dealt out to all shards alike", arguments: [2, 3]) func shared(_ shards: Int) throws {
        let listener = try listener()
        defer { close(listener) }
        let running = try EchoServer(listeners: [settings(listener)], shards: shards)
        // One by one, as on a quiet day, when the kernel would wake the same shard each time.
        let clients = try (0..<shards * 4).map { number in
            let client = try running.client()
            try client.send(post("/\(number)"))
            #expect(try client.answer() == (200, "post /\(number) "))
            return client
        }
        #expect(counts(running.server) == Array(repeating: 4, count: shards))
        #expect(clients.count == shards * 4)
    }

    @Test("keeps for a successor what waits at it") func successor() throws {
        let listener = try listener()
        defer { close(listener) }
        let first = try EchoServer(listeners: [settings(listener)], shards: 2)
        let address = first.address
        let before = try first.client()
        try before.send(post("/before"))
        #expect(try before.answer() == (200, "post /before "))
        #expect(first.server.drain(deadline: .distantFuture))
        let waiting = try (0..<5).map { number in
            let client = try Client(address)
            try client.send(post("/\(number)"))
            return client
        }
        let second = try EchoServer(listeners: [settings(listener)], shards: 2)
        for (number, client) in waiting.enumerated() {
            #expect(try client.answer() == (200, "post /\(number) "))
        }
        #expect(second.address == address)
    }

    @Test("of a Unix socket: its file is its maker's") func unix() throws {
        let path = FileManager.default.temporaryDirectory.path + "/hookd-\(UUID().uuidString)"
        defer { unlink(path) }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        try bind(listener, unixName: Array(path.utf8), count: path.utf8.count + 1)
        #expect(listen(listener, 5) == 0)
        let running = try EchoServer(listeners: [settings(listener)], shards: 2)
        #expect(running.address == .unix(path: path))
        let client = try running.client()
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
        #expect(running.server.drain(deadline: .distantFuture))
        #expect(access(path, F_OK) == 0)
    }

    @Test("a client that was let in before the stop is answered, although its request comes later") func lateRequest()
        throws
    {
        let running = try EchoServer()
        let client = try running.client()
        while counts(running.server) != [1] {}
        let stopped = DispatchSemaphore(value: 0)
        let server = running.server
        Thread.detachNewThread {
            server.drain(deadline: .now() + .seconds(60))
            stopped.signal()
        }
        // When nobody listens there any more, the stop has begun.
        while (try? Client(running.address)) != nil {}
        try client.send(post("/late"))
        #expect(try client.answer() == (200, "post /late "))
        client.close()
        #expect(stopped.wait(timeout: .now() + .seconds(60)) == .success)
    }

    // MARK: How

    /// How many connections each shard has.
    private func counts(_ server: Server) -> [Int] {
        server.shards.map { shard in
            let told = DispatchSemaphore(value: 0)
            let count = Mutex(0)
            shard.post { shard in
                count.withLock { $0 = shard.connectionCount }
                told.signal()
            }
            told.wait()
            return count.withLock { $0 }
        }
    }

    /// A copy, for the server closes it.
    private func settings(_ listener: Int32) throws -> ListenerSettings {
        ListenerSettings(try InheritedSocket(descriptor: fcntl(listener, F_DUPFD_CLOEXEC, 0)))
    }

    private func listener() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try bindAnywhere(descriptor, AF_INET)
        guard listen(descriptor, 100) == 0 else { throw ClientError("listen") }
        return descriptor
    }

    private func bindAnywhere(_ descriptor: Int32, _ family: Int32) throws {
        // Of a Unix socket the family alone: the kernel chooses an abstract name.
        if family == AF_UNIX { return try bind(descriptor, unixName: [], count: 0) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw ClientError("bind") }
    }

    private func bind(_ descriptor: Int32, unixName: [UInt8], count: Int) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: unixName) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, socklen_t(2 + count)) }
        }
        guard result == 0 else { throw ClientError("bind") }
    }
}
