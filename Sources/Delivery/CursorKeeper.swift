// Makes durable how far the sinks have come: seldom, all of them in one commit, and on a queue of its own, so that
// a slow disk holds up no sink.

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
            if !self.flush(self.lanes()) { self.touch() }
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
        queue.async {
            if isLast { self.isClosed.raise() }
            if self.flush(lanes), lanes.allSatisfy(\.progress.isDurable) { onDurable() }
            isDone.signal()
        }
        return isDone.wait(timeout: deadline) == .success
    }

    /// Returns whether every cursor is where its sink is.
    private func flush(_ lanes: [any Lane]) -> Bool {
        var moves: [(lane: any Lane, move: CursorMove)] = []
        var progress = DeliveryProgress()
        var isComplete = true
        for lane in lanes {
            // Read before the sink is synchronized: all events up to it were taken by then.
            guard let move = lane.progress.pendingMove else { continue }
            do throws(SinkError) {
                try lane.synchronize()
                moves.append((lane, move))
                progress.add(move, of: lane.progress.name)
            } catch {
                isComplete = false
            }
        }
        if moves.isEmpty { return isComplete }
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
        return isComplete
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
