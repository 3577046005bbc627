// TLS on real sockets: what the engine does, the shard must not undo.

import CTLSClient
import Dispatch
import Foundation
import Server
import TestAuthority
import Testing

@Suite("An encrypted connection") struct EncryptedConnectionTests {
    static let versions: [Int32] = [0x0303, 0x0304]

    let context: TLSContext

    init() throws {
        context = try TLSContext(TLSSettings(identities: [try Issued("first").identity()]))
    }

    private func server(_ change: (inout ServerLimits) -> Void = { _ in }) throws -> EchoServer {
        var settings = ListenerSettings(.tcp(host: "127.0.0.1", port: 0))
        settings.tls = context
        return try EchoServer(listeners: [settings], change)
    }

    @Test("serves one request after the other", arguments: versions) func serves(_ version: Int32) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        for number in 0..<3 {
            try client.send(post("/x", "\(number)"))
            #expect(try client.answer() == (200, "post /x \(number)"))
        }
        try client.send(post("/a") + post("/b"))
        #expect(try client.answer() == (200, "post /a "))
        #expect(try client.answer() == (200, "post /b "))
    }

    @Test("serves requests however the bytes are cut", arguments: versions, [1, 7, 1000])
    func pieces(_ version: Int32, _ size: Int) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        client.prepare(post("/cut", String(repeating: "y", count: 300)))
        let bytes = client.pending()
        for start in stride(from: 0, to: bytes.count, by: size) {
            try client.plain.send(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(try client.answer().status == 200)
    }

    @Test("takes large bodies and gives large answers", arguments: versions) func large(_ version: Int32) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        let body = String(repeating: "0123456789", count: 80_000)
        try client.send(post("/big", body))
        #expect(try client.answer() == (200, "post /big \(body)"))
        try client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + post("/behind"))
        #expect(try client.answer().body.utf8.elementsEqual(EchoHandler.large))
        #expect(try client.answer() == (200, "post /behind "))
    }

    @Test("gets an answer that comes later, also when the client sends nothing more", arguments: versions)
    func later(_ version: Int32) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        try client.send(post("/later"))
        let first = try running.echo.next()
        first.answer("first")
        #expect(try client.answer() == (200, "first"))
        try client.send(post("/later"))
        let second = try running.echo.next()
        try client.close()
        second.answer("second")
        #expect(try client.answer() == (200, "second"))
        #expect(try client.endsInOrder())
    }

    @Test("gets the answers to all that was sent before the client said goodbye", arguments: versions)
    func pipelinedGoodbye(_ version: Int32) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        client.prepare(post("/later") + post("/second") + post("/third"))
        try client.close()
        try running.echo.next().answer("first")
        #expect(try client.answer() == (200, "first"))
        #expect(try client.answer() == (200, "post /second "))
        #expect(try client.answer() == (200, "post /third "))
        #expect(try client.endsInOrder())
    }

    @Test("says goodbye behind the last answer", arguments: versions) func goodbye(_ version: Int32) throws {
        let running = try server()
        let client = try EncryptedClient(running.address, version: version)
        try client.handshake()
        try client.send("nonsense\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 400)
        #expect(answer.headers["connection"] == "close")
        #expect(try client.endsInOrder())
    }

    @Test("is answered in plain text where a client forgot the encryption") func plain() throws {
        let running = try server()
        let client = try running.client()
        try client.send(post("/x"))
        #expect(try client.answer() == (400, "this address speaks HTTPS, not HTTP"))
        #expect(try client.rest() == "")
        #expect(running.echo.targets == [])
        #expect(running.echo.problems.count == 1)
    }

    @Test("ends where what came is no TLS, and nobody else notices") func garbage() throws {
        let running = try server()
        let good = try EncryptedClient(running.address)
        try good.handshake()
        for bytes in [[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5], [UInt8](repeating: 0, count: 100), [0x17, 3, 3, 255, 255]] {
            let client = try running.client()
            try client.send(bytes)
            _ = try client.rest()
        }
        try good.send(post("/x"))
        #expect(try good.answer() == (200, "post /x "))
    }

    @Test("ends where a client keeps asking for new keys, for each of which it would be answered") func unreadKeys()
        throws
    {
        let running = try server()
        let client = try EncryptedClient(running.address)
        try client.handshake()
        try client.askForNewKeys(1000)
        _ = try client.endsInOrder()
        #expect(running.echo.problems.count == 1, "else what waits for a client that does not read grows without bound")
        let other = try EncryptedClient(running.address)
        try other.handshake()
        try other.askForNewKeys(10)
        try other.send(post("/x"))
        #expect(try other.answer() == (200, "post /x "), "who asks now and then is served")
    }

    @Test("ends where the handshake is larger than any") func largeHandshake() throws {
        let running = try server()
        let client = try running.client()
        // A ClientHello that announces 131,000 bytes, in records of 16,000.
        var hello: [UInt8] = [1, 1, 0xff, 0xb8]
        hello += [UInt8](repeating: 0x61, count: 131_000)
        for start in stride(from: 0, to: 96_000, by: 16_000) {
            try? client.send([0x16, 3, 1, 0x3e, 0x80] + hello[start..<start + 16_000])
        }
        _ = try client.rest()
        let reasons = running.echo.problems.map { "\($0)" }
        #expect(reasons.count == 1 && reasons[0].contains("too large"), "\(reasons)")
    }

    @Test("ends where the handshake takes too long", arguments: [0, 50]) func slowHandshake(_ count: Int) throws {
        let running = try server { $0.headerTimeout = .milliseconds(50) }
        let client = try EncryptedClient(running.address)
        try client.plain.send(Array(client.pending().prefix(count)))
        #expect(try client.plain.rest() == "")
    }

    @Test("keeps its certificate when others get a new one") func replaced() throws {
        let running = try server()
        let old = try EncryptedClient(running.address)
        try old.handshake()
        #expect(old.serverName == "first")
        try context.replace(with: TLSSettings(identities: [try Issued("second").identity()]))
        let new = try EncryptedClient(running.address)
        try new.handshake()
        #expect(new.serverName == "second")
        for client in [old, new] {
            try client.send(post("/x"))
            #expect(try client.answer() == (200, "post /x "))
        }
    }

    @Test("is drained as a plain one is") func drained() throws {
        let running = try server()
        let client = try EncryptedClient(running.address)
        try client.handshake()
        try client.send(post("/later"))
        let pending = try running.echo.next()
        let drained = DispatchSemaphore(value: 0)
        DispatchQueue.global().async { [server = running.server] in
            server.drain(deadline: .now() + .seconds(20))
            drained.signal()
        }
        pending.answer("done")
        #expect(try client.answer() == (200, "done"))
        #expect(try client.endsInOrder())
        drained.wait()
    }
}
