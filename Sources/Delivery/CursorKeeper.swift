// Makes durable how far the sinks have come: seldom, all of them in one commit, and on a queue of its own, so that
// a slow disk holds up no sink.

import CLinux
import Dispatch
import Store
import Synchronization

/// Moves the durable cursors of lanes behind their cursors in memory.
final class CursorKeeper: Sendable {
    private let store: any EventStore
    private let lanes: [Lane]
    private let log: DeliveryLog
    private let intervalMicroseconds: Int
    private let queue = DispatchQueue(label: "hookd.cursors", qos: .utility)
    private let isScheduled = Atomic<Bool>(false)
    private let isClosed = Flag()
    private let outage = Mutex(Outage())

    /// - Parameter intervalMicroseconds: how long a cursor that has moved waits for others.
    init(
        store: any EventStore, lanes: [Lane], log: @escaping DeliveryLog, intervalMicroseconds: Int
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
            if !self.flush(self.lanes) { self.touch() }
        }
    }

    /// Moves the cursors of `lanes` a last time. Returns whether all of them are durable; false, too, if that
    /// takes longer than until `deadline`.
    func close(_ lanes: [Lane], deadline: DispatchTime) -> Bool {
        let isDone = DispatchSemaphore(value: 0)
        let result = Flag()
        queue.async {
            self.isClosed.raise()
            if self.flush(lanes), lanes.allSatisfy(\.isDurable) { result.raise() }
            isDone.signal()
        }
        return isDone.wait(timeout: deadline) == .success && result.isRaised
    }

    /// Returns whether every cursor is where its sink is.
    private func flush(_ lanes: [Lane]) -> Bool {
        var moves: [(lane: Lane, cursor: Int64)] = []
        var isComplete = true
        for lane in lanes {
            // Read before the sink is synchronized: all events up to it were taken by then.
            guard let cursor = lane.pendingCursor else { continue }
            do throws(SinkError) {
                try lane.sink.synchronize()
                moves.append((lane, cursor))
            } catch {
                lane.synchronizeFailed(error)
                isComplete = false
            }
        }
        if moves.isEmpty { return isComplete }
        do throws(StoreError) {
            try store.moveCursors(Dictionary(uniqueKeysWithValues: moves.map { ($0.lane.sink.name, $0.cursor) }))
        } catch {
            say(error)
            return false
        }
        for (lane, cursor) in moves {
            lane.madeDurable(cursor)
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
        log(DeliveryNote(level: .warning, sink: nil, message: message))
    }

    private func sayRecovered() {
        guard outage.withLock({ $0.failures > 0 ? $0.recovered() : nil }) != nil else { return }
        log(DeliveryNote(level: .info, sink: nil, message: "how far the sinks have come is kept again."))
    }
}
