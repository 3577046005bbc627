// How a thread that waits a moment for more work is woken early.

import CLinux
import Glibc

/// A signal from one thread to another. Unlike a semaphore of Dispatch on Linux, whose timeouts follow the wall clock,
/// it waits by the monotonic clock: a clock that is set back does not prolong the wait.
final class Wake: Sendable {
    private let descriptor: Int32

    init() throws(StoreError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard descriptor >= 0 else {
            throw .directoryUnusable(path: "eventfd", reason: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// Wakes the waiting thread, or the next one that waits.
    func signal() {
        var one: UInt64 = 1
        while write(descriptor, &one, MemoryLayout<UInt64>.size) == -1, errno == EINTR {}
    }

    /// Waits until it is signalled, and takes the signal.
    func wait() {
        while !wait(nanoseconds: 1_000_000_000) {}
    }

    /// Waits until it is signalled, and takes the signal; false if that took longer than `nanoseconds`.
    func wait(nanoseconds: Int64) -> Bool {
        guard clinux_wait_readable(descriptor, nanoseconds) == 1 else { return false }
        var count: UInt64 = 0
        return read(descriptor, &count, MemoryLayout<UInt64>.size) == MemoryLayout<UInt64>.size
    }
}
