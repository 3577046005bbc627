// Who gets a TLS connection, with what, and what is said of those who do not.

import TestAuthority
import Testing

@testable import Server

@Suite("A TLS handshake") struct TLSHandshakeTests {
    let context: TLSContext

    init() throws {
        context = try TLSContext(TLSSettings(identities: [try Issued("first").identity()]))
    }

    static let versions: [(ClosedRange<Int32>, String)] = [(0x0303...0x0303, "TLSv1.2"), (0x0303...0x0304, "TLSv1.3")]

    @Test("gives the newest version that both have, with a modern cipher", arguments: versions)
    func agrees(_ versions: ClosedRange<Int32>, _ name: String) throws {
        let link = try TLSLink(context, ClientOptions(versions: versions))
        #expect(link.server.isHandshaking)
        #expect(!link.answer(Array("too early".utf8)), "nothing is sent to whom is not known")
        link.run()
        #expect(link.clientIsReady && !link.server.isHandshaking)
        #expect(link.clientVersion == name && link.server.version == name)
        #expect(link.clientCipher.contains("GCM") && link.server.cipher == link.clientCipher)
        #expect(!link.clientIsResumed && !link.server.isResumed)
        link.say(Array("question".utf8))
        link.run()
        #expect(link.answer(Array("answer".utf8)))
        link.run()
        #expect(link.received == Array("question".utf8))
        #expect(link.receivedByClient() == Array("answer".utf8))
    }

    @Test("keeps to TLS 1.3 where that is asked for") func only13() throws {
        let settings = TLSSettings(identities: [try Issued("first").identity()], minimumVersion: .tls13)
        let strict = try TLSContext(settings)
        #expect(try TLSLink(strict, ClientOptions()).run().clientVersion == "TLSv1.3")
        let old = try TLSLink(strict, ClientOptions(versions: 0x0303...0x0303)).run()
        #expect(old.failure?.kind == .noCommonVersion)
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        let versions: ClosedRange<Int32>, ciphers: String?, kind: TLSFailure.Kind, why: String
        var testDescription: String { why }
        init(_ versions: ClosedRange<Int32>, _ ciphers: String?, _ kind: TLSFailure.Kind, _ why: String) {
            (self.versions, self.ciphers, self.kind, self.why) = (versions, ciphers, kind, why)
        }
    }

    @Test(
        "refuses the old and the weak",
        arguments: [
            Refused(0x0301...0x0302, nil, .noCommonVersion, "TLS 1.0 and 1.1"),
            Refused(0x0303...0x0303, "AES128-GCM-SHA256", .noCommonCipher, "a session key that the server's key opens"),
            Refused(0x0303...0x0303, "ECDHE-ECDSA-AES128-SHA", .noCommonCipher, "CBC"),
            Refused(0x0303...0x0303, "DHE-RSA-AES128-GCM-SHA256", .noCommonCipher, "finite-field Diffie-Hellman"),
            Refused(0x0303...0x0303, "aNULL", .noCommonCipher, "nobody's key"),
        ])
    func refused(_ c: Refused) throws {
        let link = try TLSLink(context, ClientOptions(versions: c.versions, ciphers: c.ciphers)).run()
        #expect(link.failure?.kind == c.kind)
        #expect(!link.clientIsReady)
        #expect(link.clientError.contains("alert"), "the client is told")
        #expect(!link.answer([1]))
        link.give(Array("more".utf8))
        #expect(link.failure?.kind == c.kind, "and it stays so")
    }

    @Test("prefers ChaCha20 for a client without AES in its processor") func chacha() throws {
        let suite = "ECDHE-ECDSA-CHACHA20-POLY1305"
        let options = ClientOptions(versions: 0x0303...0x0303, ciphers: suite + ":ECDHE-ECDSA-AES128-GCM-SHA256")
        #expect(try TLSLink(context, options).run().clientCipher == suite)
        let other = ClientOptions(
            versions: 0x0303...0x0303, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
        #expect(try TLSLink(context, other).run().clientCipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
    }

    @Test(
        "agrees on http/1.1 or on nothing (ALPN)",
        arguments: [
            ([], ""), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1", "h2"], "http/1.1"),
        ])
    func protocols(_ offered: [String], _ agreed: String) throws {
        for versions in Self.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions, protocols: offered)).run()
            #expect(link.clientIsReady && link.agreedProtocol == agreed)
            #expect(link.server.applicationProtocol == (agreed.isEmpty ? nil : agreed))
        }
    }

    @Test(
        "refuses clients that offer other protocols only",
        arguments: [["h2"], ["acme-tls/1"], ["http/1.0", "HTTP/1.1"]])
    func otherProtocols(_ offered: [String]) throws {
        for versions in Self.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions, protocols: offered)).run()
            #expect(link.failure?.kind == .noCommonProtocol)
            #expect(link.clientError.contains("no application protocol"))
        }
    }

    @Test(
        "shows the certificate for the name that is asked for (SNI)",
        arguments: [
            (nil, "first", "no name"),
            ("a.example", "first", "the first by its name"),
            ("b.example", "second", "another"),
            ("B.Example", "second", "in another case"),
            ("x.wild.example", "third", "a wildcard"),
            ("x.y.wild.example", "first", "a wildcard is for one label"),
            ("wild.example", "first", "and for one at least"),
            ("unknown.example", "first", "a name that none is for"),
            ("c.example", "third", "a second name of one certificate"),
        ])
    func names(_ name: String?, _ shown: String, _ why: String) throws {
        let identities = [
            try Issued("first", names: "DNS:a.example").identity(),
            try Issued("second", names: "DNS:b.example").identity(),
            try Issued("third", names: "DNS:*.wild.example,DNS:c.example").identity(),
        ]
        let context = try TLSContext(TLSSettings(identities: identities))
        for versions in Self.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions, serverName: name)).run()
            #expect(link.clientIsReady)
            #expect(link.shownName == shown, "\(why)")
        }
    }

    @Test("shows what leads to the root") func chain() throws {
        let root = try Issued("root", isAuthority: true)
        let middle = try Issued("middle", isAuthority: true, by: root)
        let leaf = try Issued("leaf", names: "DNS:a.example", by: middle)
        let whole = try TLSContext(TLSSettings(identities: [leaf.identity(behind: [middle])]))
        let options = ClientOptions(serverName: "a.example", issuers: root.certificate)
        #expect(try TLSLink(whole, options).run().clientIsReady)
        let cut = try TLSContext(TLSSettings(identities: [leaf.identity()]))
        let link = try TLSLink(cut, options).run()
        #expect(!link.clientIsReady)
        #expect(link.failure?.kind == .endedByClient)
        #expect(link.failure?.text == "the client ended the connection: unknown CA")
    }

    @Test(
        "knows a request without TLS", arguments: ["GET / HTTP/1.1\r\n\r\n", "POST /callbacks HTTP/1.1\r\n", "HEAD /"])
    func plainHTTP(_ request: String) throws {
        let link = try TLSLink(context)
        link.give(Array(request.utf8))
        #expect(link.failure?.kind == .plainHTTP)
        #expect(link.sentByServer == [], "so that it can be answered in plain text")
    }
}
