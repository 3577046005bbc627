// Other sinks while the daemon runs. docs/decisions/0015 tells how a lane takes the place of another, and why so.

import Dispatch
import Store

/// What is to become of a sink.
public enum SinkChange: Sendable {
    /// It goes on, with the events of these endpoints.
    case keep(name: String, endpoints: [[UInt8]])
    /// It is new, or takes the place of the one of its name.
    case begin(Subscription)

    var name: String {
        switch self {
        case .keep(let name, _): name
        case .begin(let subscription): subscription.name
        }
    }
}

/// Why the sinks are those that they were.
public enum ExchangeError: Error, Sendable, CustomStringConvertible {
    /// A sink does not let go of what it has begun.
    case stuck(sinks: [String])
    /// The store could not be asked, or did not take a cursor.
    case store(StoreError)
    /// The daemon is stopping.
    case stopping

    /// What was wrong.
    public var description: String {
        switch self {
        case .stuck(let sinks):
            "sinks \(sinks.joined(separator: ", ")) cannot be changed: what they have begun does not end"
        case .store(let error): error.description
        case .stopping: "the daemon is stopping"
        }
    }
}

extension Dispatcher {
    /// Puts other sinks in force: all of them, or none. Those that are not in `changes` end.
    ///
    /// A sink that ends or is replaced finishes what it has begun, for as long as `patience`; what has then not
    /// settled is delivered again, as after a crash. Its cursor is kept under its name. A sink without a cursor begins
    /// with the events that are stored from now on.
    public func exchange(_ changes: [SinkChange], patience: DispatchTimeInterval) throws(ExchangeError) {
        self.changes.wait()
        defer { self.changes.signal() }
        guard !hasStopped.isRaised else { throw .stopping }
        let old = crew.lanes
        let kept = Set(changes.compactMap { if case .keep(let name, _) = $0 { name } else { nil } })
        let leaving = old.filter { !kept.contains($0.progress.name) }
        let starts: [String: Start]
        crew.announce(leaving: Set(leaving.map(\.progress.name)))
        do throws(ExchangeError) {
            try end(leaving, patience: patience)
            // Last, for a cursor that is kept for nothing would be one that a later sink of that name goes on from.
            starts = try cursors(ofNew: changes, among: old)
        } catch {
            crew.announce(leaving: [])
            for lane in leaving { lane.goOn() }
            throw error
        }
        keeper.settle(leaving, deadline: .now() + .seconds(Self.graceSeconds))
        // Whoever reads the file next would take its lines for kept.
        for lane in leaving { lane.discardUnsynchronized() }
        let lookedAt = leaving.map(\.subscription.value.lookedAt).max() ?? 0
        let border = changeEndpoints(changes, of: old[...], atLeast: lookedAt)
        let lanes = changes.compactMap { change -> (any Lane)? in
            let predecessor = old.first { $0.progress.name == change.name }
            guard case .begin(let subscription) = change else { return predecessor }
            for other in leaving { subscription.takeOver(from: other.subscription.value) }
            if let predecessor { return successor(of: predecessor, subscription, border: border) }
            return newcomer(subscription, starts[change.name] ?? Start(cursor: border, isNew: true), border: border)
        }
        crew.replace(with: lanes)
        for lane in lanes { lane.wake() }
        keeper.touch()
    }

    /// Where a sink begins that is not there now.
    private struct Start {
        /// Its cursor in the store.
        var cursor: Int64
        /// Whether it was never there before.
        var isNew: Bool
    }

    /// Where sinks begin that are not there now. The cursors of those that were never there are made durable.
    private func cursors(ofNew changes: [SinkChange], among old: [any Lane]) throws(ExchangeError) -> [String: Start] {
        var starts: [String: Start] = [:]
        var added: [String: Int64] = [:]
        do throws(StoreError) {
            let newest = store.newestSequence
            for change in changes where !old.contains(where: { $0.progress.name == change.name }) {
                let cursor = try store.cursor(of: change.name)
                if cursor == nil { added[change.name] = newest }
                starts[change.name] = Start(cursor: cursor ?? newest, isNew: cursor == nil)
            }
            if !added.isEmpty { try store.moveCursors(added) }
        } catch {
            throw .store(error)
        }
        return starts
    }

    /// Ends lanes.
    private func end(_ lanes: [any Lane], patience: DispatchTimeInterval) throws(ExchangeError) {
        let group = DispatchGroup()
        for lane in lanes {
            group.enter()
            lane.leave { _ in group.leave() }
        }
        if group.wait(timeout: .now() + patience) == .timedOut {
            for lane in lanes where !lane.progress.isFinished { lane.giveUp() }
            _ = group.wait(timeout: .now() + .seconds(Self.graceSeconds))
        }
        let stuck = lanes.filter { !$0.progress.isFinished }.map(\.progress.name)
        guard stuck.isEmpty else { throw .stuck(sinks: stuck) }
        guard !hasStopped.isRaised else { throw .stopping }
    }

    /// Gives the lanes that go on their new endpoints, all at once.
    ///
    /// - Returns: the last event for which the old ones hold: no lane has looked at one behind it.
    private func changeEndpoints(
        _ changes: [SinkChange], of lanes: ArraySlice<any Lane>, atLeast lookedAt: Int64
    ) -> Int64 {
        guard let lane = lanes.first else { return max(lookedAt, store.newestSequence) }
        let endpoints = changes.lazy.compactMap { change -> [[UInt8]]? in
            guard case .keep(lane.progress.name, let endpoints) = change else { return nil }
            return endpoints
        }.first
        guard let endpoints, lane.subscription.value.endpoints != endpoints else {
            return changeEndpoints(changes, of: lanes.dropFirst(), atLeast: lookedAt)
        }
        return lane.subscription.withLock { subscription in
            let border = changeEndpoints(
                changes, of: lanes.dropFirst(), atLeast: max(lookedAt, subscription.lookedAt))
            subscription.change(endpoints: endpoints, behind: border)
            return border
        }
    }

    /// The lane of a sink that was not there.
    private func newcomer(_ subscription: Subscription, _ start: Start, border: Int64) -> any Lane {
        let lane = subscription.makeLane(store: store, log: log)
        begin(lane, at: place(of: lane, beyond: start.isNew ? border : start.cursor), durable: start.cursor)
        return lane
    }

    /// The lane of a sink that takes the place of another.
    ///
    /// - Parameter border: the last event for which the old endpoints hold.
    private func successor(of predecessor: any Lane, _ subscription: Subscription, border: Int64) -> any Lane {
        let (state, taken) = predecessor.progress.legacy
        var subscription = subscription
        subscription.follow(predecessor.subscription.value, upTo: border, cursor: state.cursor, taken: taken)
        let lane = subscription.makeLane(store: store, state: state, log: log)
        begin(lane, at: place(of: lane, beyond: state.cursor), durable: state.durable)
        return lane
    }

    /// Where a sink begins that may know by itself what it holds. A store that cannot be read leaves it at its cursor.
    private func place(of lane: any Lane, beyond cursor: Int64) -> Int64 {
        let (places, stored) = (lane.places(), store.newestSequence)
        try? passOver(places)
        return (try? furthest(of: places, beyond: cursor, newest: stored, sink: lane.progress.name))
            ?? cursor
    }
}
