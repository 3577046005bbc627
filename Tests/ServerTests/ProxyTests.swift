// Who the client is behind a proxy: by the PROXY protocol, or by a header field.

import CTLSClient
import Server
import TestAuthority
import Testing

@Suite("Behind a proxy") struct ProxyTests {
    private func server(
        trusting proxies: [String], tls: TLSContext? = nil, _ change: (inout ServerLimits) -> Void = { _ in }
    ) throws -> EchoServer {
        var settings = ListenerSettings(.tcp(host: "127.0.0.1", port: 0))
        settings.proxyProtocol = try list(proxies)
        settings.tls = tls
        return try EchoServer(listeners: [settings], change)
    }

    private func list(_ texts: [String]) throws -> AddressList {
        var list = AddressList()
        for text in texts { try list.insert(text: text) }
        return list
    }

    /// Version 2 of the header: TCP over IPv4 from 192.0.2.7:4711.
    private static let binary: [UInt8] =
        [
            0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12,
            192, 0, 2, 7, 127, 0, 0, 1, 0x12, 0x67, 0x1f, 0x90,
        ]
    private static let text = Array("PROXY TCP4 192.0.2.7 127.0.0.1 4711 8080\r\n".utf8)
    private static let request = "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("the header names the client, for every request of the connection", arguments: [text, binary])
    func named(_ header: [UInt8]) throws {
        let running = try server(trusting: ["127.0.0.1"])
        let client = try running.client()
        try client.send(header + Array(Self.request.utf8))
        #expect(try client.answer() == (200, "192.0.2.7:4711"))
        try client.send(Self.request)
        #expect(try client.answer() == (200, "192.0.2.7:4711"))
    }

    @Test("the header may come byte by byte", arguments: [text, binary]) func bytes(_ header: [UInt8]) throws {
        let running = try server(trusting: ["127.0.0.0/8"])
        let client = try running.client()
        for byte in header + Array(Self.request.utf8) { try client.send([byte]) }
        #expect(try client.answer() == (200, "192.0.2.7:4711"))
    }

    @Test("a header of somebody else is no request", arguments: [text, binary]) func untrusted(_ header: [UInt8]) throws
    {
        let running = try server(trusting: ["127.0.0.9"])
        let client = try running.client()
        try client.send(header + Array(Self.request.utf8))
        #expect(try client.answer().status == 400)
        #expect(try client.rest() == "")
        let direct = try running.client()
        try direct.send(Self.request)
        #expect(try direct.answer().body.hasPrefix("127.0.0.1:"), "who connects without a proxy is served as ever")
    }

    @Test("a proxy that says nothing of its client gets no answer") func missing() throws {
        let running = try server(trusting: ["127.0.0.1"])
        let client = try running.client()
        try client.send(Self.request)
        #expect(try client.rest() == "")
        #expect(running.echo.targets == [])
        #expect(running.echo.problems.count == 1)
    }

    @Test("a header that never ends is not waited for") func slow() throws {
        let running = try server(trusting: ["127.0.0.1"]) { $0.headerTimeout = .milliseconds(50) }
        let client = try running.client()
        try client.send("PROXY TCP4 192.0.2.7")
        #expect(try client.rest() == "")
    }

    @Test("connections are counted for the client, not for its proxy") func counted() throws {
        let running = try server(trusting: ["127.0.0.1"]) { $0.connectionsPerAddress = 1 }
        let first = try running.client()
        try first.send(Self.text + Array(Self.request.utf8))
        #expect(try first.answer().status == 200)
        let second = try running.client()
        try second.send(Self.text + Array(Self.request.utf8))
        #expect(try second.answer() == (503, "there are too many connections"))
        let other = try running.client()
        try other.send("PROXY TCP4 192.0.2.8 127.0.0.1 4711 8080\r\n" + Self.request)
        #expect(try other.answer() == (200, "192.0.2.8:4711"))
    }

    @Test("the header comes before the encryption") func encrypted() throws {
        let context = try TLSContext(TLSSettings(identities: [try Issued("first").identity()]))
        let running = try server(trusting: ["127.0.0.1"], tls: context)
        let client = try EncryptedClient(running.address)
        try client.plain.send(Self.text)
        try client.handshake()
        try client.send(Self.request)
        #expect(try client.answer() == (200, "192.0.2.7:4711"))
    }

    @Test("a header field names the client of a request, where a trusted proxy sent it")
    func forwarded() throws {
        var settings = ListenerSettings(.tcp(host: "127.0.0.1", port: 0))
        settings.forwarded = ForwardedSettings(
            header: .xForwardedFor, trusted: try list(["127.0.0.1"]))
        let running = try EchoServer(listeners: [settings])
        let proxy = try running.client()
        for name in ["192.0.2.1", "192.0.2.2"] {
            try proxy.send("GET /peer HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9, \(name)\r\n\r\n")
            #expect(try proxy.answer() == (200, name))
        }
        let other = try Client(running.address, from: "127.0.0.2")
        try other.send("GET /peer HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
        #expect(try other.answer().body.hasPrefix("127.0.0.2:"))
    }

    @Test("a proxy that passes on requests may have more connections than a client") func manyOfAProxy() throws {
        var settings = ListenerSettings(.tcp(host: "127.0.0.1", port: 0))
        settings.forwarded = ForwardedSettings(header: .xForwardedFor, trusted: try list(["127.0.0.1"]))
        let running = try EchoServer(listeners: [settings]) { $0.connectionsPerAddress = 1 }
        let proxies = try (0..<3).map { _ in try running.client() }
        for proxy in proxies {
            try proxy.send(post("/x"))
            #expect(try proxy.answer().status == 200)
        }
        let client = try Client(running.address, from: "127.0.0.2")
        try client.send(post("/x"))
        #expect(try client.answer().status == 200)
        #expect(try Client(running.address, from: "127.0.0.2").answer().status == 503)
    }
}
