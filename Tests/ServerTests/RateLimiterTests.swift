// The rate of requests by address, on a clock that the tests turn.

import Testing

@testable import Server

@Suite("A rate limit") struct RateLimiterTests {
    private static let second: Int64 = 1_000_000_000
    /// The monotonic clock of a machine that was started a while ago.
    private let start: Int64 = 5 * second

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text: text)) }

    @Test("lets a burst through, then one at a time") func burst() throws {
        let limiter = RateLimiter(requestsPerSecond: 10, burst: 3)
        let client = try address("192.0.2.1")
        for _ in 0..<3 { #expect(limiter.take(client, now: start) == nil) }
        #expect(limiter.take(client, now: start) == 1)
        #expect(limiter.take(client, now: start + Self.second / 10 - 1) == 1)
        #expect(limiter.take(client, now: start + Self.second / 10) == nil)
        #expect(limiter.take(client, now: start + Self.second / 10) == 1)
    }

    @Test("is full again after a while, and never fuller") func refill() throws {
        let limiter = RateLimiter(requestsPerSecond: 10, burst: 3)
        let client = try address("192.0.2.1")
        for _ in 0..<3 { #expect(limiter.take(client, now: start) == nil) }
        let later = start + 3600 * Self.second
        for _ in 0..<3 { #expect(limiter.take(client, now: later) == nil) }
        #expect(limiter.take(client, now: later) == 1)
    }

    @Test("keeps the rate over time, whoever asks more often") func rate() throws {
        let limiter = RateLimiter(requestsPerSecond: 50, burst: 100)
        let client = try address("192.0.2.1")
        let asked = 10_000
        let taken = (0..<asked).count { limiter.take(client, now: start + Int64($0) * Self.second / 1000) == nil }
        #expect(taken == 100 + 50 * 10 - 1, "asked 1000 times a second for ten seconds")
    }

    @Test("says after how many seconds it is worth asking again") func retryAfter() throws {
        let limiter = RateLimiter(requestsPerSecond: 1, burst: 1)
        let client = try address("192.0.2.1")
        #expect(limiter.take(client, now: start) == nil)
        #expect(limiter.take(client, now: start) == 1)
        #expect(limiter.take(client, now: start + Self.second) == nil)
    }

    @Test("is for each address, and for each /64 of IPv6") func keys() throws {
        let limiter = RateLimiter(requestsPerSecond: 1, burst: 1)
        #expect(limiter.take(try address("192.0.2.1"), now: start) == nil)
        #expect(limiter.take(try address("192.0.2.2"), now: start) == nil)
        #expect(limiter.take(try address("::ffff:192.0.2.2"), now: start) == 1)
        #expect(limiter.take(try address("2001:db8::1"), now: start) == nil)
        #expect(limiter.take(try address("2001:db8::2"), now: start) == 1)
        #expect(limiter.take(try address("2001:db8:0:1::1"), now: start) == nil)
    }

    @Test("remembers no more addresses than it may, and those the longest that asked the most") func bounded() throws {
        let limiter = RateLimiter(requestsPerSecond: 1, burst: 10, addressLimit: 100)
        let busy = try address("2001:db8::1")
        for _ in 0..<10 { #expect(limiter.take(busy, now: start) == nil) }
        for number in 0..<10_000 {
            #expect(limiter.take(IPAddress(bits: UInt128(number) << 96, isIPv4: true), now: start) == nil)
            #expect(limiter.addressCount <= 100)
        }
        #expect(limiter.take(busy, now: start) == 1)
    }

    @Test("forgets first who has all tokens back") func forgets() throws {
        let limiter = RateLimiter(requestsPerSecond: 1, burst: 1, addressLimit: 100)
        for number in 0..<100 { _ = limiter.take(IPAddress(bits: UInt128(number) << 96, isIPv4: true), now: start) }
        #expect(limiter.addressCount == 100)
        #expect(limiter.take(try address("192.0.2.1"), now: start + Self.second) == nil)
        #expect(limiter.addressCount == 1)
    }

    @Test("of the largest numbers does not overflow") func large() throws {
        let client = try address("192.0.2.1")
        #expect(RateLimiter(requestsPerSecond: 1, burst: .max).take(client, now: .max / 2) == nil)
        #expect(RateLimiter(requestsPerSecond: .max, burst: .max).take(client, now: start) == nil)
    }
}
