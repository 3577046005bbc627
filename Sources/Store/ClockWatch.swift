// Whether the wall clock can be believed. Old events are deleted by it, and a clock that jumps ahead makes all of them
// old at once.

/// Compares the wall clock with the monotonic one, which nobody sets.
struct ClockWatch {
    /// How far they may come apart, in microseconds.
    static let toleranceMicroseconds: Int64 = 60_000_000

    /// The wall clock's lead that is believed, in microseconds.
    private var believed: Int64
    /// How far ahead of it the clock is, in seconds; nil while it can be believed.
    private(set) var jumpSeconds: Int64?

    /// Believes the clock as it is.
    init(wallMicroseconds: Int64, monotonicNanoseconds: Int64) {
        believed = wallMicroseconds - monotonicNanoseconds / 1000
    }

    /// Looks at the clocks. Returns whether the wall clock has newly jumped ahead, or is newly as it was.
    mutating func look(wallMicroseconds: Int64, monotonicNanoseconds: Int64) -> Bool {
        let ahead = wallMicroseconds - monotonicNanoseconds / 1000 - believed
        let before = jumpSeconds
        jumpSeconds = ahead > Self.toleranceMicroseconds ? ahead / 1_000_000 : nil
        return (before == nil) != (jumpSeconds == nil)
    }

    /// Believes the clock as it is now, because a callback that was signed by another clock agrees with it.
    mutating func confirm(wallMicroseconds: Int64, monotonicNanoseconds: Int64) {
        believed = wallMicroseconds - monotonicNanoseconds / 1000
        jumpSeconds = nil
    }
}
