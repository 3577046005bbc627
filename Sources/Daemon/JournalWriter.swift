// Writes to systemd's journal, on a queue of its own: its socket blocks while journald does not read, and the threads
// that log are those that answer, store and deliver.

import CSystemd
import Dispatch
import Glibc
import Synchronization

/// Hands entries to the journal. Never blocks whoever logs.
final class JournalWriter: Sendable {
    /// Where journald listens. libsystemd says of an entry that it was taken where there is no such socket.
    private static let socketPath = "/run/systemd/journal/socket"
    /// The most entries that wait.
    private static let limit = 1024

    private let send: @Sendable ([String]) -> Bool
    private let queue = DispatchQueue(label: "hookd.journal", qos: .utility)
    private let waiting = Atomic<Int>(0)
    private let lost = LostLines()

    /// - Parameter send: hands over one entry's fields. Returns false where there is no journal.
    init(send: @escaping @Sendable ([String]) -> Bool) {
        self.send = send
    }

    /// Writes to the journal of this machine.
    convenience init() {
        self.init { access(Self.socketPath, F_OK) == 0 && Self.send($0) }
    }

    /// Writes an entry soon. One that finds too many before it is lost, and the next that does not says so.
    ///
    /// - Parameter otherwise: called where there is no journal, on the writer's queue.
    func write(_ entry: JournalEntry, otherwise: @escaping @Sendable () -> Void) {
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.limit else {
            waiting.subtract(1, ordering: .relaxed)
            lost.add(1)
            return
        }
        queue.async { [self] in
            var entry = entry
            let lostBefore = lost.take()
            if lostBefore > 0 { entry.add("HOOKD_LINES_LOST", "\(lostBefore)") }
            if !send(entry.fields) {
                lost.add(lostBefore)
                otherwise()
            }
            waiting.subtract(1, ordering: .relaxed)
        }
    }

    /// Waits for what waits to be written, up to two seconds.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(2))
    }

    private static func send(_ fields: [String]) -> Bool {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        for field in fields {
            let start = bytes.count
            bytes.append(contentsOf: field.utf8)
            ranges.append(start..<bytes.count)
        }
        return bytes.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            let vectors = ranges.map { iovec(iov_base: start + $0.lowerBound, iov_len: $0.count) }
            return sd_journal_sendv(vectors, Int32(vectors.count)) >= 0
        }
    }
}
