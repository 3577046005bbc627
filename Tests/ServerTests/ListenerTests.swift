// Listening in other ways than by an address alone: both families at once, and the permissions of a Unix socket.

import Foundation
import Glibc
import Server
import Testing

/// Whether this machine has ::1.
private let machineHasIPv6 =
    FileManager.default.contents(atPath: "/proc/net/if_inet6")
    .map { String(decoding: $0, as: UTF8.self).contains("00000000000000000000000000000001 ") } ?? false

@Suite("A dual-stack listener", .enabled(if: machineHasIPv6)) struct DualStackTests {
    @Test("takes IPv4 and IPv6, on several shards, and calls IPv4 clients by their names") func both() throws {
        var settings = ListenerSettings(.tcp(host: "::", port: 0))
        settings.isDualStack = true
        let running = try EchoServer(listeners: [settings], shards: 3)
        guard case .tcp("::", let port) = running.address else {
            Issue.record("not TCP")
            return
        }
        for _ in 0..<10 {
            #expect(try peer(seenFrom: "127.0.0.1", port).starts(with: "127.0.0.1:"))
            #expect(try peer(seenFrom: "::1", port).starts(with: "[::1]:"))
        }
    }

    @Test("is asked for: without it all of IPv6 leaves the port of IPv4 to others") func single() throws {
        // On a machine where others listen as well, one port may be taken; ten are not.
        let isFree = try (0..<10).contains { _ in
            let running = try EchoServer([.tcp(host: "::", port: 0)])
            guard case .tcp("::", let port) = running.address else { return false }
            #expect(try peer(seenFrom: "::1", port).starts(with: "[::1]:"))
            guard let other = try? EchoServer([.tcp(host: "127.0.0.1", port: port)]) else { return false }
            return try peer(seenFrom: "127.0.0.1", port).starts(with: "127.0.0.1:") && other.echo.targets == ["/peer"]
        }
        #expect(isFree)
    }

    private func peer(seenFrom host: String, _ port: UInt16) throws -> String {
        let client = try Client(.tcp(host: host, port: port))
        try client.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
        return try client.answer().body
    }
}

@Suite("The permissions of a unix socket") struct UnixModeTests {
    @Test("are those that are asked for, whatever the umask", arguments: [0o660, 0o600, 0o666, 0o777] as [mode_t])
    func mode(_ mode: mode_t) throws {
        let directory = try scratchDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var settings = ListenerSettings(.unix(path: directory + "/socket"))
        settings.unixMode = mode
        let running = try EchoServer(listeners: [settings])
        var status = stat()
        #expect(stat(directory + "/socket", &status) == 0)
        #expect(status.st_mode & 0o7777 == mode)
        let client = try running.client()
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
    }

    private func scratchDirectory() throws -> String {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/hookd-server-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw ClientError("mkdtemp") }
        return String(cString: made)
    }
}
