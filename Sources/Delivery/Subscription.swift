// Which events a sink gets. After a reload, an event goes by what was in force when it was stored: where an endpoint
// moves from one sink to another, none of its events is missed by both.

import Glibc
import Store
import Synchronization

/// A sink and the events that it gets.
public struct Subscription: Sendable {
    private enum Taker {
        case sink(any Sink)
        case courier(any Courier)
    }

    /// What it got up to some event.
    private struct Era {
        var through: Int64
        var endpoints: [[UInt8]]
        var filter: EventFilter?
    }

    private static let eraLimit = 64

    private let taker: Taker
    /// The paths of the endpoints whose events it gets.
    public private(set) var endpoints: [[UInt8]]
    /// Which of them; nil for all.
    private let filter: EventFilter?
    /// What it got before, by rising ends.
    private var earlier: [Era] = []
    /// Events behind its cursor that its predecessor had taken out of their order.
    private var taken: Set<Int64> = []
    /// The last event that was looked at whether it gets it.
    private(set) var lookedAt: Int64 = 0

    /// The name of the sink.
    var name: String {
        switch taker {
        case .sink(let sink): sink.name
        case .courier(let courier): courier.name
        }
    }

    /// `sink` gets the events of `endpoints`, a batch at a time.
    public init(_ sink: any Sink, endpoints: [[UInt8]], filter: EventFilter? = nil) {
        taker = .sink(sink)
        self.endpoints = endpoints
        self.filter = filter
    }

    /// `courier` gets the events of `endpoints`, in letters of which several may be under way.
    public init(_ courier: any Courier, endpoints: [[UInt8]], filter: EventFilter? = nil) {
        taker = .courier(courier)
        self.endpoints = endpoints
        self.filter = filter
    }

    /// - Parameter state: what the lane of its predecessor leaves to it.
    func makeLane(store: any EventStore, state: LaneState = LaneState(), log: @escaping DeliveryLog) -> any Lane {
        let shared = SharedSubscription(self)
        let progress = LaneProgress(name: name, state: state, log: log)
        return switch taker {
        case .sink(let sink): BatchLane(sink, shared, store: store, progress)
        case .courier(let courier): WindowLane(courier, shared, store: store, progress)
        }
    }

    /// The events of the batch that the sink gets. Where that is all of them, the batch itself comes back, so that
    /// the usual case costs no memory.
    mutating func select(from batch: EventBatch) -> EventBatch {
        lookedAt = max(lookedAt, batch.events.last?.sequence ?? 0)
        return selected(batch) { !taken.contains($0.sequence) && includes($0, in: $1) }
    }

    private func selected(
        _ batch: EventBatch, _ isSelected: (StoredEvent, UnsafeRawBufferPointer) -> Bool
    ) -> EventBatch {
        batch.bytes.withUnsafeBytes { bytes in
            guard let skipped = batch.events.firstIndex(where: { !isSelected($0, bytes) }) else { return batch }
            var events = Array(batch.events[..<skipped])
            for event in batch.events[(skipped + 1)...] where isSelected(event, bytes) {
                events.append(event)
            }
            return EventBatch(bytes: batch.bytes, events: events)
        }
    }

    private func includes(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> Bool {
        if let era = earlier.first(where: { event.sequence <= $0.through }) {
            return isOf(era.endpoints, event, in: bytes) && era.filter?.includes(event, in: bytes) ?? true
        }
        return isOf(endpoints, event, in: bytes) && filter?.includes(event, in: bytes) ?? true
    }

    private func isOf(_ endpoints: [[UInt8]], _ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> Bool {
        let path = UnsafeRawBufferPointer(rebasing: bytes[event.endpoint.range])
        return endpoints.contains { endpoint in
            endpoint.count == path.count
                && endpoint.withUnsafeBytes { wanted in
                    guard let left = wanted.baseAddress, let right = path.baseAddress else { return true }
                    return memcmp(left, right, path.count) == 0
                }
        }
    }
}

extension Subscription {
    /// Has it get the events of other endpoints, from those behind `sequence` on.
    mutating func change(endpoints new: [[UInt8]], behind sequence: Int64) {
        earlier.append(Era(through: sequence, endpoints: endpoints, filter: filter))
        // Nobody is behind by so many changes, unless it is for days.
        if earlier.count > Self.eraLimit { earlier.removeFirst() }
        endpoints = new
    }

    /// Has it get what `old` got up to `sequence`, but for what that has taken already.
    ///
    /// - Parameters:
    ///   - cursor: where it begins.
    ///   - taken: what `old` has taken behind that.
    mutating func follow(_ old: Subscription, upTo sequence: Int64, cursor: Int64, taken: Set<Int64>) {
        earlier = old.earlier + [Era(through: sequence, endpoints: old.endpoints, filter: old.filter)]
        earlier.removeAll { $0.through <= cursor }
        self.taken = taken.union(old.taken).filter { $0 > cursor }
        lookedAt = old.lookedAt
    }

    /// Has it leave out what was taken already.
    mutating func leaveOut(_ taken: Set<Int64>) { self.taken.formUnion(taken) }

    /// Lets a sink know how far the sink of another lane came that has ended.
    func takeOver(from old: Subscription) {
        if case .sink(let sink) = taker, case .sink(let other) = old.taker { sink.takeOver(from: other) }
    }
}

/// A subscription that a lane reads by, and that the dispatcher changes meanwhile.
final class SharedSubscription: Sendable {
    private let current: Mutex<Subscription>

    init(_ subscription: Subscription) { current = Mutex(subscription) }

    func withLock<Result>(_ body: (inout Subscription) -> sending Result) -> sending Result { current.withLock(body) }

    var value: Subscription { current.withLock { $0 } }

    /// See `Subscription.select(from:)`.
    func select(from batch: EventBatch) -> EventBatch { current.withLock { $0.select(from: batch) } }
}
