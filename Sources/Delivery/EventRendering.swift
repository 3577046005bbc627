// How a sink turns a stored event into what it sends, said as narrowly as the sinks need it.

import Events
import Store

/// Writes stored events as CloudEvents. One renderer serves one sink and is used on that sink's queue only.
public protocol EventRenderer: AnyObject {
    /// Appends the event as one JSON line, with its newline, to `output`.
    ///
    /// - Parameter bytes: the `bytes` of the batch that holds `event`.
    func appendLine(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8])

    /// Appends the event's attributes as header lines for HTTP binary mode, such as `ce-id: 1`, values percent-encoded
    /// (CloudEvents HTTP Protocol Binding 1.0.2 §3.1.3.2) and each line ended by a NUL.
    func appendHeaderLines(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8])

    /// A number for what orders the event; nil where nothing does. `order` is not `none`.
    func orderNumber(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, by order: EventOrder) -> UInt64?

    /// What the event is about.
    func traits(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> EventTraits

    /// Which event a line is of that `appendLine` wrote, without its newline; nil for another's line.
    func place(ofLine line: UnsafeRawBufferPointer) -> LinePlace?

    /// Whether `piece`, which is not empty, may be the beginning of a line that `appendLine` wrote.
    func mayBegin(_ piece: UnsafeRawBufferPointer) -> Bool
}

/// Renders events with the room that knows what a CloudEvent is.
public final class CloudEventRenderer: EventRenderer {
    private let encoder: CloudEventEncoder

    /// A renderer with memory of its own. Throws where there is none.
    public init() throws(CloudEventEncoderError) {
        encoder = try CloudEventEncoder()
    }

    /// Appends the event as one line, as `CloudEventEncoder.appendLine` says.
    public func appendLine(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        encoder.appendLine(
            id: bytes.extracting(event.id.range).span, sequence: event.sequence, recordedAt: event.recordedAt,
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range).span,
            client: bytes.extracting(event.client.range).span, body: bytes.extracting(event.body.range).span,
            to: &output)
    }

    /// Appends the event's attributes as header lines.
    public func appendHeaderLines(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        encoder.appendHeaderLines(
            id: bytes.extracting(event.id.range).span, sequence: event.sequence, recordedAt: event.recordedAt,
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range).span,
            client: bytes.extracting(event.client.range).span, body: bytes.extracting(event.body.range).span,
            to: &output)
    }

    /// A number for what orders the event.
    public func orderNumber(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer, by order: EventOrder
    ) -> UInt64? {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        return encoder.orderNumber(body: bytes.extracting(event.body.range).span, byContact: order == .contact)
    }

    /// What the event is about.
    public func traits(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> EventTraits {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        return EventTraits(
            encoder.facts(
                receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range).span,
                body: bytes.extracting(event.body.range).span))
    }

    /// Which event a line is of.
    public func place(ofLine line: UnsafeRawBufferPointer) -> LinePlace? { LinePlace(cloudEvent: line) }

    /// Whether `piece` begins like every line of ours.
    public func mayBegin(_ piece: UnsafeRawBufferPointer) -> Bool {
        zip(piece, LinePlace.beginning).allSatisfy { $0 == $1 }
    }
}
