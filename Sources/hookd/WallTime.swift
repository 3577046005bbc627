// The wall clock, as callbacks and the store count it.

import CLinux

/// A moment of the wall clock.
struct WallTime: Equatable {
    /// Microseconds since 1970 (UTC).
    var microseconds: Int64

    /// Milliseconds since 1970 (UTC).
    var milliseconds: Int64 { microseconds / 1000 }

    /// Whole seconds since 1970 (UTC), cut off as Sinch does.
    var seconds: Int64 { microseconds / 1_000_000 }

    /// What the clock says.
    static func now() -> WallTime { WallTime(microseconds: clinux_wall_microseconds()) }
}
