// Which events a sink gets.

import Glibc
import Store

/// A sink and the events that it gets.
public struct Subscription: Sendable {
    private enum Taker {
        case sink(any Sink)
        case courier(any Courier)
    }

    private let taker: Taker
    /// The paths of the endpoints whose events it gets.
    public var endpoints: [[UInt8]]
    /// Which of them; nil for all.
    private let filter: EventFilter?

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

    func makeLane(store: any EventStore, log: @escaping DeliveryLog) -> any Lane {
        switch taker {
        case .sink(let sink): BatchLane(sink, self, store: store, log: log)
        case .courier(let courier): WindowLane(courier, self, store: store, log: log)
        }
    }

    /// The events of the batch that the sink gets. Where that is all of them, the batch itself comes back, so that
    /// the usual case costs no memory.
    func select(from batch: EventBatch) -> EventBatch {
        batch.bytes.withUnsafeBytes { bytes in
            guard let skipped = batch.events.firstIndex(where: { !includes($0, in: bytes) }) else { return batch }
            var events = Array(batch.events[..<skipped])
            for event in batch.events[(skipped + 1)...] where includes(event, in: bytes) {
                events.append(event)
            }
            return EventBatch(bytes: batch.bytes, events: events)
        }
    }

    private func includes(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> Bool {
        isOfEndpoint(event, in: bytes) && filter?.includes(event, in: bytes) ?? true
    }

    private func isOfEndpoint(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> Bool {
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
