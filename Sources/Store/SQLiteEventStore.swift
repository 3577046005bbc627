// The embedded store: one SQLite file, one writer queue, group commit.
//
// Shards put batches into a list; the writer takes all of them, commits once, and answers. It stays on its queue for
// as long as there is something to do, because each way through Dispatch costs two thread switches.

import CLinux
import Dispatch
import Glibc
import Metrics
import Synchronization

/// An `EventStore` in one SQLite database under a state directory.
public final class SQLiteEventStore: EventStore, @unchecked Sendable {  // the variables are for `queue` only
    /// How long a commit may take before further candidates are turned away, in nanoseconds.
    private static let commitPatience: Int64 = 5_000_000_000
    /// How long to wait before a failed file is tried again, in nanoseconds.
    private static let retryDelay: Int64 = 250_000_000

    let directory: StateDirectory
    let optionsInForce: Mutex<Options>
    let notify: @Sendable (Notice) -> Void
    let queue = DispatchQueue(label: "hookd.store", qos: .userInitiated)
    private let wake: Wake
    private let inbox = Mutex(Inbox())
    private let tail: Mutex<EventTail>
    private let readers = Mutex<[EventReader]>([])
    private let observers = Mutex<[@Sendable () -> Void]>([])
    private let newest: Atomic<Int64>
    private let stored: StoredMark
    let gauges = Mutex(Gauges())
    /// How long commits took, in nanoseconds, from the writer's beginning to the disk's end.
    public let commitTimes = Histogram.seconds()
    /// How many candidates commits held, of those that held any.
    public let commitSizes = Histogram(bounds: [1, 4, 16, 64, 256, 1024, 4096, 16_384])
    /// How long the writer was held by steps of deleting old events, in nanoseconds.
    public let retirementTimes = Histogram(bounds: [1, 2, 5, 10, 20, 50, 100, 1000].map { $0 * 1_000_000 })

    var writer: EventWriter?
    var upkeep: Upkeep
    private var pacing = CommitPacing()
    private var retryAt: Int64 = 0
    private var hasFailed = false

    /// Opens the store, or makes an empty one.
    ///
    /// - Parameter notify: is told what an operator should know, on any queue.
    public init(
        directory: StateDirectory, options: Options = Options(), notify: @escaping @Sendable (Notice) -> Void
    ) throws(StoreError) {
        guard access(directory.repairedPath, F_OK) != 0 else { throw .repairInterrupted(directory: directory.path) }
        self.directory = directory
        optionsInForce = Mutex(options)
        self.notify = notify
        tail = Mutex(EventTail(capacityBytes: options.tailBytes))
        wake = try Wake()
        stored = try StoredMark(directory: directory)
        newest = Atomic(0)
        upkeep = Upkeep(directory: directory, options: options)
        let writer = try openFirst()
        self.writer = writer
        if let found = try? newestStored(), found < stored.sequence {
            notify(.eventsLost(newest: found, stored: stored.sequence))
        }
        for place in writer.impossiblePlaces {
            notify(
                .impossiblePlace(
                    of: place.name, isTail: place.isTail, found: place.found, newest: place.newest,
                    goesOn: place.goesOn))
        }
        newest.store(writer.nextSequence - 1, ordering: .releasing)
        read(writer)
        queue.async { self.beginUpkeep() }
    }

    /// A disk that is full keeps SQLite from opening its files: the ballast of the last run makes room for them. SQLite
    /// calls that a failure to open, or to enlarge a file, as it does for other reasons, so the disk is asked, too.
    private func openFirst() throws(StoreError) -> EventWriter {
        do throws(StoreError) {
            return try makeWriter()
        } catch  where error.isFullDisk || error.mayBeFullDisk && isReserveGone {
            let freed = upkeep.ballast.release()
            guard freed > 0 else { throw error }
            notify(.ballastReleased(bytes: freed))
            return try makeWriter()
        }
    }

    private var isReserveGone: Bool {
        DiskSpace(path: directory.path).map { $0.freeBytes < upkeep.budget.reserveBytes } ?? false
    }

    private func makeWriter() throws(StoreError) -> EventWriter {
        let setup = EventWriter.Setup(
            toleranceSeconds: options.toleranceSeconds, nonceCapacity: options.nonceCapacity,
            quarantine: options.quarantine, checkpointBytes: upkeep.budget.checkpointBytes)
        return try EventWriter(
            path: directory.databasePath, setup: setup, now: clinux_wall_microseconds() / 1_000_000,
            lowestNextSequence: max(stored.sequence, newest.load(ordering: .acquiring)) + 1)
    }

    private func newestStored() throws(StoreError) -> Int64 {
        try withReader { reader throws(StoreError) in try reader.newestSequence() }
    }

    // MARK: Handing over

    /// Puts the batch into the list that the writer takes all of; see `EventStore.submit(_:completion:)`.
    public func submit(
        _ batch: CandidateBatch, completion: @escaping @Sendable (CandidateBatch, [Outcome]) -> Void
    ) {
        let now = clinux_monotonic_nanoseconds()
        let options = options
        var accepted = true
        var schedules = false
        var wakes = false
        inbox.withLock { inbox in
            let hangs = inbox.commitBegan != 0 && now - inbox.commitBegan > Self.commitPatience
            guard !inbox.isClosed, !hangs, inbox.hasRoom(within: options) else {
                accepted = false
                return
            }
            inbox.add(Submission(batch: batch, completion: completion))
            (schedules, wakes) = inbox.rouse()
        }
        if !accepted {
            completion(batch, [Outcome](repeating: .unavailable, count: batch.candidates.count))
        }
        rouse(schedules: schedules, wakes: wakes)
    }

    /// Has the next commit make a change, and waits for it.
    func change<R: Sendable>(
        _ work: @escaping @Sendable (_ writer: EventWriter, _ now: Int64) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<R?>(nil)
        let failure = Mutex<StoreError?>(nil)
        var schedules = false
        let accepted = inbox.withLock { inbox in
            guard !inbox.isClosed else { return false }
            let chore = Chore(
                work: { writer, now throws(StoreError) in
                    let made = try work(writer, now)
                    result.withLock { $0 = made }
                },
                completion: { error in
                    failure.withLock { $0 = error }
                    done.signal()
                })
            inbox.add(chore)
            (schedules, _) = inbox.rouse()
            return true
        }
        guard accepted else { throw .unavailable }
        rouse(schedules: schedules, wakes: false)
        done.wait()
        if let error = failure.withLock({ $0 }) { throw error }
        guard let made = result.withLock({ $0 }) else { throw .unavailable }
        return made
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
                inbox.isWriting = !work.isEmpty
                inbox.commitBegan = inbox.isWriting ? now : 0
                return work
            }
            guard !work.isEmpty else {
                pacing.becameIdle()
                return
            }
            commit(work)
            inbox.withLock { inbox in
                inbox.commitBegan = 0
                inbox.bytesUnderWay = 0
            }
            if clinux_monotonic_nanoseconds() >= upkeep.dueAt { doUpkeep() }
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

    private func commit(_ work: Work) {
        let now = clinux_wall_microseconds()
        var submissions = work.submissions
        if !submissions.isEmpty, !hasRoom(for: work.bytes) {
            refuse(submissions)
            submissions = []
        }
        guard !submissions.isEmpty || !work.chores.isEmpty else { return }
        do throws(StoreError) {
            let writer = try openWriter()
            let began = clinux_monotonic_nanoseconds()
            let result = try writer.commit(submissions.map(\.batch), changes: work.chores.map(\.work), now: now)
            measure(submissions, nanoseconds: clinux_monotonic_nanoseconds() - began)
            publish(submissions, result, recordedAt: now)
            stored.raise(to: writer.nextSequence - 1)
            let hasRedeliveries = read(writer)
            let before = newest.exchange(writer.nextSequence - 1, ordering: .acquiringAndReleasing)
            finish(submissions, result.outcomes)
            // Not by the outcomes: a row of a commit that failed may have come back with the file.
            if writer.nextSequence - 1 > before || hasRedeliveries {
                for observer in observers.withLock({ $0 }) { observer() }
            }
            for chore in work.chores { chore.completion(nil) }
            if hasFailed { notify(.recovered) }
            hasFailed = false
            committed(writer, submissions, result.outcomes)
        } catch {
            fail(error)
            refuse(submissions)
            for chore in work.chores { chore.completion(error) }
        }
    }

    private func measure(_ submissions: [Submission], nanoseconds: Int64) {
        guard !submissions.isEmpty else { return }
        commitTimes.observe(Int(nanoseconds))
        commitSizes.observe(submissions.reduce(0) { $0 + $1.batch.candidates.count })
    }

    /// Everybody has been told that the commit succeeded: what fails now concerns the next one.
    private func committed(_ writer: EventWriter, _ submissions: [Submission], _ outcomes: [[Outcome]]) {
        do throws(StoreError) {
            try afterCommit(writer, submissions, outcomes)
        } catch {
            fail(error)
        }
    }

    /// The writer, opened again if it was thrown away.
    func openWriter() throws(StoreError) -> EventWriter {
        if let writer { return writer }
        guard clinux_monotonic_nanoseconds() >= retryAt else { throw .unavailable }
        let writer = try makeWriter()
        self.writer = writer
        return writer
    }

    /// Throws the writer away with all it remembers: after a failed commit only the file knows what is stored.
    func fail(_ error: StoreError) {
        guard error != .unavailable else { return }
        notify(writer == nil ? .reopenFailed(error) : .commitFailed(error))
        writer = nil
        // Rows of the failed commit may be there when the file is opened again. They are not in memory, and events
        // in memory must have no gap.
        tail.withLock { $0.clear() }
        hasFailed = true
        let freed = error.isFullDisk ? upkeep.ballast.release() : 0
        if freed > 0 { notify(.ballastReleased(bytes: freed)) }
        // With new room on the disk there is nothing to wait for.
        retryAt = freed > 0 ? 0 : clinux_monotonic_nanoseconds() + Self.retryDelay
    }

    private func publish(_ submissions: [Submission], _ result: EventWriter.Result, recordedAt: Int64) {
        tail.withLock { tail in
            for (submission, outcomes) in zip(submissions, result.outcomes) {
                tail.append(submission.batch, outcomes: outcomes, recordedAt: recordedAt)
            }
            // What was released is not in memory, and events in memory must have no gap.
            if result.hasReleased { tail.clear() }
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

    private func refuse(_ submissions: [Submission]) {
        finish(submissions, submissions.map { [Outcome](repeating: .unavailable, count: $0.batch.candidates.count) })
    }

    // MARK: Delivery

    /// The sequence number of the newest stored event; 0 in an empty store.
    public var newestSequence: Int64 { newest.load(ordering: .acquiring) }

    /// The events behind `sequence`: from memory while they are there, else from disk.
    public func read(
        after sequence: Int64, limit: ReadLimit, into batch: inout EventBatch
    ) throws(StoreError) {
        batch.removeAll()
        guard sequence < newestSequence else { return }
        if let slice = tail.withLock({ $0.slice(after: sequence, limit: limit) }) { return slice.copy(into: &batch) }
        batch = try withReader { reader throws(StoreError) in
            try reader.events(after: sequence, limit: limit) { tellDamaged($0) }
        }
    }

    /// The last sequence number that `sink` has taken, as last made durable.
    public func cursor(of sink: String) throws(StoreError) -> Int64? {
        try withReader { reader throws(StoreError) in try reader.cursor(of: sink) }
    }

    /// Calls `wake` after every commit that stored an event or queued a redelivery.
    public func onCommit(_ wake: @escaping @Sendable () -> Void) {
        observers.withLock { $0.append(wake) }
    }

    /// Calls `body` with a reader that nobody else uses meanwhile.
    func withReader<R>(_ body: (EventReader) throws(StoreError) -> R) throws(StoreError) -> R {
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
        upkeep.isOver = true
        retryAt = .max  // a batch that was handed over just before is not to open it again
    }
}
