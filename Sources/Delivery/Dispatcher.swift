// Feeds every sink from the store, each by its own cursor and on its own queue.

import Dispatch
import Store

/// The delivery half of the daemon: reads the store, and never the network side.
public final class Dispatcher: Sendable {
    private let store: any EventStore
    private let lanes: [any Lane]
    private let keeper: CursorKeeper
    private let log: DeliveryLog
    private let hasStarted = Flag()
    private let hasStopped = Flag()

    /// How long a sink may take to let go once it is interrupted, and then the last commit of the cursors.
    private static let graceSeconds = 5

    /// A dispatcher for sinks with different names.
    ///
    /// - Parameter cursorIntervalMicroseconds: how long a cursor that has moved may stay in memory only.
    public init(
        store: any EventStore, subscriptions: [Subscription], cursorIntervalMicroseconds: Int = 250_000,
        log: @escaping DeliveryLog
    ) {
        self.store = store
        self.log = log
        lanes = subscriptions.map { $0.makeLane(store: store, log: log) }
        keeper = CursorKeeper(
            store: store, lanes: lanes, log: log,
            intervalMicroseconds: cursorIntervalMicroseconds)
    }

    /// Begins to deliver: where each sink stopped, and with events stored from now on where a sink is new. Blocks
    /// until the new sinks' cursors are durable, so that nothing stored after it returns can be missed.
    public func start() throws(StoreError) {
        let stored = store.newestSequence
        let places = lanes.map { $0.places() }
        // What the store lost keeps its numbers, so that none is ever that of two events.
        if let last = places.joined().map(\.sequence).max(), last > stored { try store.skip(through: last) }
        let newest = store.newestSequence
        var added: [String: Int64] = [:]
        for (lane, places) in zip(lanes, places) {
            let name = lane.progress.name
            let cursor = try store.cursor(of: name)
            if cursor == nil { added[name] = newest }
            if let cursor, cursor > stored { warn(name, cursor: cursor, newest: stored) }
            let durable = cursor ?? newest
            let start = try furthest(of: places, beyond: durable, newest: stored, sink: name)
            lane.progress.begin(at: start, durable: durable) { [weak keeper] in keeper?.touch() }
        }
        if !added.isEmpty { try store.moveCursors(added) }
        if lanes.contains(where: { $0.progress.pendingMove != nil }) { keeper.touch() }
        hasStarted.raise()
        store.onCommit { [weak self] in self?.wakeAll() }
        wakeAll()
    }

    /// Lets the sinks catch up with the newest event, makes their cursors durable, and ends. A sink that fails is not
    /// waited for; one that blocks is interrupted at `deadline`. Blocks until a few seconds after it at the latest.
    ///
    /// - Returns: whether every sink has taken every event and that is durable. Where it has not, the rest is
    ///   delivered after the next start.
    public func stop(deadline: DispatchTime) -> Bool {
        guard hasStarted.isRaised, hasStopped.raise() else { return true }
        let group = DispatchGroup()
        let isBehind = Flag()
        for lane in lanes {
            group.enter()
            lane.drain { caughtUp in
                if !caughtUp { isBehind.raise() }
                group.leave()
            }
        }
        if group.wait(timeout: deadline) == .timedOut {
            for lane in lanes { lane.giveUp() }
            if group.wait(timeout: .now() + .seconds(Self.graceSeconds)) == .timedOut { isBehind.raise() }
        }
        // A sink that hangs within a system call would hang the last synchronize, too.
        let finished = lanes.filter(\.progress.isFinished)
        let isDurable = keeper.close(finished, deadline: .now() + .seconds(Self.graceSeconds))
        return isDurable && !isBehind.isRaised
    }

    /// How each sink is doing, in the order of the subscriptions.
    public var status: [SinkStatus] {
        let newest = store.newestSequence
        return lanes.map { $0.progress.status(newest: newest) }
    }

    /// Has every sink open anew what may have been moved away, such as a file.
    public func reopen() {
        for lane in lanes { lane.reopen() }
    }

    /// Where a sink goes on that knows by itself which events it holds. What it says counts only where the store has
    /// the very same event: a file may be another sink's, or of another store.
    private func furthest(
        of places: [LinePlace], beyond cursor: Int64, newest: Int64, sink: String
    ) throws(StoreError) -> Int64 {
        for place in places where place.sequence > cursor {
            if place.sequence > newest {
                sayAhead(sink, place: place.sequence, newest: newest)
            } else if try holds(place) {
                let message = "holds events up to number \(place.sequence) already, and goes on behind it."
                log(DeliveryNote(level: .info, sink: sink, message: message))
                return place.sequence
            } else {
                let message =
                    "holds an event of number \(place.sequence) that is not the store's: its lines are of "
                    + "another store, or somebody has changed them. It goes on behind its cursor, number \(cursor)."
                log(DeliveryNote(level: .warning, sink: sink, message: message))
            }
        }
        return cursor
    }

    private func holds(_ place: LinePlace) throws(StoreError) -> Bool {
        let batch = try store.events(after: place.sequence - 1, limit: ReadLimit(events: 1, bytes: 1))
        guard let event = batch.events.first, event.sequence == place.sequence else { return false }
        return hex(batch.bytes[event.id.range]) == place.id
    }

    private func sayAhead(_ sink: String, place: Int64, newest: Int64) {
        let message =
            "holds an event of number \(place), but the newest stored one is \(newest): acknowledged events were "
            + "lost with the store's end, or the lines are of another store. Was an old backup restored? Their numbers "
            + "are not used again: the next event is number \(place + 1) or higher, and follows them in the file."
        log(DeliveryNote(level: .critical, sink: sink, message: message))
    }

    private func wakeAll() {
        for lane in lanes { lane.wake() }
    }

    private func warn(_ sink: String, cursor: Int64, newest: Int64) {
        let message =
            "has taken events up to number \(cursor), but the newest stored one is \(newest): the store is older "
            + "than this sink's cursor. Was an old backup restored?"
        log(DeliveryNote(level: .warning, sink: sink, message: message))
    }
}
