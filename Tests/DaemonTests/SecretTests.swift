// Where secrets come from, and that nothing shows them.

import Foundation
import Testing

@testable import Daemon

@Suite struct SecretTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let contents: String, secret: String, why: String
        var testDescription: String { why }
        init(_ contents: String, _ secret: String, _ why: String) {
            (self.contents, self.secret, self.why) = (contents, secret, why)
        }
    }

    @Test(
        "One newline at the end of a file is not part of the secret",
        arguments: [
            Case("secret-1", "secret-1", "no newline"),
            Case("secret-1\n", "secret-1", "one newline"),
            Case("secret-1\r\n", "secret-1", "one newline of Windows"),
            Case("secret-1\n\n", "secret-1\n", "only one of two"),
            Case("secret-1\r\n\r\n", "secret-1\r\n", "only one of two of Windows"),
            Case("secret-1\r", "secret-1\r", "a carriage return alone is no newline"),
            Case("\nsecret-1", "\nsecret-1", "a newline at the beginning"),
            Case(" secret 1 ", " secret 1 ", "spaces are part of it"),
            Case("ſécret\u{0}1\n", "ſécret\u{0}1", "any bytes"),
        ])
    func fromFiles(_ c: Case) throws {
        let directory = try TemporaryDirectory()
        try directory.write("secret", c.contents)
        let text = ConfigurationText.secrets(#"[{"file": "secret"}, {"credential": "secret"}]"#)
        let secrets = try text.load(environment: ["CREDENTIALS_DIRECTORY": directory.path], directory: directory.path)
            .endpoints.flatMap(\.secrets)
        #expect(secrets.map { $0.withBytes { String(decoding: $0, as: UTF8.self) } } == [c.secret, c.secret])
        #expect(secrets.map(\.label) == ["file:secret", "credential:secret"])
    }

    @Test func fromTheEnvironmentAsItIs() throws {
        let secrets = try ConfigurationText.secrets(#"[{"env": "NEWLINE"}]"#).load(environment: [
            "NEWLINE": "12345678\n"
        ])
        .endpoints.flatMap(\.secrets)
        #expect(secrets.map { $0.withBytes { $0 } } == [Array("12345678\n".utf8)])
    }

    @Test(arguments: [
        ("\n", "holds nothing but white space"),
        (" \t\r\n", "holds nothing but white space"),
        ("", "is empty"),
        (String(repeating: "x", count: 4097), "has more than 4096 bytes"),
        (String(repeating: "x", count: 5000), "has more than 4098 bytes"),
    ])
    func aFileWithoutASecretIsRefused(_ contents: String, _ reason: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("secret", contents)
        let problems = ConfigurationText.secrets(#"[{"file": "secret"}]"#).problems(directory: directory.path)
        #expect(problems.map(\.found) == ["file \"\(path)\", which \(reason)"])
    }

    @Test func aVariableThatIsNotUTF8IsRefused() {
        let problems = ConfigurationText.secrets(#"[{"env": "BROKEN"}]"#).problems(environment: ["BROKEN": "a\u{FFFD}b"]
        )
        #expect(problems.map(\.found) == ["an environment variable BROKEN that is not UTF-8"])
    }

    @Test(arguments: [(0o644, true), (0o640, false), (0o600, false)])
    func aFileThatOthersMayReadIsWarnedOf(_ mode: Int, _ isWarnedOf: Bool) throws {
        let directory = try TemporaryDirectory()
        try directory.write("secret", knownSecret, mode: mode)
        let warnings = try ConfigurationText.secrets(#"[{"file": "secret"}]"#).load(directory: directory.path).warnings
        #expect(warnings.map(\.path) == (isWarnedOf ? ["endpoints./c.secrets[0]"] : []))
    }

    @Test func nothingShowsASecret() throws {
        let text = ConfigurationText.endpoint(
            #""secrets": [{"env": "GOOD", "until": "2090-01-01T00:00:00Z"}], "sinks": ["out"]"#)
        let configuration = try text.load()
        let endpoint = try #require(configuration.endpoints.first)
        let secret = try #require(endpoint.secrets.first)
        var shown = [
            "\(secret)", String(reflecting: secret), "\(configuration)", String(reflecting: configuration),
            "\(endpoint.secrets)", "\(Mirror(reflecting: secret).children.map { "\($0)" })", configuration.posture,
        ]
        for value in [secret, endpoint, configuration, Optional(secret) as Any] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            shown.append(dumped)
        }
        // As text, and as a list of bytes.
        let bytes = Array(knownSecret.utf8).prefix(4).map(String.init)
        for text in shown {
            #expect(text.contains("env:GOOD"))
            #expect(!text.contains(knownSecret))
            #expect(!text.contains(bytes.joined(separator: ", ")))
            #expect(!text.contains(bytes.joined(separator: "\n")))
        }
        #expect("\(secret)" == "env:GOOD until 2090-01-01T00:00:00Z")
    }

    @Test func theQueryOfAURLIsNotShown() throws {
        let configuration = try ConfigurationText.forward("\"url\": \"https://x/@a?token=\(knownSecret)\"").load()
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", configuration.posture] {
            #expect(text.contains("https://x/@a?…"))
            #expect(!text.contains(knownSecret))
        }
    }
}
