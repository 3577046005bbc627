// When a failing sink is tried again: exponential backoff with full jitter, so that many sinks with one cause
// do not come back at the same moment.

/// The bounds of the wait between two attempts.
public struct RetryPolicy: Sendable, Equatable {
    /// The longest wait before the first retry, in microseconds.
    public var initialMicroseconds: Int64
    /// The longest wait before any retry, in microseconds.
    public var maximumMicroseconds: Int64

    /// Both bounds in microseconds; each is at least 1, and the maximum at least the initial one.
    public init(initialMicroseconds: Int64 = 1_000_000, maximumMicroseconds: Int64 = 60_000_000) {
        self.initialMicroseconds = max(1, initialMicroseconds)
        self.maximumMicroseconds = max(self.initialMicroseconds, maximumMicroseconds)
    }

    /// The longest wait, in microseconds, after `failures` failures in a row (1 after the first).
    func ceiling(failures: Int) -> Int64 {
        let doublings = min(max(failures - 1, 0), 62)
        // Shifting the maximum down instead of the initial wait up cannot overflow.
        return maximumMicroseconds >> doublings < initialMicroseconds
            ? maximumMicroseconds : min(initialMicroseconds << doublings, maximumMicroseconds)
    }

    /// The wait before the next attempt, in microseconds: anything from 0 to the ceiling.
    func delay(failures: Int, using random: inout some RandomNumberGenerator) -> Int64 {
        // Not exactly even, by a part in a million millions.
        Int64(truncatingIfNeeded: random.next() % (UInt64(ceiling(failures: failures)) + 1))
    }
}
