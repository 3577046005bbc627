// Clients that must show a certificate.

import TestAuthority
import Testing

@testable import Server

@Suite("A client certificate") struct TLSClientCertificateTests {
    let issuer: Issued
    let server: Issued

    init() throws {
        issuer = try Issued("issuer", isAuthority: true)
        server = try Issued("server")
    }

    static let versions: [ClosedRange<Int32>] = [0x0303...0x0303, 0x0303...0x0304]

    private func context(trusting issuers: [Issued]) throws -> TLSContext {
        let pem = Array(issuers.map(\.certificate).joined().utf8)
        return try TLSContext(
            TLSSettings(identities: [server.identity()], clientIssuers: pem, clientIssuersName: "clients.pem"))
    }

    @Test("of the right issuer lets a client in", arguments: versions)
    func right(_ versions: ClosedRange<Int32>) throws {
        let context = try context(trusting: [try Issued("another", isAuthority: true), issuer])
        let shown = try Issued("Sinch\n\u{202e}ß", by: issuer)
        let link = try TLSLink(context, ClientOptions(versions: versions, shows: shown)).run()
        link.say([1])
        link.run()
        #expect(link.received == [1])
        #expect(link.server.clientSubject == #"CN=Sinch\0A\E2\80\AE\C3\9F"#, "nothing in it moves a cursor")
        #expect(link.ticket == nil, "so that each connection shows it")
    }

    @Test("that is missing keeps a client out", arguments: versions)
    func missing(_ versions: ClosedRange<Int32>) throws {
        let link = try TLSLink(context(trusting: [issuer]), ClientOptions(versions: versions)).run()
        #expect(link.failure?.kind == .clientCertificateMissing)
        #expect(link.failure?.text == "the client showed no certificate")
        #expect(link.clientError.contains("alert"))
    }

    @Test("that is not to be trusted keeps a client out", arguments: versions)
    func wrong(_ versions: ClosedRange<Int32>) throws {
        let context = try context(trusting: [issuer])
        let impostor = try Issued("issuer", isAuthority: true)
        let cases: [(Issued, String)] = [
            (try Issued("client", by: impostor), "unable to get local issuer certificate"),
            (try Issued("client"), "self-signed certificate"),
            (try Issued("client", ends: 1_000_000_000, by: issuer), "certificate has expired"),
            (try Issued("client", begins: 4_000_000_000, by: issuer), "certificate is not yet valid"),
        ]
        for (shown, reason) in cases {
            let link = try TLSLink(context, ClientOptions(versions: versions, shows: shown)).run()
            #expect(link.failure?.kind == .clientCertificateRefused)
            #expect(link.failure?.text == "the client's certificate is refused: \(reason)")
            link.say([1])
            link.run()
            #expect(link.received == [])
        }
    }

    @Test("is asked for under each name of the server", arguments: versions)
    func names(_ versions: ClosedRange<Int32>) throws {
        let identities = [
            try Issued("first", names: "DNS:a.example").identity(),
            try Issued("second", names: "DNS:b.example").identity(),
        ]
        let context = try TLSContext(
            TLSSettings(identities: identities, clientIssuers: Array(issuer.certificate.utf8)))
        for name in ["a.example", "b.example", "c.example"] {
            let without = ClientOptions(versions: versions, serverName: name)
            #expect(try TLSLink(context, without).run().failure?.kind == .clientCertificateMissing)
            let with = ClientOptions(versions: versions, serverName: name, shows: try Issued("client", by: issuer))
            #expect(try TLSLink(context, with).run().failure == nil)
        }
    }

    @Test("of an issuer that is not a root lets a client in") func middle() throws {
        let middle = try Issued("middle", isAuthority: true, by: issuer)
        let context = try context(trusting: [middle])
        let link = try TLSLink(context, ClientOptions(shows: try Issued("client", by: middle))).run()
        #expect(link.failure == nil && link.clientIsReady)
        let other = try TLSLink(context, ClientOptions(shows: try Issued("client", by: issuer))).run()
        #expect(other.failure?.kind == .clientCertificateRefused, "the root itself is not trusted")
    }
}
