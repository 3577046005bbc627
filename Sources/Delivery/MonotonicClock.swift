// The clock of delivery, and how to wait by it.

import Dispatch
import Glibc

/// Nanoseconds of a clock that nobody sets.
func monotonicNanoseconds() -> UInt64 {
    DispatchTime.now().uptimeNanoseconds
}

/// Blocks the thread. Measured by the monotonic clock, unlike a semaphore's timeout on Linux, which a clock that is
/// set back would prolong by as much.
func pause(microseconds: UInt64) {
    var wanted = timespec(tv_sec: Int(microseconds / 1_000_000), tv_nsec: Int(microseconds % 1_000_000) * 1000)
    var left = timespec()
    while nanosleep(&wanted, &left) == -1, errno == EINTR {
        wanted = left
    }
}
