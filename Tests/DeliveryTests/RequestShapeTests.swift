// What a request looks like, besides the usual: modes, batches, further headers, signatures.

import CSSL
import Glibc
import Store
import Testing

@testable import Delivery

@Suite("The shape of a request") struct RequestShapeTests {
    private static let body = #"{"app_id":"a1","message":{"id":"m1","conversation_id":"c1"}}"#

    /// The requests that letters of `count` events each come to.
    private func requests(
        _ letters: [ClosedRange<Int>] = [0...0], _ change: (inout ForwardSettings) -> Void
    ) throws -> [RecordedRequest] {
        let target = try HTTPTarget([])
        defer { target.close() }
        var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        change(&settings)
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: try CloudEventRenderer())
        let batch = makeBatch((0..<5).map { (Int64($0 + 1), TestEvent(Self.body)) })
        for letter in letters { #expect(sink.deliver(batch, letter).verdict == .done) }
        return target.requests
    }

    @Test("structured mode: the event as one JSON object")
    func structured() throws {
        let request = try #require(try requests { $0.mode = .structured }.first)
        #expect(request.headers.contains("Content-Type: application/cloudevents+json; charset=UTF-8"))
        #expect(!request.headers.contains { $0.lowercased().hasPrefix("ce-") || $0.hasPrefix("x-sinch") })
        #expect(request.text.hasPrefix(#"{"specversion":"1.0","id":"0101"#))
        #expect(request.text.hasSuffix(#""data":\#(Self.body)}"#))
    }

    @Test("a batch: a JSON list of events, be it of one", arguments: [0...0, 1...3])
    func batch(range: ClosedRange<Int>) throws {
        let request = try #require(try requests([range]) { $0.batch = ForwardSettings.Batch() }.first)
        #expect(request.headers.contains("Content-Type: application/cloudevents-batch+json; charset=UTF-8"))
        #expect(request.text.hasPrefix(#"[{"specversion":"1.0","id":"#) && request.text.hasSuffix("}]"))
        let separators = request.text.ranges(of: #"},{"specversion""#).count
        #expect(separators == range.count - 1)
        for index in range { #expect(request.text.contains(#""sequence":"000000000000000000\#(index + 1)""#)) }
    }

    @Test("carries what was configured, and only once")
    func furtherHeaders() throws {
        let requests = try requests([0...0, 1...1]) {
            $0.headers = [("X-Tenant", "acme"), ("Accept", "text/plain")]
            $0.authorization = HiddenBytes(Array("Bearer abc".utf8))
        }
        #expect(requests.count == 2)
        for request in requests {
            for line in ["X-Tenant: acme", "Accept: text/plain", "Authorization: Bearer abc"] {
                #expect(request.headers.filter { $0 == line }.count == 1, "\(line)")
            }
            #expect(request.headers.filter { $0.lowercased().hasPrefix("accept:") }.count == 1)
        }
    }

    // MARK: Standard Webhooks

    private static let secrets = ["first-secret-of-enough-bytes", "second-secret-of-enough-bytes"]

    /// HMAC-SHA256 by another way than the one that is tested.
    private func code(_ secret: String, _ text: [UInt8]) throws -> String {
        let secret = Array(secret.utf8)
        let key = try #require(secret.withUnsafeBytes { cssl_hmac_key_new($0.baseAddress, $0.count) })
        defer { cssl_hmac_key_free(key) }
        // `a.b.c` is also the three parts `a`, `b` and `c`, wherever it is cut.
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false).map(
            Array.init)
        try #require(parts.count == 3)
        var out = [UInt8](repeating: 0, count: 32)
        let isDone = parts[0].withUnsafeBytes { a in
            parts[1].withUnsafeBytes { b in
                parts[2].withUnsafeBytes { c in
                    cssl_hmac_sha256_joined(
                        key, CChar(bitPattern: UInt8(ascii: ".")), cssl_bytes(start: a.baseAddress, count: a.count),
                        cssl_bytes(start: b.baseAddress, count: b.count),
                        cssl_bytes(start: c.baseAddress, count: c.count), &out)
                }
            }
        }
        try #require(isDone)
        return base64(out)
    }

    private func value(_ name: String, _ request: RecordedRequest) throws -> String {
        let lines = request.headers.filter { $0.hasPrefix(name + ": ") }
        try #require(lines.count == 1, "\(name)")
        return String(lines[0].dropFirst(name.count + 2))
    }

    @Test("a signature over id, time and body with every secret", arguments: [false, true])
    func signed(isBatched: Bool) throws {
        let requests = try requests([0...1, 0...1, 0...2]) {
            $0.signingSecrets = Self.secrets.map { HiddenBytes(Array($0.utf8)) }
            if isBatched { $0.batch = ForwardSettings.Batch() }
        }
        let ids = try requests.map { try value("webhook-id", $0) }
        #expect(ids[0] == ids[1], "the same message, sent again")
        #expect((ids[0] != ids[2]) == isBatched, "with another event in it, it is another message")
        if !isBatched { #expect(ids[0] == String(repeating: "01", count: 16), "the event's id") }
        for request in requests {
            let timestamp = try value("webhook-timestamp", request)
            let sent = try #require(Int(timestamp))
            #expect(abs(sent - time(nil)) < 600)
            let text = Array("\(try value("webhook-id", request)).\(timestamp).".utf8) + request.body
            let expected = try Self.secrets.map { "v1," + (try code($0, text)) }.joined(separator: " ")
            #expect(try value("webhook-signature", request) == expected)
        }
    }

    @Test("the signature is the one of Standard Webhooks' own example")
    func example() throws {
        // The reference libraries' test: secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
        let secret: [UInt8] = [
            0x31, 0xF2, 0x90, 0xF6, 0xBF, 0x06, 0x29, 0x8A, 0xAB, 0x4F, 0x08, 0xD4, 0x3C, 0x3F, 0x08, 0x2C, 0xF6, 0x48,
            0xA3, 0x62, 0xDA, 0x2D, 0xA4, 0xB0,
        ]
        let key = try SigningKey(HiddenBytes(secret))
        let signature = webhookSignature(
            [key], id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: "1614265330",
            body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }
}

@Suite("Networks") struct AddressNetworkTests {
    @Test(
        "are read as they are written",
        arguments: [
            ("10.0.0.0/8", true, "a network"), ("10.0.0.1", true, "an address"), ("0.0.0.0/0", true, "everything"),
            ("fd00::/8", true, "IPv6"), ("::/0", true, "everything"), ("::1/128", true, "an address"),
            ("10.0.0.1/8", false, "bits behind the length"), ("fd00::1/8", false, "bits behind the length"),
            ("10.0.0.0/33", false, "too long"), ("fd00::/129", false, "too long"), ("10.0.0.0/", false, "no length"),
            ("10.0.0.0/+8", false, "a sign"), ("10.0.0.0/8/8", false, "two lengths"),
            ("10.0.0/8", false, "three numbers"),
            ("localhost", false, "a name"), ("", false, "nothing"), ("10.0.0.0/008", true, "leading zeros are digits"),
        ])
    func read(text: String, isNetwork: Bool, why: String) {
        #expect((AddressNetwork(text: text) != nil) == isNetwork, "\(why)")
    }

    @Test(
        "hold what is in them, and no more",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.128/25", "10.1.2.127", false), ("10.1.2.128/25", "10.1.2.200", true),
            ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false),
            ("2001:db8::1", "2001:db8::1", true), ("2001:db8::1", "2001:db8::2", false),
            ("2001:db8::/33", "2001:db8:8000::", false), ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true), ("169.0.0.0/8", "2002:a901:203::", true),
        ])
    func contains(network: String, address: String, isInside: Bool) throws {
        var policy = AddressPolicy()
        policy.denied = [try #require(AddressNetwork(text: network))]
        let target = try #require(TargetAddress(text: address))
        #expect((policy.refusal(of: target) == .denied) == isInside)
    }

    @Test(
        "B15: that are private can be ruled out as a whole",
        arguments: [
            ("127.0.0.1", true), ("10.9.8.7", true), ("172.15.255.255", false), ("172.16.0.0", true),
            ("172.31.255.255", true), ("172.32.0.0", false), ("192.168.255.1", true), ("192.169.0.1", false),
            ("100.64.0.1", true), ("100.128.0.1", false), ("224.0.0.1", true), ("255.255.255.255", true),
            ("93.184.216.34", false), ("::1", true), ("fc00::1", true), ("fdff::1", true), ("fe00::1", false),
            ("ff02::1", true), ("2606:4700::1", false), ("::ffff:127.0.0.1", true), ("64:ff9b::a00:1", true),
            ("::ffff:8.8.8.8", false),
        ])
    func privateAddresses(text: String, isPrivate: Bool) throws {
        var policy = AddressPolicy()
        policy.allowsPrivate = false
        #expect((policy.refusal(of: try #require(TargetAddress(text: text))) != nil) == isPrivate)
    }
}
