// Waiting for a store to change, without asking it all the time.

import CLinux
import Glibc

/// Watches a state directory through inotify(7). What happens between two waits is not missed.
final class DirectoryWatcher {
    private let descriptor: Int32

    /// Begins to watch: whoever reads the store after this sees everything, or is woken.
    init(_ directory: String) throws {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        // SQLite writes its log and its database, and makes and removes them.
        let changes = UInt32(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO)
        guard descriptor >= 0, inotify_add_watch(descriptor, directory, changes) >= 0 else {
            // The descriptor is closed by deinit, which runs for an initializer that throws here, too.
            throw failure("\(directory) cannot be watched: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Why a wait is over.
    enum Wake { case changed, timedOut, outputEnded, interrupted }

    /// Waits until something is written in the directory, nobody reads `output` any more, a signal wants us to end, or
    /// the time is over.
    func wait(milliseconds: Int32, orEndOf output: Output, orFor signals: SignalWatcher? = nil) -> Wake {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            // No events asked for: only the end of the reader is told, as POLLERR.
            pollfd(fd: output.descriptor, events: 0, revents: 0),
            pollfd(fd: signals?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        if signals?.isInterrupted ?? false { return .interrupted }
        // A signal ends the wait early, which costs a look at the store and no more.
        if ready <= 0 { return .timedOut }
        if descriptors[1].revents != 0 { return .outputEnded }
        var events = [UInt8](repeating: 0, count: 16_384)
        // What changed does not matter, but that it did: everything queued is taken.
        while read(descriptor, &events, events.count) > 0 {}
        return .changed
    }
}

/// How long to wait for a change before looking all the same. SQLite writes a commit to its log first, which the
/// watcher sees, and shows it to readers later, in shared memory, which it does not: who looks in between and then
/// waits for the next write would not see the last event. So the next look is near after a change, and ever rarer.
struct Patience {
    private static let shortest: Int32 = 20, longest: Int32 = 5000

    private(set) var milliseconds = Self.shortest

    /// Something happened, so more may come of it.
    mutating func restart() { milliseconds = Self.shortest }

    /// Nothing happened.
    mutating func grow() { milliseconds = min(milliseconds * 2, Self.longest) }
}
