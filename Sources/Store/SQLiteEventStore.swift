// The embedded store: one SQLite file, one writer queue, group commit.
//
// Shards put batches into a list; the writer takes all of them, commits once, and answers. It stays on its queue for
// as long as there is something to do, because each way through Dispatch costs two thread switches.

import CLinux
import Dispatch
import Glibc
import Synchronization

/// An `EventStore` in one SQLite database under a state directory.
public final class SQLiteEventStore: EventStore, @unchecked Sendable {  // the variables are for `queue` only
    /// What the store tells the operator.
    public enum Notice: Sendable {
        /// A commit failed; nothing of it was acknowledged. The file is reopened.
        case commitFailed(StoreError)
        /// The file could not be reopened; it is tried again.
        case reopenFailed(StoreError)
        /// Commits succeed again.
        case recovered
        /// The file holds less than sinks had taken from it: acknowledged events were lost. Their sequence numbers, up
        /// to `delivered`, are not used again.
        case eventsLost(newest: Int64, delivered: Int64)
        /// An event's body is not the one that was stored. It is not delivered.
        case damagedEvent(sequence: Int64)
    }

    /// How a store is set up.
    public struct Options: Sendable {
        /// How far from now a timestamp may be, in seconds: the largest tolerance of all endpoints.
        public var toleranceSeconds: Int64
        /// The most nonces in memory; beyond it candidates are `.unavailable`.
        public var nonceCapacity: Int
        /// The newest events that are kept in memory for sinks, in bytes.
        public var tailBytes: Int

        /// A window of five minutes, 16,777,216 nonces and 16 MiB of newest events, unless said otherwise.
        public init(toleranceSeconds: Int64 = 300, nonceCapacity: Int = 1 << 24, tailBytes: Int = 16 << 20) {
            self.toleranceSeconds = toleranceSeconds
            self.nonceCapacity = nonceCapacity
            self.tailBytes = tailBytes
        }
    }

    private struct Submission {
        let batch: CandidateBatch
        let completion: @Sendable (CandidateBatch, [Outcome]) -> Void
    }

    private struct CursorMove {
        let cursors: [String: Int64]
        let completion: @Sendable (StoreError?) -> Void
    }

    /// What waits for the writer.
    private struct Inbox {
        var submissions: [Submission] = []
        var candidates = 0
        var bytes = 0
        var cursorMoves: [CursorMove] = []
        /// Whether the writer's loop is on its queue.
        var isWriting = false
        /// The number of waiting candidates that wakes a writer which waits for more; 0 where it does not.
        var wakesAt = 0
        var isClosed = false
        /// Since when the commit under way has been under way, on the monotonic clock; 0 where there is none.
        var commitBegan: Int64 = 0

        /// Whether the writer must be scheduled, or woken from waiting for more.
        mutating func rouse() -> (schedules: Bool, wakes: Bool) {
            if !isWriting {
                isWriting = true
                return (true, false)
            }
            if wakesAt > 0, candidates >= wakesAt {
                wakesAt = 0
                return (false, true)
            }
            return (false, false)
        }

        mutating func takeAll() -> (submissions: [Submission], moves: [CursorMove]) {
            defer {
                submissions = []
                cursorMoves = []
                candidates = 0
            }
            return (submissions, cursorMoves)
        }
    }

    /// How long a commit may take before further candidates are turned away, in nanoseconds.
    private static let commitPatience: Int64 = 5_000_000_000
    /// How many bytes of candidates may wait for the writer, those of the commit under way included.
    private static let inboxBytes = 16 << 20
    /// How long to wait before a failed file is tried again, in nanoseconds.
    private static let retryDelay: Int64 = 250_000_000

    private let directory: StateDirectory
    private let options: Options
    private let notify: @Sendable (Notice) -> Void
    private let queue = DispatchQueue(label: "hookd.store", qos: .userInitiated)
    private let wake: Wake
    private let inbox = Mutex(Inbox())
    private let tail: Mutex<EventTail>
    private let readers = Mutex<[EventReader]>([])
    private let observers = Mutex<[@Sendable () -> Void]>([])
    private let newest: Atomic<Int64>
    private let delivered: DeliveredMark

    private var writer: EventWriter?
    private var pacing = CommitPacing()
    private var retryAt: Int64 = 0
    private var hasFailed = false

    /// Opens the store, or makes an empty one.
    ///
    /// - Parameter notify: is told what an operator should know, on any queue.
    public init(
        directory: StateDirectory, options: Options = Options(), notify: @escaping @Sendable (Notice) -> Void
    ) throws(StoreError) {
        self.directory = directory
        self.options = options
        self.notify = notify
        tail = Mutex(EventTail(capacityBytes: options.tailBytes))
        wake = try Wake()
        delivered = try DeliveredMark(directory: directory)
        newest = Atomic(0)
        let writer = try makeWriter()
        self.writer = writer
        if let stored = try? newestStored(), stored < delivered.sequence {
            notify(.eventsLost(newest: stored, delivered: delivered.sequence))
        }
        newest.store(writer.nextSequence - 1, ordering: .releasing)
    }

    private func makeWriter() throws(StoreError) -> EventWriter {
        try EventWriter(
            path: directory.databasePath, toleranceSeconds: options.toleranceSeconds,
            nonceCapacity: options.nonceCapacity, now: clinux_wall_microseconds() / 1_000_000,
            lowestNextSequence: max(delivered.sequence, newest.load(ordering: .acquiring)) + 1)
    }

    private func newestStored() throws(StoreError) -> Int64 {
        try withReader { reader throws(StoreError) in try reader.newestSequence() }
    }

    // MARK: Ingest

    /// Puts the batch into the list that the writer takes all of; see `EventStore.submit(_:completion:)`.
    public func submit(
        _ batch: CandidateBatch, completion: @escaping @Sendable (CandidateBatch, [Outcome]) -> Void
    ) {
        let now = clinux_monotonic_nanoseconds()
        var accepted = true
        var schedules = false
        var wakes = false
        inbox.withLock { inbox in
            let hangs = inbox.commitBegan != 0 && now - inbox.commitBegan > Self.commitPatience
            guard !inbox.isClosed, !hangs, inbox.bytes < Self.inboxBytes else {
                accepted = false
                return
            }
            inbox.submissions.append(Submission(batch: batch, completion: completion))
            inbox.candidates += batch.candidates.count
            inbox.bytes += batch.bytes.count
            (schedules, wakes) = inbox.rouse()
        }
        if !accepted {
            completion(batch, [Outcome](repeating: .unavailable, count: batch.candidates.count))
        }
        rouse(schedules: schedules, wakes: wakes)
    }

    /// Has the next commit move the cursors, and waits for it.
    public func moveCursors(_ cursors: [String: Int64]) throws(StoreError) {
        let done = DispatchSemaphore(value: 0)
        let failure = Mutex<StoreError?>(nil)
        var schedules = false
        let accepted = inbox.withLock { inbox in
            guard !inbox.isClosed else { return false }
            inbox.cursorMoves.append(
                CursorMove(cursors: cursors) { error in
                    failure.withLock { $0 = error }
                    done.signal()
                })
            (schedules, _) = inbox.rouse()
            return true
        }
        guard accepted else { throw .unavailable }
        rouse(schedules: schedules, wakes: false)
        done.wait()
        if let error = failure.withLock({ $0 }) { throw error }
        delivered.raise(to: cursors.values.max() ?? 0)
    }

    private func rouse(schedules: Bool, wakes: Bool) {
        if schedules { queue.async { self.write() } }
        if wakes { wake.signal() }
    }

    // MARK: The writer's loop

    /// Commits until nothing waits.
    private func write() {
        while true {
            waitForMore()
            let now = clinux_monotonic_nanoseconds()
            let work = inbox.withLock { inbox in
                let work = inbox.takeAll()
                inbox.isWriting = !work.submissions.isEmpty || !work.moves.isEmpty
                inbox.commitBegan = inbox.isWriting ? now : 0
                return work
            }
            guard !work.submissions.isEmpty || !work.moves.isEmpty else {
                pacing.becameIdle()
                return
            }
            commit(work.submissions, work.moves)
            inbox.withLock { inbox in
                inbox.commitBegan = 0
                inbox.bytes -= work.submissions.reduce(0) { $0 + $1.batch.bytes.count }
            }
        }
    }

    private func waitForMore() {
        let target = pacing.target
        guard target > 1 else { return }
        let mustWait = inbox.withLock { inbox in
            guard inbox.candidates < target, !inbox.isClosed else { return false }
            inbox.wakesAt = target
            return true
        }
        guard mustWait else { return }
        if wake.wait(nanoseconds: CommitPacing.longestWaitNanoseconds) { return }
        let wasWoken = inbox.withLock { inbox in
            defer { inbox.wakesAt = 0 }
            return inbox.wakesAt == 0
        }
        if wasWoken { wake.wait() }  // woken after the time was up: the signal is there or about to be
    }

    private func commit(_ submissions: [Submission], _ moves: [CursorMove]) {
        var cursors: [String: Int64] = [:]
        for move in moves { cursors.merge(move.cursors) { max($0, $1) } }
        let now = clinux_wall_microseconds()
        do throws(StoreError) {
            let writer = try openWriter()
            let outcomes = try writer.commit(submissions.map(\.batch), cursors: cursors, now: now)
            publish(submissions, outcomes, recordedAt: now)
            let before = newest.exchange(writer.nextSequence - 1, ordering: .acquiringAndReleasing)
            finish(submissions, outcomes)
            // Not by the outcomes: a row of a commit that failed may have come back with the file.
            if writer.nextSequence - 1 > before { for observer in observers.withLock({ $0 }) { observer() } }
            for move in moves { move.completion(nil) }
            if hasFailed { notify(.recovered) }
            hasFailed = false
        } catch {
            fail(error)
            finish(
                submissions, submissions.map { [Outcome](repeating: .unavailable, count: $0.batch.candidates.count) })
            for move in moves { move.completion(error) }
        }
    }

    /// The writer, opened again if it was thrown away.
    private func openWriter() throws(StoreError) -> EventWriter {
        if let writer { return writer }
        guard clinux_monotonic_nanoseconds() >= retryAt else { throw .unavailable }
        let writer = try makeWriter()
        self.writer = writer
        return writer
    }

    /// Throws the writer away with all it remembers: after a failed commit only the file knows what is stored.
    private func fail(_ error: StoreError) {
        guard error != .unavailable else { return }
        notify(writer == nil ? .reopenFailed(error) : .commitFailed(error))
        writer = nil
        // Rows of the failed commit may be there when the file is opened again. They are not in memory, and events
        // in memory must have no gap.
        tail.withLock { $0.clear() }
        hasFailed = true
        retryAt = clinux_monotonic_nanoseconds() + Self.retryDelay
    }

    private func publish(_ submissions: [Submission], _ outcomes: [[Outcome]], recordedAt: Int64) {
        tail.withLock { tail in
            for (submission, outcomes) in zip(submissions, outcomes) {
                tail.append(submission.batch, outcomes: outcomes, recordedAt: recordedAt)
            }
        }
    }

    private func finish(_ submissions: [Submission], _ outcomes: [[Outcome]]) {
        var count = 0
        for (submission, outcomes) in zip(submissions, outcomes) {
            count += outcomes.count
            submission.completion(submission.batch, outcomes)
        }
        pacing.committed(count)
    }

    // MARK: Delivery

    /// The sequence number of the newest stored event; 0 in an empty store.
    public var newestSequence: Int64 { newest.load(ordering: .acquiring) }

    /// The events behind `sequence`: from memory while they are there, else from disk.
    public func events(after sequence: Int64, limit: ReadLimit) throws(StoreError) -> EventBatch {
        guard sequence < newestSequence else { return EventBatch() }
        if let slice = tail.withLock({ $0.slice(after: sequence, limit: limit) }) { return slice.copied() }
        return try withReader { reader throws(StoreError) in
            try reader.events(after: sequence, limit: limit) { notify(.damagedEvent(sequence: $0)) }
        }
    }

    /// The last sequence number that `sink` has taken, as last made durable.
    public func cursor(of sink: String) throws(StoreError) -> Int64? {
        try withReader { reader throws(StoreError) in try reader.cursor(of: sink) }
    }

    /// Calls `wake` after every commit that stored an event.
    public func onCommit(_ wake: @escaping @Sendable () -> Void) {
        observers.withLock { $0.append(wake) }
    }

    /// Calls `body` with a reader that nobody else uses meanwhile.
    private func withReader<R>(_ body: (EventReader) throws(StoreError) -> R) throws(StoreError) -> R {
        let reader: EventReader
        if let free = readers.withLock({ $0.popLast() }) {
            reader = free
        } else {
            reader = try EventReader(path: directory.databasePath)
        }
        let result = try body(reader)  // one that failed is not used again
        readers.withLock { $0.append(reader) }
        return result
    }

    // MARK: Closing

    /// Commits what waits, then closes the file. Further candidates are `.unavailable`. A disk that hangs is waited for
    /// five seconds; what is then not committed was not acknowledged either.
    public func close() {
        inbox.withLock { $0.isClosed = true }
        let closed = DispatchSemaphore(value: 0)
        queue.async { [weak self] in
            self?.closeFile()
            closed.signal()
        }
        _ = closed.wait(timeout: .now() + .seconds(5))
    }

    private func closeFile() {
        readers.withLock { $0.removeAll() }
        writer = nil
        retryAt = .max  // a batch that was handed over just before is not to open it again
    }
}
