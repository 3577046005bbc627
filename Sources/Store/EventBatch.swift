// Stored events on their way to a sink: the bytes of many in one array, which the batch shares with
// the store's in-memory tail where the events are still there.

/// A stored event. Its ranges point into the `bytes` of the `EventBatch` that holds it.
public struct StoredEvent: Sendable {
    /// The place in storing order, from 1; it has gaps only where events were lost or never stored.
    public var sequence: Int64
    /// When the event was stored, in microseconds since 1970 (UTC).
    public var recordedAt: Int64
    /// When its callback was read, in microseconds since 1970 (UTC).
    public var receivedAt: Int64
    /// The signed timestamp, in seconds since 1970 (UTC).
    public var signedAt: Int64
    /// The path of the endpoint that took it.
    public var endpoint: ByteRange
    /// The client's address in network order: 4 or 16 bytes, or none where it is not known.
    public var client: ByteRange
    /// The nonce as sent.
    public var nonce: ByteRange
    /// The signature, decoded: 32 bytes.
    public var signature: ByteRange
    /// The name of the signature's algorithm as sent; empty where the header was missing.
    public var algorithm: ByteRange
    /// The event's id: the first 16 bytes of SHA-256(body).
    public var id: ByteRange
    /// The body, byte for byte.
    public var body: ByteRange
}

/// Events in storing order, without gaps in what the store holds between the first and the last.
public struct EventBatch: Sendable {
    /// How many readable bytes lie behind the last value in `bytes`: simdjson reads past the end of a body.
    public static let padding = 64

    /// The bytes that the events' ranges point into, and at least `padding` more.
    public var bytes: [UInt8]
    /// The events, by rising `sequence`.
    public var events: [StoredEvent]

    /// A batch of `events` whose ranges point into `bytes`.
    public init(bytes: [UInt8] = [], events: [StoredEvent] = []) {
        self.bytes = bytes
        self.events = events
    }

    /// Has it hold nothing, and keep its memory where nobody else holds that.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }

    /// Whether it holds no event.
    public var isEmpty: Bool { events.isEmpty }

    /// One of the batch's events with bytes of its own: who holds on to some events is not to keep all the others of
    /// their batches in memory.
    public func alone(_ event: StoredEvent) -> (event: StoredEvent, bytes: [UInt8]) {
        var copy = EventBatch()
        copy.bytes.reserveCapacity(event.ownRange.count + Self.padding)
        copy.append(copyOf: event, in: bytes)
        copy.pad()
        return (copy.events[0], copy.bytes)
    }

    /// Adds a copy of an event whose ranges point into `source`.
    mutating func append(copyOf event: StoredEvent, in source: [UInt8]) {
        let range = event.ownRange
        let shift = Int32(truncatingIfNeeded: bytes.count - range.lowerBound)
        source.withUnsafeBytes { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[range])) }
        events.append(event.shifted(by: shift))
    }

    /// Adds the readable bytes that have to follow the last value.
    mutating func pad() {
        bytes.append(contentsOf: repeatElement(0, count: Self.padding))
    }
}

extension StoredEvent {
    /// Where its values lie in the bytes of its batch: one behind the other, as they were appended.
    var ownRange: Range<Int> {
        endpoint.joined(client).joined(nonce).joined(signature).joined(algorithm).joined(id).joined(body).range
    }

    /// The same event in a batch whose bytes have `distance` others in front.
    func shifted(by distance: Int32) -> StoredEvent {
        var event = self
        event.endpoint.offset += distance
        event.client.offset += distance
        event.nonce.offset += distance
        event.signature.offset += distance
        event.algorithm.offset += distance
        event.id.offset += distance
        event.body.offset += distance
        return event
    }
}
