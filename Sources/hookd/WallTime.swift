// The wall clock, as callbacks and the store count it.

import Glibc

/// A moment of the wall clock.
struct WallTime: Equatable {
    /// Microseconds since 1970 (UTC).
    var microseconds: Int64

    /// Milliseconds since 1970 (UTC).
    var milliseconds: Int64 { microseconds / 1000 }

    /// Whole seconds since 1970 (UTC), cut off as Sinch does.
    var seconds: Int64 { microseconds / 1_000_000 }

    /// What the clock says.
    static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
