// Feeds every sink from the store, each by its own cursor and on its own queue.

import Dispatch
import Store
import Synchronization

/// The delivery half of the daemon: reads the store, and never the network side.
public final class Dispatcher: Sendable {
    let store: any EventStore
    let crew: Crew
    let keeper: CursorKeeper
    let log: DeliveryLog
    let hasStarted = Flag()
    let hasStopped = Flag()
    /// Held by an exchange of sinks, and by the stop.
    let changes = DispatchSemaphore(value: 1)

    /// How long a sink may take to let go once it is interrupted, and then the last commit of the cursors.
    static let graceSeconds = 5

    /// The lanes, shared with the queue of the cursors.
    final class Crew: Sendable {
        private struct Members {
            var all: [any Lane]
            /// The names of those that are about to end, whose cursors are moved apart.
            var leaving: Set<String> = []
        }

        private let members: Mutex<Members>

        init(_ lanes: [any Lane]) { members = Mutex(Members(all: lanes)) }

        /// All lanes, in the order of the sinks.
        var lanes: [any Lane] { members.withLock { $0.all } }

        /// Those that stay.
        var staying: [any Lane] {
            members.withLock { members in members.all.filter { !members.leaving.contains($0.progress.name) } }
        }

        func announce(leaving: Set<String>) { members.withLock { $0.leaving = leaving } }

        func replace(with lanes: [any Lane]) { members.withLock { $0 = Members(all: lanes) } }
    }

    /// A dispatcher for sinks with different names.
    ///
    /// - Parameter cursorIntervalMicroseconds: how long a cursor that has moved may stay in memory only.
    public init(
        store: any EventStore, subscriptions: [Subscription], cursorIntervalMicroseconds: Int = 250_000,
        log: @escaping DeliveryLog
    ) {
        self.store = store
        self.log = log
        let crew = Crew(subscriptions.map { $0.makeLane(store: store, log: log) })
        self.crew = crew
        keeper = CursorKeeper(
            store: store, lanes: { crew.staying }, log: log, intervalMicroseconds: cursorIntervalMicroseconds)
    }

    /// Begins to deliver: where each sink stopped, and with events stored from now on where a sink is new. Blocks
    /// until the new sinks' cursors are durable, so that nothing stored after it returns can be missed.
    public func start() throws(StoreError) {
        let lanes = crew.lanes
        let stored = store.newestSequence
        let places = lanes.map { $0.places() }
        try passOver(places.flatMap(\.self))
        let newest = store.newestSequence
        var added: [String: Int64] = [:]
        for (lane, places) in zip(lanes, places) {
            let name = lane.progress.name
            let cursor = try store.cursor(of: name)
            if cursor == nil { added[name] = newest }
            let durable = cursor ?? newest
            begin(lane, at: try furthest(of: places, beyond: durable, newest: stored, sink: name), durable: durable)
        }
        if !added.isEmpty { try store.moveCursors(added) }
        if lanes.contains(where: { $0.progress.pendingMove != nil }) { keeper.touch() }
        hasStarted.raise()
        store.onCommit { [weak self] in self?.wakeAll() }
        wakeAll()
    }

    func begin(_ lane: any Lane, at cursor: Int64, durable: Int64) {
        lane.progress.begin(at: cursor, durable: durable) { [weak keeper] in keeper?.touch() }
    }

    /// Lets the sinks catch up with the newest event, makes their cursors durable, and ends. A sink that fails is not
    /// waited for; one that blocks is interrupted at `deadline`. Blocks until a few seconds after it at the latest.
    ///
    /// - Returns: whether every sink has taken every event and that is durable. Where it has not, the rest is
    ///   delivered after the next start.
    public func stop(deadline: DispatchTime) -> Bool {
        guard hasStarted.isRaised, hasStopped.raise() else { return true }
        // An exchange of sinks that is not done by then brings in none any more.
        let isQuiet = changes.wait(timeout: deadline) == .success
        defer { if isQuiet { changes.signal() } }
        let lanes = crew.lanes
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
        // The next start would take the lines for kept.
        for lane in finished { lane.discardUnsynchronized() }
        return isDurable && !isBehind.isRaised
    }

    /// How each sink is doing, in the order of the subscriptions.
    public var status: [SinkStatus] {
        let newest = store.newestSequence
        return crew.lanes.map { $0.progress.status(newest: newest) }
    }

    /// Has every sink open anew what may have been moved away, such as a file.
    public func reopen() {
        for lane in crew.lanes { lane.reopen() }
    }

    /// What the store lost keeps its numbers, so that none is ever that of two events.
    func passOver(_ places: [LinePlace]) throws(StoreError) {
        if let last = places.map(\.sequence).max(), last > store.newestSequence { try store.skip(through: last) }
    }

    /// Where a sink goes on that knows by itself which events it holds. What it says counts only where the store has
    /// the very same event: a file may be another sink's, or of another store.
    func furthest(
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
        log(DeliveryNote(level: .critical, sink: sink, message: message, topic: .ahead))
    }

    private func wakeAll() {
        for lane in crew.lanes { lane.wake() }
    }
}
