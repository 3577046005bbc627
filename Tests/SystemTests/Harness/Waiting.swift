// How tests wait: for something to happen, never for time to pass, and never for ever.

import Dispatch
import Glibc

/// What a test cannot go on without.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A moment on the monotonic clock after which a test fails. Far away: a machine may be busy.
struct Deadline {
    private let nanoseconds: UInt64

    init(seconds: UInt64 = 60) {
        nanoseconds = DispatchTime.now().uptimeNanoseconds + seconds * 1_000_000_000
    }

    var isOver: Bool { DispatchTime.now().uptimeNanoseconds >= nanoseconds }

    /// For poll(2): rounded up, so that it is not asked again and again within the last millisecond.
    var milliseconds: Int32 {
        let now = DispatchTime.now().uptimeNanoseconds
        return now >= nanoseconds ? 0 : Int32((nanoseconds - now) / 1_000_000 + 1)
    }
}

/// Waits with poll(2) until `descriptor` is ready for `events`.
///
/// - Returns: false if it was not, up to the deadline.
func wait(for events: Int32, on descriptor: Int32, until deadline: Deadline) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    while true {
        let ready = poll(&entry, 1, deadline.milliseconds)
        if ready > 0 { return true }
        if ready == 0 && deadline.isOver { return false }
        if ready < 0 && errno != EINTR { return false }
    }
}

/// Asks again every few milliseconds, where nothing tells when the answer changes.
func poll<T>(_ what: String, seconds: UInt64 = 60, _ ask: () throws -> T?) throws -> T {
    let deadline = Deadline(seconds: seconds)
    while true {
        if let answer = try ask() { return answer }
        if deadline.isOver { throw Failure("\(what): not within \(seconds) s") }
        poll(nil, 0, 5)
    }
}
