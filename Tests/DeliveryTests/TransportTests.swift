// The way to the target: TLS and who may be at its other end, HTTP/2, proxies.

import Glibc
import Store
import Testing

@testable import Delivery

@Suite("The way to a target") struct TransportTests {
    private let directory: TemporaryDirectory
    private let identity: TLSIdentity

    init() throws {
        directory = try TemporaryDirectory()
        identity = try TLSIdentity("IP:127.0.0.1")
        try write(identity.authority.certificate, to: directory.file("ca.pem"))
    }

    private func sink(_ target: HTTPTarget, _ change: (inout ForwardSettings) -> Void) throws -> ForwardSink {
        var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        settings.tls.authorityPath = directory.file("ca.pem")
        change(&settings)
        return try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
    }

    private func pin(_ bytes: [UInt8]) -> String { "sha256//" + base64(bytes) }

    // MARK: Who the target is

    @Test("a target with a certificate for its name gets events")
    func verified() throws {
        let target = try HTTPTarget([], tls: TLSServer(identity))
        defer { target.close() }
        let key = try identity.pin()
        let sink = try sink(target) { $0.tls.pin = pin(key) }
        #expect(sink.deliver(makeBatch(["a"])).verdict == .done)
        #expect(target.requests.map(\.text) == ["a"])
    }

    enum Impostor: CaseIterable { case otherName, otherAuthority, systemAuthorities, otherKey, noTLS }

    @Test("an impostor gets none", arguments: Impostor.allCases)
    func impostor(_ impostor: Impostor) throws {
        let other = try TLSIdentity("DNS:crm.example.com")
        let server: TLSServer? =
            switch impostor {
            case .otherName, .otherAuthority: try TLSServer(other)
            case .systemAuthorities, .otherKey: try TLSServer(identity)
            case .noTLS: nil
            }
        let target = try HTTPTarget([], tls: server)
        defer { target.close() }
        if impostor == .otherName { try write(other.authority.certificate, to: directory.file("ca.pem")) }
        let sink = try sink(target) {
            if impostor == .systemAuthorities { $0.tls.authorityPath = nil }
            if impostor == .otherKey { $0.tls.pin = pin([UInt8](repeating: 7, count: 32)) }
            if impostor == .noTLS { $0.url = "https://127.0.0.1:\(target.port)/" }
        }
        let verdict = sink.deliver(makeBatch(["a"])).verdict
        guard case .retry(.unreachable, nil) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(target.requests.isEmpty)
    }

    // MARK: Who we are

    @Test("we show our certificate where there is one", arguments: [true, false])
    func clientCertificate(isShown: Bool) throws {
        let client = try TLSIdentity("DNS:hookd")
        try write(client.issued.certificate, to: directory.file("client.pem"))
        let target = try HTTPTarget([], tls: TLSServer(identity, clients: client.authority.certificate))
        defer { target.close() }
        let sink = try sink(target) {
            guard isShown else { return }
            $0.tls.certificatePath = directory.file("client.pem")
            $0.tls.key = HiddenBytes(Array(client.issued.key.utf8))
        }
        #expect((sink.deliver(makeBatch(["a"])).verdict == .done) == isShown)
        #expect(target.requests.count == (isShown ? 1 : 0))
    }

    // MARK: HTTP/2

    @Test("with HTTP/2 many requests share a connection")
    func http2() throws {
        let target = try HTTPTarget([], tls: TLSServer(identity, http2: true), company: 8)
        defer { target.close() }
        let sink = try sink(target) {
            $0.version = .http2
            $0.concurrency = 8
        }
        let parts = makeBatch((0..<8).map { "event \($0)" }).parts
        for (index, part) in parts.enumerated() { sink.send(Letter(number: index, parts: [part])) }
        var replies: [Reply] = []
        // None is answered before all of them are there.
        while replies.count < 8 { replies += sink.wait(until: nil) }
        #expect(replies.allSatisfy { $0.verdict == .done })
        #expect(target.connectionCount == 1)
        #expect(Set(target.requests.map(\.text)) == Set((0..<8).map { "event \($0)" }))
        #expect(target.requests.allSatisfy { $0.head == "HTTP/2" })
    }

    @Test("HTTP/2 is not spoken unasked, and not insisted on", arguments: [(HTTPVersion.http1, true), (.http2, false)])
    func http1(version: HTTPVersion, isOffered: Bool) throws {
        let target = try HTTPTarget([], tls: TLSServer(identity, http2: isOffered))
        defer { target.close() }
        let sink = try sink(target) { $0.version = version }
        #expect(sink.deliver(makeBatch(["a"])).verdict == .done)
        #expect(target.requests.first?.head.hasPrefix("POST /sinch HTTP/1.1") == true)
    }

    // MARK: Proxies

    @Test("a proxy that is configured is asked, with the whole URL")
    func proxy() throws {
        let proxy = try HTTPTarget([])
        defer { proxy.close() }
        let sink = try sink(proxy) {
            $0.url = "http://crm.invalid/in"
            $0.proxy = "http://127.0.0.1:\(proxy.port)"
        }
        #expect(sink.deliver(makeBatch(["a"])).verdict == .done)
        #expect(proxy.requests.first?.head.hasPrefix("POST http://crm.invalid/in HTTP/1.1") == true)
    }

    @Test("a proxy sees nothing of what is for an https target, not even who we are")
    func tunnel() throws {
        let proxy = try HTTPTarget([.answer(403)])
        defer { proxy.close() }
        let sink = try sink(proxy) {
            $0.url = "https://crm.invalid/in"
            $0.proxy = "http://127.0.0.1:\(proxy.port)"
            $0.authorization = HiddenBytes(Array("Bearer abc".utf8))
        }
        let verdict = sink.deliver(makeBatch(["a"])).verdict
        #expect(verdict != .done)
        let head = try #require(proxy.requests.first).head
        #expect(head.hasPrefix("CONNECT crm.invalid:443 HTTP/1.1") && !head.contains("Bearer") && !head.contains("ce-"))
    }
}
