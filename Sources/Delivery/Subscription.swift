// Which events a sink gets.

import Glibc
import Store

/// A sink and the endpoints that name it.
public struct Subscription: Sendable {
    /// The sink.
    public var sink: any Sink
    /// The paths of the endpoints whose events it gets.
    public var endpoints: [[UInt8]]

    /// `sink` gets the events of `endpoints`.
    public init(_ sink: any Sink, endpoints: [[UInt8]]) {
        self.sink = sink
        self.endpoints = endpoints
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
