// Who may come, how often, and by which door: allow lists, rate limits, both families on one socket, Unix sockets.

import Foundation
import Glibc
import Testing

/// Whether this machine has ::1.
let machineHasIPv6 = String(decoding: contents(of: "/proc/net/if_inet6"), as: UTF8.self)
    .contains("00000000000000000000000000000001 ")

@Suite("Who may come") struct ClientTests {
    private func stored(_ answer: Answer) -> Bool { answer.status == 200 && answer.text.contains(#""stored""#) }

    @Test("B27: a client that is not on the list is answered 403, before its body and its signature are looked at")
    func allowList() throws {
        let daemon = try DaemonProcess(Settings(endpoint: ["allow": #"["127.0.0.2"]"#]))
        defer { try? daemon.kill() }
        let callback = try SignedCallback.unique()
        let request = callback.request(adding: ["Expect: 100-continue"])
        let stranger = try RawConnection(port: daemon.port)
        try stranger.send(Array(request.dropLast(callback.body.count)))
        let answer = try stranger.answer()
        #expect(answer.status == 403)
        #expect(answer.text.contains(#""status":"PERMISSION_DENIED""#))
        stranger.endSending()
        #expect(try stranger.readToEnd().isEmpty)
        // Without a signature it is the same, and elsewhere there is still nothing.
        #expect(try daemon.connect().exchange(Array("POST /callbacks HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 403)
        #expect(try daemon.connect().exchange(Array("GET /other HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 404)
        // The list is no key: who is on it signs like everybody else.
        #expect(stored(try RawConnection(port: daemon.port, from: 2).exchange(callback.request())))
        let forged = try SignedCallback("{}", secret: "wrong").request()
        #expect(try RawConnection(port: daemon.port, from: 2).exchange(forged).status == 401)
        #expect(try storedEvents(in: daemon.home).count == 1)
        #expect(try daemon.stop() == .exited(0))
        let log = try daemon.process.errors.toEnd()
        #expect(log.contains("outcome=refused_address") && log.contains("peer=127.0.0.1:"))
    }

    @Test("who is refused often is told of once in a while") func refusalsInTheLog() throws {
        let daemon = try DaemonProcess(Settings(endpoint: ["allow": #"["192.0.2.1"]"#]))
        defer { try? daemon.kill() }
        let connection = try daemon.connect()
        for _ in 0..<100 {
            #expect(try connection.exchange(Array("POST /callbacks HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 403)
        }
        #expect(try daemon.stop() == .exited(0))
        let lines = try daemon.process.errors.toEnd().split(separator: "\n").filter { $0.contains("refused_address") }
        #expect((1...10).contains(lines.count), "\(lines.count) lines for 100 refusals")
    }

    @Test("who asks more often than the rate allows is answered 429, and nobody else is") func rateLimit() throws {
        let daemon = try DaemonProcess(Settings(endpoint: ["rate_limit": #"{"rate": 1, "burst": 3}"#]))
        defer { try? daemon.kill() }
        let connection = try daemon.connect()
        let count = 50
        try connection.send(String(repeating: "GET /callbacks HTTP/1.1\r\nHost: x\r\n\r\n", count: count))
        let answers = try (0..<count).map { _ in try connection.answer() }
        #expect(answers.prefix(3).map(\.status) == [405, 405, 405])
        // On a machine so busy that seconds pass between two of them, some more are taken.
        let refused = try #require(answers.first { $0.status != 405 })
        #expect(refused.status == 429)
        #expect(refused.field("retry-after") == "1")
        #expect(refused.text.contains(#""status":"RESOURCE_EXHAUSTED""#))
        #expect(refused.field("connection") == nil, "the connection goes on where no body was left unread")
        #expect(stored(try RawConnection(port: daemon.port, from: 2).exchange(SignedCallback.unique().request())))
        #expect(try daemon.connect().exchange(Array("GET /other HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 404)
        #expect(try daemon.stop() == .exited(0))
        #expect(try daemon.process.errors.toEnd().contains("outcome=rate_limited"))
    }

    @Test("by a Unix socket: with the mode that was asked for, and on the list as unix") func unixSocket() throws {
        let home = try DaemonHome()
        let path = home.directory.file("http.sock")
        let settings = Settings(
            listeners: [#"{"address": "unix:\#(path)", "mode": "0606"}"#], endpoint: ["allow": #"["unix"]"#])
        let daemon = try DaemonProcess(in: home, settings)
        defer { try? daemon.kill() }
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o606, "none of the usual umasks leaves that")
        #expect(stored(try RawConnection(path: path).exchange(SignedCallback.unique().request())))
        #expect(try daemon.post(SignedCallback.unique()).status == 403)
    }

    @Test("over IPv4 and IPv6 by one socket; an IPv4 client is on the list as IPv4", .enabled(if: machineHasIPv6))
    func dualStack() throws {
        let settings = Settings(
            listeners: [#"{"address": "[::]:0", "dual_stack": true}"#],
            endpoint: ["allow": #"["127.0.0.2", "::1"]"#])
        let daemon = try DaemonProcess(settings)
        defer { try? daemon.kill() }
        let line = daemon.process.errors.text
        let port = try #require(line.firstMatch(of: /\[::\]:(\d+)/).flatMap { UInt16($0.1) }, "\(line)")
        #expect(stored(try RawConnection(port: port, from: 2).exchange(SignedCallback.unique().request())))
        #expect(stored(try RawConnection(portOfIPv6: port).exchange(SignedCallback.unique().request())))
        #expect(try RawConnection(port: port).exchange(SignedCallback.unique().request()).status == 403)
    }
}
