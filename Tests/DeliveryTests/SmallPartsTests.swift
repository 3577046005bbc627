// The parts that compute and touch nothing.

import Glibc
import Testing

@testable import Delivery

@Suite("Base64 (RFC 4648 §10)") struct Base64Tests {
    @Test(
        "is written as the RFC's own examples",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func encodes(text: String, expected: String) {
        #expect(base64(text.utf8) == expected)
    }

    @Test("uses the standard alphabet for 32 bytes of a signature")
    func signature() {
        let bytes: [UInt8] = [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 26)
        #expect(base64(bytes) == "++++////" + String(repeating: "A", count: 35) + "=")
    }
}

@Suite("Text from outside") struct EscapingTests {
    @Test(
        "shows what a terminal must not run",
        arguments: [
            ("plain", "plain", "nothing to do"),
            ("a\r\nb", "a\\x0d\\x0ab", "no second log line"),
            ("\u{1B}[31m", "\\x1b[31m", "no colours"),
            ("\u{202E}", "\\xe2\\x80\\xae", "no turned direction"),
            ("\\\"", "\\x5c\\x22", "the quotes stay ours"),
            ("0123456789x", "0123456789…", "no more than the limit"),
        ])
    func escapes(text: String, expected: String, why: String) {
        #expect(escaped(Array(text.utf8), limit: 10) == expected, "\(why)")
    }
}

@Suite("Retry policy") struct RetryPolicyTests {
    @Test(
        "doubles up to the maximum",
        arguments: [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (64, 60), (Int.max, 60)])
    func ceiling(failures: Int, seconds: Int) {
        #expect(RetryPolicy().ceiling(failures: failures) == Int64(seconds) * 1_000_000)
    }

    @Test("overflows with no bounds that a configuration can name", arguments: [1, 2, 62, 63, 64, 1000])
    func extremes(failures: Int) {
        let policy = RetryPolicy(initialMicroseconds: 3, maximumMicroseconds: .max)
        #expect((3...Int64.max).contains(policy.ceiling(failures: failures)))
    }

    @Test("waits anything up to the ceiling")
    func jitter() {
        struct Fixed: RandomNumberGenerator {
            let value: UInt64
            mutating func next() -> UInt64 { value }
        }
        var least = Fixed(value: 0)
        var most = Fixed(value: 4_000_000)
        var beyond = Fixed(value: 4_000_001)
        let delays = [
            RetryPolicy().delay(failures: 3, using: &least), RetryPolicy().delay(failures: 3, using: &most),
            RetryPolicy().delay(failures: 3, using: &beyond),
        ]
        #expect(delays == [0, 4_000_000, 0])
    }
}

@Suite("What is said of an outage") struct OutageTests {
    private let second: UInt64 = 1_000_000_000

    @Test("the first failure, then one a minute, and the recovery")
    func lasting() {
        var outage = Outage()
        let said = [0, 1, 59, 60, 61].map { time in
            outage.failed(now: UInt64(time) * second, wall: 7 + Int64(time))
        }
        #expect(said == [true, false, false, true, false])
        #expect(outage.since == 7, "the outage began with its first failure")
        let failures = outage.recovered()
        #expect(failures == 5)
        #expect(outage.since == nil)
    }

    @Test("a sink that fails every other time fills no log")
    func flapping() {
        var outage = Outage()
        var lines = 0
        for time in 0..<120 {
            lines += outage.failed(now: UInt64(time) * second, wall: 0) ? 1 : 0
            lines += outage.recovered() != nil ? 1 : 0
        }
        #expect(lines == 4)
    }
}

@Suite("B15: addresses that events are never sent to") struct TargetAddressTests {
    @Test(
        "are told from those that may be configured",
        arguments: [
            ("169.254.169.254", true, "metadata of most clouds"), ("169.254.0.1", true, "link-local"),
            ("169.253.255.255", false, "just below"), ("169.255.0.0", false, "just above"),
            ("0.0.0.0", true, "unspecified"), ("127.0.0.1", false, "loopback is the usual target"),
            ("10.0.0.1", false, "private"), ("192.168.1.1", false, "private"), ("93.184.216.34", false, "public"),
            ("::", true, "unspecified"), ("::1", false, "loopback"), ("fe80::1", true, "link-local"),
            ("febf:ffff::1", true, "the end of fe80::/10"), ("fec0::1", false, "just above"),
            ("fd00:ec2::254", true, "metadata of AWS"), ("fd00:ec2::253", false, "its neighbour is private"),
            ("::ffff:169.254.169.254", true, "mapped"), ("::ffff:127.0.0.1", false, "mapped loopback"),
            ("64:ff9b::a9fe:a9fe", true, "through NAT64"), ("64:ff9b::8.8.8.8", false, "public through NAT64"),
            ("2001:db8::1", false, "public"),
        ])
    func forbidden(text: String, isForbidden: Bool, why: String) throws {
        var bytes = [UInt8](repeating: 0, count: text.contains(":") ? 16 : 4)
        try #require(inet_pton(text.contains(":") ? AF_INET6 : AF_INET, text, &bytes) == 1)
        #expect((AddressPolicy().refusal(of: TargetAddress(bytes: bytes)) != nil) == isForbidden, "\(why)")
    }
}
