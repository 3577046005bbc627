// Certificates and keys that cannot be used: each is refused with its file and its reason, at once with all others.

import Dispatch
import Synchronization
import TestAuthority
import Testing

@testable import Server

@Suite("Settings of TLS") struct TLSSettingsTests {
    private func problems(_ settings: TLSSettings, at now: Int64 = testNow) -> [TLSProblem] {
        do throws(TLSError) {
            _ = try TLSContext(settings, nowSeconds: now)
            return []
        } catch {
            return error.problems
        }
    }

    private func problems(_ identities: TLSIdentity..., at now: Int64 = testNow) -> [TLSProblem] {
        problems(TLSSettings(identities: identities), at: now)
    }

    private func identity(_ certificate: String, _ key: String) -> TLSIdentity {
        TLSIdentity(
            certificate: Array(certificate.utf8), certificateName: "site.pem", key: Array(key.utf8), keyName: "site.key"
        )
    }

    @Test("are refused where the certificate cannot be used") func certificates() throws {
        let good = try Issued("good")
        let root = try Issued("root", isAuthority: true), other = try Issued("other", isAuthority: true)
        let leaf = try Issued("leaf", by: root)
        let weakRoot = try Issued("weak root", key: "RSA-1024", isAuthority: true)
        let damaged = good.certificate.replacing("MII", with: "MIX", maxReplacements: 1)
        let begin = "-----BEGIN CERTIFICATE-----\n"
        let cipher = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
        let cases: [(TLSIdentity, String)] = [
            // The callback's refusal is told, and no terminal's.
            (
                identity(good.certificate.replacing(begin, with: begin + cipher), good.key),
                "holds a certificate that is damaged: error:04800068:PEM routines::bad password read"
            ),
            (identity("", good.key), "holds no certificate"),
            (identity("hello", good.key), "holds no certificate"),
            (identity(good.key, good.key), "holds no certificate"),
            (identity(good.certificate + damaged, good.key), "holds a certificate that is damaged"),
            (
                identity(good.certificate.replacing("-----END", with: "----END"), good.key),
                "holds a certificate that is damaged"
            ),
            (try Issued("weak", key: "RSA-1024").identity(), "has a key or a signature that is too weak"),
            (try Issued("SHA-1", digest: "SHA1", by: root).identity(), "has a key or a signature that is too weak"),
            (try Issued("DSA", key: "DSA").identity(), "has a key or a signature that is too weak"),
            (
                try Issued("leaf", by: weakRoot).identity(behind: [weakRoot]),
                "has a key or a signature that is too weak"
            ),
            (
                leaf.identity(behind: [try Issued("root", key: "RSA-1024", isAuthority: true)]),
                "holds certificates of which one is not"
            ),
            (leaf.identity(behind: [other]), "holds certificates of which one is not the issuer"),
            (leaf.identity(behind: [root, other]), "holds certificates of which one is not the issuer"),
            (identity(root.certificate + leaf.certificate, leaf.key), "does not begin with the certificate"),
        ]
        for (identity, reason) in cases {
            let found = problems(identity)
            #expect(found.count == 1)
            #expect(found.first?.reason.hasPrefix(reason) == true, "\(found)")
            #expect(found.first?.part == .certificate(0) && found.first?.source == "site.pem")
        }
        #expect(problems(leaf.identity(behind: [root])) == [], "the root may be there")
        #expect(problems(identity(good.key + good.certificate, good.certificate + good.key)) == [], "one file for both")
        #expect(problems(try Issued("large", key: "RSA-2048").identity()) == [])
        #expect(problems(try Issued("edwards", key: "ED25519").identity()) == [])
    }

    @Test("are refused where the key cannot be used") func keys() throws {
        let good = try Issued("good")
        let cases: [(String, String)] = [
            ("", "holds no private key"),
            ("hello", "holds no private key"),
            (good.certificate, "holds no private key"),
            (
                try Issued("x", passphrase: "open sesame").key,
                "is encrypted with a passphrase, which nobody is there to enter"
            ),
            (try Issued("x").key, "is not the key of the certificate"),
            (try Issued("x", key: "RSA-2048").key, "is not the key of the certificate"),
        ]
        for (key, reason) in cases {
            let found = problems(identity(good.certificate, key))
            #expect(found.map(\.reason) == [reason])
            #expect(found.map(\.part) == [.key(0)] && found.map(\.source) == ["site.key"])
        }
    }

    @Test("are refused before a certificate begins and after it ends") func times() throws {
        let issued = try Issued("site", begins: testNow, ends: testNow + 100)
        #expect(problems(issued.identity(), at: testNow) == [])
        #expect(problems(issued.identity(), at: testNow + 99) == [])
        let ended = problems(issued.identity(), at: testNow + 100)
        #expect(ended.map(\.reason) == ["ended on 2027-01-15T08:01:40Z"])
        let early = problems(issued.identity(), at: testNow - 1)
        #expect(early.map(\.reason) == ["begins only on 2027-01-15T08:00:00Z"])
        #expect(early.first?.description.hasPrefix("site.pem begins only on 2027-") == true)
    }

    @Test("are refused with all that is wrong at once") func all() throws {
        let good = try Issued("good")
        var settings = TLSSettings(
            identities: [
                good.identity(), good.identity(key: try Issued("x")), identity("", good.key),
                try Issued("old", ends: testNow).identity(), good.identity(),
            ],
            clientIssuers: [], clientIssuersName: "clients.pem")
        #expect(problems(settings).map(\.part) == [.clientIssuers, .key(1), .certificate(2), .certificate(3)])
        settings.clientIssuers = Array(try Issued("ended", ends: testNow, isAuthority: true).certificate.utf8)
        settings.identities = []
        #expect(problems(settings).map(\.part) == [.clientIssuers, .whole])
        #expect(problems(settings).map(\.source) == ["clients.pem", ""])
    }

    @Test("are replaced for new connections only") func replaced() throws {
        let context = try TLSContext(TLSSettings(identities: [try Issued("old").identity()]))
        let before = try TLSLink(context).run()
        let during = try TLSLink(context)
        try context.replace(with: TLSSettings(identities: [try Issued("new").identity()]))
        during.run()
        before.say([1, 2])
        before.run()
        #expect(before.received == [1, 2] && before.failure == nil)
        #expect(during.shownName == "old", "it had begun")
        #expect(try TLSLink(context).run().shownName == "new")
    }

    @Test("may be replaced while connections begin on other threads") func concurrently() throws {
        let settings = [
            TLSSettings(identities: [try Issued("one").identity()]),
            TLSSettings(identities: [try Issued("two").identity()]),
        ]
        let context = try TLSContext(settings[0])
        let ready = Atomic<Int>(0), replaced = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in 0..<50 {
                if thread == 0 {
                    guard (try? context.replace(with: settings[round % 2])) != nil else { continue }
                    replaced.add(1, ordering: .relaxed)
                } else if let link = try? TLSLink(context, hours: Int64(round * 5)).run(), link.clientIsReady {
                    ready.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(ready.load(ordering: .relaxed) == 150 && replaced.load(ordering: .relaxed) == 50)
    }

    @Test("that cannot be used leave the old ones in force") func keptInForce() throws {
        let old = try Issued("old", names: "DNS:a.example")
        let context = try TLSContext(TLSSettings(identities: [old.identity()]))
        let certificates = context.certificates
        let ended = TLSSettings(identities: [try Issued("new", ends: testNow).identity()])
        #expect(throws: TLSError.self) { try context.replace(with: ended, nowSeconds: testNow) }
        #expect(throws: TLSError.self) {
            try context.replace(with: TLSSettings(identities: [old.identity(key: try Issued("x"))]))
        }
        #expect(context.certificates == certificates)
        #expect(try TLSLink(context).run().shownName == "old")
    }

    @Test("tell what the certificates are for, and until when") func info() throws {
        let root = try Issued("root", ends: testNow + 50, isAuthority: true)
        let leaf = try Issued(
            "leaf", names: "DNS:a.example,DNS:*.b.example,IP:127.0.0.1,IP:::1", ends: testNow + 70, by: root)
        let settings = TLSSettings(identities: [
            leaf.identity(behind: [root]), try Issued("bare", ends: testNow + 9).identity(),
        ])
        let context = try TLSContext(settings, nowSeconds: testNow)
        #expect(
            context.certificates == [
                TLSCertificateInfo(
                    source: "site.pem", names: ["a.example", "*.b.example", "127.0.0.1", "::1"],
                    endsAtSeconds: testNow + 70, chainEndsAtSeconds: testNow + 50),
                TLSCertificateInfo(
                    source: "site.pem", names: [], endsAtSeconds: testNow + 9, chainEndsAtSeconds: testNow + 9),
            ])
    }

    @Test("show no key") func secrecy() throws {
        let secret = "MC4CAQAwBQYDK2VwBCIEIJ"
        let key = "-----BEGIN PRIVATE KEY-----\n\(secret)\n-----END PRIVATE KEY-----\n"
        let identity = identity(try Issued("x").certificate, key)
        let settings = TLSSettings(identities: [identity])
        #expect(exposes([1, "x", ["y": key]] as [Any], key), "the look itself is sharp")
        #expect(!exposes(identity, key) && !exposes(settings, key))
        let words = problems(settings).map(\.description).joined()
        for text in ["\(identity)", String(reflecting: identity), "\(settings)", String(reflecting: settings), words] {
            #expect(text.contains("site.key"))
            #expect(!text.contains(secret))
        }
    }
}
