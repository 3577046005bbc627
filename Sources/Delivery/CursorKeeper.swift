// Makes durable how far the sinks have come: seldom, all of them in one commit, and on a queue of its own, so that
// a slow disk holds up no sink. Each sink is synchronized on a queue of its own, too: a disk that hangs keeps back the
// place of its own sink alone.

import CLinux
import Dispatch
import Store
import Synchronization

/// Moves the durable cursors of lanes behind their cursors in memory.
final class CursorKeeper: Sendable {
    private let store: any EventStore
    private let lanes: @Sendable () -> [any Lane]
    private let log: DeliveryLog
    private let intervalMicroseconds: Int
    private let queue = DispatchQueue(label: "hookd.cursors", qos: .utility)
    private let isScheduled = Atomic<Bool>(false)
    private let isClosed = Flag()
    private let outage = Mutex(Outage())
    private let synchronizations = Mutex(Synchronizations())

    /// How long the others wait for a sink, in milliseconds.
    private static let patienceMilliseconds = 250
    /// After how long it is said of a sink that it hangs, in nanoseconds.
    private static let hangNanoseconds: UInt64 = 5_000_000_000

    /// - Parameters:
    ///   - lanes: those whose cursors it moves.
    ///   - intervalMicroseconds: how long a cursor that has moved waits for others.
    init(
        store: any EventStore, lanes: @escaping @Sendable () -> [any Lane], log: @escaping DeliveryLog,
        intervalMicroseconds: Int
    ) {
        self.store = store
        self.lanes = lanes
        self.log = log
        self.intervalMicroseconds = intervalMicroseconds
    }

    /// Notes that a cursor has moved. Never blocks.
    func touch() {
        guard !isScheduled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.asyncAfter(deadline: .now() + .microseconds(intervalMicroseconds)) {
            // A sink that let go too late has its cursor read again after the next start.
            guard !self.isClosed.isRaised else { return }
            self.isScheduled.store(false, ordering: .sequentiallyConsistent)
            let patience = DispatchTime.now() + .milliseconds(Self.patienceMilliseconds)
            if !self.flush(self.lanes(), patience: patience) { self.touch() }
        }
    }

    /// Moves the cursors of `lanes` a last time. Returns whether all of them are durable; false, too, if that
    /// takes longer than until `deadline`.
    func close(_ lanes: [any Lane], deadline: DispatchTime) -> Bool {
        let result = Flag()
        let isDone = finish(lanes, isLast: true, deadline: deadline) { result.raise() }
        return isDone && result.isRaised
    }

    /// Moves the cursors of `lanes`, which have ended. Where that fails or takes longer, whoever follows them does it.
    func settle(_ lanes: [any Lane], deadline: DispatchTime) {
        _ = finish(lanes, isLast: false, deadline: deadline) {}
    }

    /// Returns whether it was done in time.
    private func finish(
        _ lanes: [any Lane], isLast: Bool, deadline: DispatchTime, _ onDurable: @escaping @Sendable () -> Void
    ) -> Bool {
        let isDone = DispatchSemaphore(value: 0)
        // A part of the time is for the commit.
        let left = deadline.uptimeNanoseconds - min(deadline.uptimeNanoseconds, DispatchTime.now().uptimeNanoseconds)
        let patience = DispatchTime.now() + .nanoseconds(Int(min(left / 2, 60_000_000_000)))
        queue.async {
            if isLast { self.isClosed.raise() }
            // Twice, for what was under way already may not have been all.
            if self.flush(lanes, patience: patience, isLast: true), !lanes.allSatisfy(\.progress.isDurable) {
                _ = self.flush(lanes, patience: patience, isLast: true)
            }
            if lanes.allSatisfy(\.progress.isDurable) { onDurable() }
            isDone.signal()
        }
        return isDone.wait(timeout: deadline) == .success
    }

    /// Returns whether every cursor is where its sink is.
    ///
    /// - Parameter isLast: whether those are waited for, too, that hang since earlier.
    private func flush(_ lanes: [any Lane], patience: DispatchTime, isLast: Bool = false) -> Bool {
        let unsettled = lanes.filter { $0.progress.pendingMove != nil }
        let begun = unsettled.compactMap(begin)
        var isComplete = isLast || begun.count == unsettled.count
        let awaited = isLast ? synchronizations.withLock { $0.groups(of: lanes) } : begun
        for group in awaited where group.wait(timeout: patience) == .timedOut { isComplete = false }
        let (moves, haveFailed) = synchronizations.withLock { $0.take(of: lanes) }
        sayHanging(lanes)
        if haveFailed { isComplete = false }
        return record(moves) && isComplete
    }

    /// Has the lane's sink synchronized. Returns what ends with that; nil where it is under way already.
    private func begin(_ lane: any Lane) -> DispatchGroup? {
        let group = DispatchGroup()
        // Read before the sink is synchronized: all events up to it were taken by then.
        guard let move = lane.progress.pendingMove,
            synchronizations.withLock({ $0.begin(lane, group, now: monotonicNanoseconds()) })
        else { return nil }
        group.enter()
        DispatchQueue(label: "hookd.sync.\(lane.progress.name)", qos: .utility).async {
            let isSynchronized = (try? lane.synchronize()) != nil
            let hung = self.synchronizations.withLock { $0.end(lane, isSynchronized ? move : nil) }
            if hung { self.sayBack(lane) }
            group.leave()
        }
        return group
    }

    /// Commits what the sinks have made durable. Returns whether that succeeded.
    private func record(_ moves: [(lane: any Lane, move: CursorMove)]) -> Bool {
        if moves.isEmpty { return true }
        var progress = DeliveryProgress()
        for (lane, move) in moves { progress.add(move, of: lane.progress.name) }
        do throws(StoreError) {
            try store.record(progress)
        } catch {
            say(error)
            return false
        }
        for (lane, move) in moves {
            lane.progress.madeDurable(move)
            // There may be more behind those; and what was buried may have been queued again before the lane knew that
            // it is buried for good, and then passed over.
            if !move.redelivered.isEmpty || !move.buried.isEmpty { lane.wake() }
        }
        sayRecovered()
        return true
    }

    private func sayHanging(_ lanes: [any Lane]) {
        let now = monotonicNanoseconds()
        for lane in synchronizations.withLock({ $0.hanging(lanes, before: now - min(now, Self.hangNanoseconds)) }) {
            let message =
                "waits for its disk, which has not made its events durable for "
                + "\(Self.hangNanoseconds / 1_000_000_000) s. The other sinks go on; ended now, it would get its last "
                + "events again."
            log(DeliveryNote(level: .warning, sink: lane.progress.name, message: message, topic: .cursors))
        }
    }

    private func sayBack(_ lane: any Lane) {
        let message = "its disk has answered."
        log(DeliveryNote(level: .info, sink: lane.progress.name, message: message))
    }

    private func say(_ error: StoreError) {
        let isWorthSaying = outage.withLock { $0.failed(now: monotonicNanoseconds(), wall: clinux_wall_microseconds()) }
        guard isWorthSaying else { return }
        let message =
            "keeping how far the sinks have come failed: \(error) Trying again; after a crash, sinks would "
            + "get some events twice."
        log(DeliveryNote(level: .warning, sink: nil, message: message, topic: .cursors))
    }

    private func sayRecovered() {
        guard outage.withLock({ $0.failures > 0 ? $0.recovered() : nil }) != nil else { return }
        log(DeliveryNote(level: .info, sink: nil, message: "how far the sinks have come is kept again."))
    }
}

extension DeliveryProgress {
    fileprivate mutating func add(_ move: CursorMove, of sink: String) {
        cursors[sink] = move.cursor
        buried += move.buried
        redelivered += move.redelivered.map { Redelivery(sink: sink, sequence: $0) }
    }
}

/// Which sinks are being synchronized, and which have been and are not committed yet. By lane, for a sink that is
/// replaced has another one.
private struct Synchronizations {
    private struct Entry {
        let group: DispatchGroup
        let since: UInt64
        /// Whether it was said that it hangs.
        var isSaid = false
    }

    private var underWay: [ObjectIdentifier: Entry] = [:]
    private var done: [ObjectIdentifier: CursorMove] = [:]
    private var failed: Set<ObjectIdentifier> = []

    /// Returns false where the lane's sink is being synchronized, or its place waits to be committed.
    mutating func begin(_ lane: any Lane, _ group: DispatchGroup, now: UInt64) -> Bool {
        let key = ObjectIdentifier(lane)
        guard underWay[key] == nil, done[key] == nil else { return false }
        underWay[key] = Entry(group: group, since: now)
        return true
    }

    /// - Parameter move: what may be committed; nil where it failed.
    /// - Returns: whether it was said that it hangs.
    mutating func end(_ lane: any Lane, _ move: CursorMove?) -> Bool {
        let key = ObjectIdentifier(lane)
        if let move { done[key] = move } else { failed.insert(key) }
        return underWay.removeValue(forKey: key)?.isSaid ?? false
    }

    /// What is under way of these lanes, whoever began it.
    func groups(of lanes: [any Lane]) -> [DispatchGroup] {
        lanes.compactMap { underWay[ObjectIdentifier($0)]?.group }
    }

    /// Takes out what has come back, and whether any failed. What is of other lanes is forgotten: they were replaced by
    /// some that have a place of their own, or are synchronized once more.
    mutating func take(of lanes: [any Lane]) -> (moves: [(lane: any Lane, move: CursorMove)], haveFailed: Bool) {
        defer { (done, failed) = ([:], []) }
        let moves = lanes.compactMap { lane in done[ObjectIdentifier(lane)].map { (lane, $0) } }
        return (moves, lanes.contains { failed.contains(ObjectIdentifier($0)) })
    }

    /// Those that have been under way since before `moment`, each once.
    mutating func hanging(_ lanes: [any Lane], before moment: UInt64) -> [any Lane] {
        lanes.filter { lane in
            let key = ObjectIdentifier(lane)
            guard let entry = underWay[key], !entry.isSaid, entry.since < moment else { return false }
            underWay[key]?.isSaid = true
            return true
        }
    }
}
