// A socket in the file system.

import Foundation
import Server
import Testing

@Suite("A unix socket") struct UnixSocketTests {
    let directory: String
    var path: String { directory + "/socket" }

    init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/hookd-server-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw ClientError("mkdtemp") }
        directory = String(cString: made)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: directory) }

    @Test("serves, on several shards, and is removed at the end") func serves() throws {
        defer { remove() }
        let running = try EchoServer([.unix(path: path)], shards: 3)
        let clients = try (0..<20).map { _ in try running.client() }
        for (number, client) in clients.enumerated() {
            try client.send(post("/\(number)") + "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer() == (200, "post /\(number) "))
            #expect(try client.answer() == (200, "unix"))
        }
        running.server.drain(deadline: .distantFuture)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("takes the place of one that nobody listens on") func stale() throws {
        defer { remove() }
        try makeStaleSocket()
        let running = try EchoServer([.unix(path: path)])
        let client = try running.client()
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
    }

    /// A socket file as a killed daemon leaves it.
    private func makeStaleSocket() throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw ClientError("bind") }
    }

    @Test("does not take the place of a living one") func living() throws {
        defer { remove() }
        let running = try EchoServer([.unix(path: path)])
        #expect(try #require(startError([.unix(path: path)])) == ("bind unix:\(path)", EADDRINUSE))
        let client = try running.client()
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
    }

    @Test("does not take the place of a file") func file() throws {
        defer { remove() }
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try #require(startError([.unix(path: path)])) == ("bind unix:\(path)", EADDRINUSE))
        #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
    }

    @Test("has a path of at most 107 bytes, and is never cut to fit") func tooLong() throws {
        defer { remove() }
        let fits = directory + "/" + String(repeating: "s", count: 106 - directory.utf8.count)
        _ = try EchoServer([.unix(path: fits)])
        #expect(try #require(startError([.unix(path: fits + "s")])) == ("bind unix:\(fits)s", ENAMETOOLONG))
    }
}
