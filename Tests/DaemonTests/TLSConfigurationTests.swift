// A listener's `tls`: what is read from where, and what is refused with which key.

import Server
import TestAuthority
import Testing

@testable import Daemon

@Suite("A listener's tls") struct TLSConfigurationTests {
    let directory: TemporaryDirectory
    let site: Issued

    init() throws {
        directory = try TemporaryDirectory()
        site = try Issued("site", names: "DNS:a.example")
        try directory.write("site.pem", site.certificate)
        try directory.write("site.key", site.key)
    }

    static let right = #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}]}"#

    /// Reads `text` as the `tls` of the first listener, on line 3 of the file.
    private func read(
        _ text: String, environment: [String: String] = [:]
    ) throws -> (tls: Configuration.TLS?, problems: [ConfigurationProblem], warnings: [ConfigurationWarning]) {
        let environment = environment.merging(["CREDENTIALS_DIRECTORY": directory.path]) { $1 }
        let reading = ConfigurationReading(
            file: directory.path + "/hookd.json", environment: environment, nowSeconds: testNow)
        let node = try JSONParser.parse(Array(("\n\n" + text).utf8))
        let tls = reading.tls(JSONReader(node: node, path: "listen[0].tls", problems: reading.problems))
        do throws(ConfigurationErrors) {
            try reading.problems.throwIfAny()
            return (tls, [], reading.problems.warnings)
        } catch {
            return (tls, error.problems, reading.problems.warnings)
        }
    }

    @Test("is read from the directory of the configuration") func right() throws {
        let (tls, problems, warnings) = try read(Self.right)
        #expect(problems == [] && warnings == [])
        let settings = try #require(tls).load(environment: [:]).settings
        #expect(settings.identities.map(\.certificate) == [Array(site.certificate.utf8.dropLast())])
        #expect(settings.identities.map(\.key) == [Array(site.key.utf8.dropLast())])
        #expect(settings.clientIssuers == nil && settings.minimumVersion == .tls12)
    }

    @Test("takes keys from wherever secrets may be, and all its other keys") func all() throws {
        try directory.write("ca.pem", try Issued("issuer", isAuthority: true).certificate)
        let text = #"""
            {"certificates": [
               {"certificate": "site.pem", "key": {"credential": "site.key"}},
               {"certificate": "\#(directory.path)/site.pem", "key": {"env": "TLS_KEY"}}],
             "client_ca": "ca.pem", "minimum_version": "1.3"}
            """#
        let environment = ["TLS_KEY": site.key]
        let (tls, problems, warnings) = try read(text, environment: environment)
        #expect(problems == [] && warnings == [])
        let places = environment.merging(["CREDENTIALS_DIRECTORY": directory.path]) { $1 }
        let settings = try #require(tls).load(environment: places).settings
        #expect(settings.identities.count == 2 && settings.minimumVersion == .tls13)
        #expect(settings.clientIssuers?.isEmpty == false)
        #expect(
            settings.identities.map(\.keyName) == [#"credential "site.key""#, "environment variable TLS_KEY"])
    }

    @Test("takes a key that is larger than a secret may be") func largeKey() throws {
        let padding = String(repeating: "# comment\n", count: 500)
        try directory.write("site.key", padding + site.key)
        #expect(try read(Self.right).problems == [])
        try directory.write("site.key", String(repeating: padding, count: 14) + site.key)
        #expect(try read(Self.right).problems.map(\.path) == ["listen[0].tls.certificates[0].key"])
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let text: String, path: String, found: String, why: String
        var testDescription: String { why }
        init(_ text: String, _ path: String, found: String, _ why: String) {
            (self.text, self.path, self.found, self.why) = (text, "listen[0].tls" + path, found, why)
        }
        /// The inside of the one certificate.
        init(certificate text: String, _ path: String, found: String, _ why: String) {
            self.init(#"{"certificates": [{\#(text)}]}"#, ".certificates[0]" + path, found: found, why)
        }
        /// What its key is.
        init(key text: String, _ path: String, found: String, _ why: String) {
            self.init(
                certificate: #""certificate": "site.pem", "key": \#(text)"#, ".key" + path, found: found, why)
        }
    }

    static let cases: [Case] = [
        .init("true", "", found: "true", "a switch: with which certificate?"),
        .init("{}", ".certificates", found: "nothing", "no certificate"),
        .init(#"{"certificates": []}"#, ".certificates", found: "an empty list", "none in the list"),
        .init(#"{"certificates": "site.pem"}"#, ".certificates", found: "\"site.pem\"", "a text for a list"),
        .init(#"{"certificates": ["site.pem"]}"#, ".certificates[0]", found: "\"site.pem\"", "and the key?"),
        .init(certificate: #""certificate": "site.pem""#, ".key", found: "nothing", "no key"),
        .init(certificate: #""key": {"file": "site.key"}"#, ".certificate", found: "nothing", "no certificate"),
        .init(
            certificate: #""certificate": "", "key": {"file": "site.key"}"#, ".certificate", found: "\"\"",
            "an empty path"),
        .init(
            certificate: #""certificate": "-----BEGIN CERTIFICATE-----", "key": {"file": "site.key"}"#,
            ".certificate", found: "\"-----BEGIN CERTIFICATE-----\"", "the certificate in place of its path"),
        .init(
            certificate: #""certificate": "site.pem", "key": {"file": "site.key"}, "name": "a.example""#, ".name",
            found: "an unknown key", "a key of another server's configuration"),
        .init(key: #""kn0wn-secret-value""#, "", found: "a string (not shown)", "the key itself, which is not shown"),
        .init(key: "{}", "", found: "no source", "a key from nowhere"),
        .init(
            key: #"{"file": "site.key", "env": "X"}"#, "", found: "several sources, env and file", "two places"),
        .init(
            key: #"{"file": "site.key", "until": "2026-12-01T00:00:00Z"}"#, ".until", found: "an unknown key",
            "a certificate says itself when it ends"),
        .init(key: #"{"env": "TLS_KEY"}"#, "", found: "no environment variable TLS_KEY", "no such variable"),
        .init(
            key: #"{"credential": "../site.key"}"#, ".credential", found: "a string (not shown)",
            "a credential beyond the directory"),
        .init(
            #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}], "minimum_version": "1.1"}"#,
            ".minimum_version", found: "\"1.1\"", "a version that is not spoken"),
        .init(
            #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}], "client_ca": ["ca.pem"]}"#,
            ".client_ca", found: "a list", "a list for a path"),
        .init(
            #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}], "clientca": "ca.pem"}"#,
            ".clientca", found: "an unknown key", "misspelt: no client would need a certificate"),
    ]

    @Test("is refused with the path of its key", arguments: cases) func refuses(_ c: Case) throws {
        let problems = try read(c.text).problems
        #expect(problems.map(\.path) == [c.path])
        #expect(problems.map(\.found) == [c.found])
        for problem in problems { #expect(!problem.description.contains(knownSecret)) }
    }

    @Test("is refused where a file cannot be read or used, all at once, each with its line") func files() throws {
        try directory.write("other.key", try Issued("other").key)
        try directory.write("old.pem", try Issued("old", ends: testNow - 1).certificate)
        try directory.write("empty.pem", "")
        let place = directory.path
        let unreadable = try read(
            #"""
            {"certificates": [
               {"certificate": "none.pem", "key": {"file": "site.key"}},
               {"certificate": "site.pem", "key": {"file": "none.key"}}],
             "client_ca": "empty.pem"}
            """#
        ).problems
        #expect(
            unreadable.map(\.description) == [
                "\(place)/hookd.json:4: listen[0].tls.certificates[0].certificate: found file \"\(place)/none.pem\", "
                    + "which cannot be read: No such file or directory; expected PEM there.",
                "\(place)/hookd.json:5: listen[0].tls.certificates[1].key: found file \"\(place)/none.key\", "
                    + "which cannot be read: No such file or directory; expected PEM there.",
                "\(place)/hookd.json:6: listen[0].tls.client_ca: found file \"\(place)/empty.pem\", "
                    + "which is empty; expected PEM there.",
            ])
        let unusable = try read(
            #"""
            {"certificates": [
               {"certificate": "site.pem", "key": {"file": "other.key"}},
               {"certificate": "old.pem", "key": {"file": "other.key"}},
               {"certificate": "site.key", "key": {"file": "site.key"}}],
             "client_ca": "other.key"}
            """#
        ).problems
        #expect(
            unusable.map(\.path) == [
                "listen[0].tls.certificates[0].key", "listen[0].tls.certificates[1].key",
                "listen[0].tls.certificates[2].certificate", "listen[0].tls.client_ca",
            ])
        #expect(unusable.map(\.line) == [4, 5, 6, 7])
        #expect(
            unusable.first?.found == "file \"\(place)/other.key\", which is not the key of the certificate")
    }

    @Test("tells of a certificate that has ended") func ended() throws {
        let old = try Issued("old", ends: testNow)
        try directory.write("site.pem", old.certificate)
        try directory.write("site.key", old.key)
        let problems = try read(Self.right).problems
        #expect(problems.map(\.path) == ["listen[0].tls.certificates[0].certificate"])
        #expect(problems.first?.found.hasSuffix("which ended on 2027-01-15T08:00:00Z") == true)
    }

    @Test(
        "warns of a certificate that ends soon",
        arguments: [(14 * 86_400, false), (14 * 86_400 - 1, true), (1, true)] as [(Int64, Bool)])
    func endsSoon(_ seconds: Int64, _ isWarnedOf: Bool) throws {
        let root = try Issued("root", ends: testNow + seconds, isAuthority: true)
        let leaf = try Issued("\u{1b}[2J", names: "DNS:a.example", by: root)
        let soon = try Issued("soon", names: "DNS:a.example,DNS:b.example", ends: testNow + seconds)
        for (certificate, key, text) in [
            (soon.certificate, soon.key, "the certificate in file"),
            (leaf.certificate + root.certificate, leaf.key, "a certificate behind the first in file"),
        ] {
            try directory.write("site.pem", certificate)
            try directory.write("site.key", key)
            let (_, problems, warnings) = try read(Self.right)
            #expect(problems == [])
            #expect(warnings.map(\.path) == (isWarnedOf ? ["listen[0].tls.certificates[0].certificate"] : []))
            #expect(warnings.allSatisfy { $0.message.hasPrefix(text) && $0.message.contains("(for a.example") })
        }
    }

    @Test("warns of a key that others may read") func readable() throws {
        try directory.write("site.key", site.key, mode: 0o644)
        #expect(try read(Self.right).warnings.map(\.path) == ["listen[0].tls.certificates[0].key"])
    }

    /// Places for the key itself, where its place or something else belongs.
    static let misplaced = [
        #"{"certificates": [{"certificate": KEY, "key": {"file": "site.key"}}]}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": KEY}]}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"file": KEY}}]}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"credential": KEY}}]}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"env": KEY}}]}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"pem": KEY}}]}"#,
        #"{"certificates": [KEY]}"#,
        #"{"certificates": KEY}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}], "client_ca": KEY}"#,
        #"{"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}], "minimum_version": KEY}"#,
        "KEY",
    ]

    @Test("shows no key that somebody wrote into the configuration", arguments: misplaced)
    func misplacedKey(_ text: String) throws {
        let inside = "MHcCAQEEIOLkyAbCdEfGhIjKlMnOpQrStUvWxYz0123456789oAoGCCqGSM49"
        let key = #""-----BEGIN EC PRIVATE KEY-----\n\#(inside)\n-----END EC PRIVATE KEY-----\n""#
        let problems = try read(text.replacing("KEY", with: key)).problems
        #expect(problems.count == 1)
        for problem in problems { #expect(!problem.description.contains(inside.prefix(20))) }
    }

    @Test("shows no key") func secrecy() throws {
        let (tls, _, _) = try read(Self.right)
        let loaded = try #require(tls).load(environment: [:])
        #expect(!exposes(tls as Any, site.key) && !exposes(loaded, site.key))
        for text in ["\(String(describing: tls))", "\(loaded)"] {
            #expect(text.contains("site.key"))
            #expect(!text.contains(String(site.key.dropFirst(40).prefix(20))))
        }
    }
}
