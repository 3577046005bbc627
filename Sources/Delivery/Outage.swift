// What is said of a failure that lasts: the first one, then at most one line a minute, and the recovery.

/// The failures of one sink, and what was said of them.
struct Outage {
    /// Once a minute at most, however often it fails, and even if it works again in between.
    private static let intervalNanoseconds: UInt64 = 60_000_000_000

    /// Failures in a row; 0 while all is well.
    private(set) var failures = 0
    /// When the first of them was, in microseconds since 1970 (UTC).
    private(set) var since: Int64?
    private var saidAt: UInt64?
    private var isSaid = false

    /// Counts a failure that is told of in another way.
    mutating func pause(wall: Int64, isSaid: Bool) {
        failures += 1
        since = since ?? wall
        self.isSaid = self.isSaid || isSaid
    }

    /// Counts a failure.
    ///
    /// - Parameters:
    ///   - now: a clock that nobody sets, in nanoseconds.
    ///   - wall: microseconds since 1970 (UTC).
    /// - Returns: whether to say it.
    mutating func failed(now: UInt64, wall: Int64) -> Bool {
        failures += 1
        since = since ?? wall
        if let saidAt, now < saidAt + Self.intervalNanoseconds { return false }
        saidAt = now
        isSaid = true
        return true
    }

    /// Ends the outage. Returns how many failures it had if its end is to be said, else nil.
    mutating func recovered() -> Int? {
        defer {
            failures = 0
            since = nil
            isSaid = false
        }
        return isSaid ? failures : nil
    }
}
