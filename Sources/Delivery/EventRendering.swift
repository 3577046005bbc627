// How a sink turns a stored event into what it sends, said as narrowly as the sinks need it.

import Events
import Store

/// Writes stored events as CloudEvents. One renderer serves one sink and is used on that sink's queue only.
public protocol EventRenderer: AnyObject {
    /// Appends the event as one JSON line, with its newline, to `output`.
    ///
    /// - Parameter bytes: the `bytes` of the batch that holds `event`.
    func appendLine(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8])

    /// The event's attributes for HTTP binary mode: names without `ce-`, values percent-encoded already
    /// (CloudEvents HTTP Protocol Binding 1.0.2 §3.1.3.2).
    func attributes(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer
    ) -> [(name: String, value: String)]

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

    /// The event's attributes, their values percent-encoded.
    public func attributes(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer
    ) -> [(name: String, value: String)] {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        let attributes = encoder.attributes(
            id: bytes.extracting(event.id.range).span, sequence: event.sequence, recordedAt: event.recordedAt,
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range).span,
            client: bytes.extracting(event.client.range).span, body: bytes.extracting(event.body.range).span)
        return attributes.map { ($0.name, percentEncodedHeaderValue($0.value)) }
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
