// How many requests a client may make: a bucket of tokens for each address, which fills at a steady rate. Memory is
// bounded whatever number of addresses come.

import Synchronization

/// Limits the rate of requests by address. Safe from any thread.
public final class RateLimiter: Sendable {
    /// The most addresses that are remembered, a few MB of them.
    public static let addressLimit = 65_536

    /// The time in which one token comes, in nanoseconds.
    private let interval: Int64
    /// The time in which an empty bucket fills.
    private let fillTime: Int64
    private let addressLimit: Int
    /// When each bucket will be full, on the monotonic clock: it says how many tokens are missing, and needs no
    /// refilling. Who is not here has a full bucket.
    private let fullAt = Mutex<[IPAddress: Int64]>([:])

    /// - Parameters:
    ///   - requestsPerSecond: how fast a bucket fills; at least 1.
    ///   - burst: how many requests may come at once; at least 1.
    ///   - addressLimit: the most addresses that are remembered.
    public init(requestsPerSecond: Int, burst: Int, addressLimit: Int = RateLimiter.addressLimit) {
        interval = max(1, 1_000_000_000 / Int64(max(1, requestsPerSecond)))
        let (fillTime, overflow) = interval.multipliedReportingOverflow(by: Int64(max(1, burst)))
        self.fillTime = overflow ? .max / 4 : fillTime
        self.addressLimit = max(1, addressLimit)
    }

    /// Takes a token from the bucket of the address (its `limitKey`).
    ///
    /// - Parameter now: the monotonic clock in nanoseconds.
    /// - Returns: nil if there was one, else the whole seconds after which there will be, at least 1.
    public func take(_ address: IPAddress, now: Int64) -> Int? {
        let key = address.limitKey
        return fullAt.withLock { fullAt in
            let next = max(fullAt[key] ?? now, now) + interval
            let missing = next - now - fillTime
            // A refused request costs no token: who keeps asking is served again as soon as who does not.
            if missing > 0 { return Int((missing + 999_999_999) / 1_000_000_000) }
            if fullAt.count >= addressLimit, fullAt[key] == nil { Self.forget(&fullAt, keeping: addressLimit, now) }
            fullAt[key] = next
            return nil
        }
    }

    /// How many addresses are remembered.
    var addressCount: Int { fullAt.withLock { $0.count } }

    /// Makes room: buckets that are full again mean nothing. Where that is not enough, a quarter of the rest goes,
    /// those that will be full first, so that this is seldom done.
    private static func forget(_ fullAt: inout [IPAddress: Int64], keeping limit: Int, _ now: Int64) {
        fullAt = fullAt.filter { $0.value > now }
        guard fullAt.count > limit / 4 * 3 else { return }
        let times = fullAt.values.sorted()
        let border = times[times.count / 4]
        fullAt = fullAt.filter { $0.value > border }
    }
}
