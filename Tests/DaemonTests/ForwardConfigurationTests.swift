// The keys of a forward sink: what is read of them, and what is refused.

import Delivery
import Testing

@testable import Daemon

@Suite("The configuration of a forward sink") struct ForwardConfigurationTests {
    private func forward(_ keys: String, environment: [String: String] = [:]) throws -> Configuration.Forward {
        let text = #""url": "https://crm.example.com/in", "# + keys
        let configuration = try ConfigurationText.forward(text).load(environment: environment)
        guard case .forward(let forward)? = configuration.sinks.first?.kind else { throw Missing() }
        return forward
    }

    private struct Missing: Error {}

    @Test func everyKeyIsRead() throws {
        let directory = try TemporaryDirectory()
        try directory.write("ca.pem", "x")
        let key = try directory.write("key.pem", "the key\n")
        let forward = try forward(
            #"""
            "connect_timeout": "2s", "timeout": "9s", "max_attempts": 4, "concurrency": 16, "order_by": "contact",
            "mode": "structured", "http_version": "2", "headers": {"X-Tenant": "acme"},
            "authorization": {"env": "AUTH"}, "proxy": "http://10.0.0.1:3128", "allow_private": true,
            "sign": {"secrets": [{"env": "SIGN"}, {"env": "RAW"}]},
            "tls": {"ca": "ca.pem", "pin": "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                    "certificate": "/etc/hookd/client.pem", "key": {"file": "\#(key)"}},
            "batch": {"events": 7, "bytes": "64KiB", "wait": "250ms"}
            """#,
            environment: [
                "AUTH": "Bearer abc", "SIGN": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "RAW": "raw-secret",
            ])
        let settings = ForwardSettings(forward)
        #expect(settings.url == "https://crm.example.com/in")
        #expect([settings.connectTimeoutMilliseconds, settings.timeoutMilliseconds] == [2000, 9000])
        #expect([settings.attempts, settings.concurrency] == [4, 16])
        #expect(settings.order == .contact && settings.mode == .structured && settings.version == .http2)
        #expect(settings.headers.map { "\($0.name)=\($0.value)" } == ["X-Tenant=acme"])
        #expect(forward.authorization?.withBytes { $0 } == Array("Bearer abc".utf8))
        #expect(forward.signingSecrets.map { $0.withBytes { $0.count } } == [24, 10])
        #expect(settings.proxy == "http://10.0.0.1:3128")
        #expect(settings.tls.authorityPath?.hasSuffix("/ca.pem") == true)
        #expect(settings.tls.certificatePath == "/etc/hookd/client.pem")
        #expect(forward.tlsKey?.withBytes { $0 } == Array("the key".utf8))
        #expect(settings.tls.pin?.hasPrefix("sha256//AAAA") == true)
        let batch = try #require(settings.batch)
        #expect(batch.events == 7 && batch.bytes == 65_536 && batch.waitMicroseconds == 250_000)
        #expect(!"\(settings)".contains("Bearer") && !"\(forward)".contains("Bearer"))
    }

    @Test func defaults() throws {
        let settings = ForwardSettings(try forward(#""deny": ["10.0.0.0/8", "::1"], "allow_private": false"#))
        #expect([settings.connectTimeoutMilliseconds, settings.timeoutMilliseconds] == [5000, 15_000])
        #expect(settings.retry == RetryPolicy(initialMicroseconds: 1_000_000, maximumMicroseconds: 60_000_000))
        #expect([settings.attempts, settings.concurrency] == [10, 1])
        #expect(settings.order == .conversation && settings.mode == .binary && settings.version == .http1)
        #expect(settings.batch == nil && settings.proxy == nil && settings.signingSecrets.isEmpty)
        #expect(settings.addresses.denied.count == 2 && !settings.addresses.allowsPrivate)
    }

    @Test func aPostureTellsWhatIsNotAsUsual() throws {
        let text = #""url": "https://x/", "concurrency": 4, "batch": {}, "authorization": {"env": "AUTH"}"#
        let posture = try ConfigurationText.forward(text).load(environment: ["AUTH": "Bearer abc"]).posture
        // Wherever its lines are broken.
        #expect(
            posture.split { $0.isWhitespace }.joined(separator: " ").contains(
                "4 requests at a time, in order by conversation; up to 100 events in a request; "
                    + "authorization from env:AUTH"))
        #expect(!posture.contains("Bearer"))
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let keys: String, path: String, found: String, why: String
        var testDescription: String { "\(why): \(keys)" }
        init(_ keys: String, _ path: String, found: String, _ why: String) {
            (self.keys, self.path, self.found, self.why) = (keys, path, found, why)
        }
    }

    private static let https = #""url": "https://x/", "#

    static let cases: [Case] = [
        .init(https + #""concurrency": 0"#, "concurrency", found: "0", "nothing is ever sent"),
        .init(https + #""max_attempts": 0"#, "max_attempts", found: "0", "given up unsent"),
        .init(https + #""order_by": "channel""#, "order_by", found: "\"channel\"", "no such order"),
        .init(https + #""mode": "batched""#, "mode", found: "\"batched\"", "no such mode"),
        .init(https + #""mode": "binary", "batch": {}"#, "mode", found: "\"binary\"", "a batch is JSON"),
        .init(https + #""batch": {"events": 0}"#, "batch.events", found: "0", "an empty batch"),
        .init(https + #""http_version": "3""#, "http_version", found: "\"3\"", "no such version"),
        .init(#""url": "http://x/", "http_version": "2""#, "http_version", found: "this besides an http URL", "no TLS"),
        .init(#""url": "http://x/", "tls": {"ca": "x"}"#, "tls", found: "this besides an http URL", "no TLS"),
        .init(https + #""tls": {"verify": false}"#, "tls.verify", found: "an unknown key", "it is never off"),
        .init(https + #""tls": {"certificate": "x"}"#, "tls", found: "a certificate without a key", "half a pair"),
        .init(https + #""tls": {"key": {"env": "GOOD"}}"#, "tls", found: "a key without a certificate", "half a pair"),
        .init(https + #""tls": {"pin": "md5//AAAA"}"#, "tls.pin", found: "\"md5//AAAA\"", "no such hash"),
        .init(https + #""tls": {"pin": "sha256//AAAA"}"#, "tls.pin", found: "\"sha256//AAAA\"", "too short"),
        .init(https + #""tls": {"ca": ""}"#, "tls.ca", found: "\"\"", "no path"),
        .init(
            https + #""headers": {"Host": "y"}"#, "headers.Host", found: "the header \"Host\"", "hookd sets it itself"),
        .init(
            https + #""headers": {"CE-id": "y"}"#, "headers.CE-id", found: "the header \"CE-id\"", "an attribute"),
        .init(
            https + #""headers": {"Authorization": "y"}"#, "headers.Authorization",
            found: "the header \"Authorization\"", "a secret written down"),
        .init(https + #""headers": {"X Y": "y"}"#, #"headers."X Y""#, found: "the header \"X Y\"", "no name"),
        .init(
            https + #""headers": {"X": "a\r\nY: b"}"#, "headers.X", found: "a string (not shown)", "ends the header"),
        .init(https + #""headers": {"X": ""}"#, "headers.X", found: "a string (not shown)", "libcurl would drop it"),
        .init(
            https + #""headers": {"X": "1", "x": "2"}"#, "headers.x", found: "the header \"x\" a second time", "twice"),
        .init(
            https + #""authorization": "Bearer abc""#, "authorization", found: "a string (not shown)",
            "a secret written down"),
        .init(
            https + #""authorization": {"env": "LINES"}"#, "authorization",
            found: "a secret that no header may hold (not shown)", "ends the header"),
        .init(https + #""authorization": {}"#, "authorization", found: "no source", "from nowhere"),
        .init(
            https + #""authorization": {"env": "GOOD", "until": "2090-01-01T00:00:00Z"}"#, "authorization.until",
            found: "an unknown key", "it does not end"),
        .init(https + #""sign": {}"#, "sign.secrets", found: "nothing", "signed with nothing"),
        .init(https + #""sign": {"secrets": []}"#, "sign.secrets", found: "an empty list", "signed with nothing"),
        .init(
            https + #""sign": {"secrets": [{"env": "HALF"}]}"#, "sign.secrets[0]",
            found: "a secret that begins with whsec_ and is something else (not shown)", "no base64"),
        .init(https + #""proxy": "socks5://x""#, "proxy", found: "\"socks5://x\"", "no HTTP proxy"),
        .init(
            https + #""proxy": "http://x", "allow_private": false"#, "proxy",
            found: "a proxy besides `deny` or `allow_private`, which cannot see where a proxy connects to",
            "what checks nothing"),
        .init(https + #""deny": ["10.0.0.1/8"]"#, "deny[0]", found: "\"10.0.0.1/8\"", "bits behind the length"),
        .init(https + #""deny": ["localhost"]"#, "deny[0]", found: "\"localhost\"", "a name"),
        .init(https + #""allow_private": "no""#, "allow_private", found: "\"no\"", "a text for a switch"),
    ]

    @Test("is refused with the path of the key", arguments: cases) func refuses(_ c: Case) {
        let environment = ["LINES": "Bearer\r\nX: y", "HALF": "whsec_%%%%"]
        let problems = ConfigurationText.forward(c.keys).problems(environment: environment)
        #expect(problems.map(\.path) == ["sinks.out." + c.path])
        #expect(problems.map(\.found) == [c.found])
    }

    @Test func aFileOfAuthoritiesMustBeThere() throws {
        let state = try TemporaryDirectory()
        var configuration = try ConfigurationText.forward(#""url": "https://x/", "tls": {"ca": "/nonexistent/ca"}"#)
            .load()
        configuration.stateDirectory = state.path
        let errors = #expect(throws: ConfigurationErrors.self) { try configuration.validateEnvironment() }
        #expect(errors?.problems.map(\.path) == ["sinks.out.tls.ca"])
    }

    @Test(
        "base64 is read to the letter",
        arguments: [
            ("", [], "nothing"), ("Zg==", [0x66], "one byte"), ("Zm8=", [0x66, 0x6F], "two"),
            ("Zm9v", [0x66, 0x6F, 0x6F], "three"),
            ("Zm9", nil, "no padding"), ("Zh==", nil, "bits that carry nothing"), ("Zm 9", nil, "a blank"),
            ("Z===", nil, "too much padding"), ("-_-_", nil, "the other alphabet"), ("=Zm9", nil, "padding in front"),
        ] as [(String, [UInt8]?, String)])
    func base64(text: String, bytes: [UInt8]?, why: String) {
        #expect(decodedBase64(Array(text.utf8)) == bytes, "\(why)")
    }
}
