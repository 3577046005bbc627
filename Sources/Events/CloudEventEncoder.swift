// From a stored callback to a CloudEvent: the room's front door.

/// Makes CloudEvents 1.0 of stored callbacks. It keeps the memory that this takes, so a sink makes one and uses it for
/// every event, from one thread at a time.
///
/// What is asked of it always has an answer: a body that is not JSON is an event too. These rules hold for every form:
/// - Ids and other texts of the body that hold control characters or noncharacters, which CloudEvents forbids, or
///   that are longer than 1 KiB, are left out, never shortened or cleaned.
/// - An empty text is an absent one, and so is a value of another type than documented.
/// - `time` is the body's `event_time`, else its `accepted_time`, if it is an RFC 3339 time in UTC that exists.
/// - A body that is not JSON, not UTF-8, or nested more than 500 deep has the type
///   `com.sinch.conversation.invalid_json` and the media type `application/octet-stream`.
public final class CloudEventEncoder {
    private var reader: CallbackReader
    private var envelope = Envelope()

    /// An encoder. Throws `outOfMemory`, and nothing else.
    public init() throws(CloudEventEncoderError) {
        reader = try CallbackReader()
    }

    /// Appends the event as one line of JSON with a newline at its end.
    ///
    /// `data` is the body without its line breaks, which in JSON stand only between tokens; nothing else is changed.
    /// A body that is not JSON is carried as `data_base64`, and so is JSON that spells half of a surrogate pair, for
    /// there are parsers that would refuse the line.
    /// - Parameters:
    ///   - id: the event's id: the first 16 bytes of SHA-256(body).
    ///   - sequence: the place in storing order.
    ///   - recordedAt: when the event was stored, in microseconds since 1970 (UTC).
    ///   - receivedAt: when its callback was read, in microseconds since 1970 (UTC).
    ///   - endpoint: the path of the endpoint that took it.
    ///   - client: the client's address in network order, 4 or 16 bytes; empty where it is not known.
    ///   - body: the body as it was signed. No bytes behind it are needed.
    ///   - output: what the line is appended to.
    public func appendLine(
        id: Span<UInt8>, sequence: Int64, recordedAt: Int64, receivedAt: Int64, endpoint: Span<UInt8>,
        client: Span<UInt8>, body: Span<UInt8>, to output: inout [UInt8]
    ) {
        envelope.decide(
            id: id, sequence: sequence, recordedAt: recordedAt, receivedAt: receivedAt, endpoint: endpoint,
            client: client, body: body, reader: &reader)
        Events.appendLine(of: envelope, body: body, to: &output)
    }

    /// The event's attributes in the order of the line. In HTTP's binary mode `datacontenttype` is the
    /// `Content-Type`, every other one a header `ce-` + its name with a value from `percentEncodedHeaderValue`, and
    /// the body goes byte for byte. The parameters are those of `appendLine`.
    public func attributes(
        id: Span<UInt8>, sequence: Int64, recordedAt: Int64, receivedAt: Int64, endpoint: Span<UInt8>,
        client: Span<UInt8>, body: Span<UInt8>
    ) -> [(name: String, value: String)] {
        envelope.decide(
            id: id, sequence: sequence, recordedAt: recordedAt, receivedAt: receivedAt, endpoint: endpoint,
            client: client, body: body, reader: &reader)
        return envelope.attributes.map { ("\($0.name.text)", envelope.text.string(of: $0.value)) }
    }

    /// Appends the event's attributes as header lines for HTTP's binary mode, as `attributes` says, each with a NUL at
    /// its end and without a text for each, of which there would be more than thirty. The parameters are those of
    /// `appendLine`.
    public func appendHeaderLines(
        id: Span<UInt8>, sequence: Int64, recordedAt: Int64, receivedAt: Int64, endpoint: Span<UInt8>,
        client: Span<UInt8>, body: Span<UInt8>, to output: inout [UInt8]
    ) {
        envelope.decide(
            id: id, sequence: sequence, recordedAt: recordedAt, receivedAt: receivedAt, endpoint: endpoint,
            client: client, body: body, reader: &reader)
        for attribute in envelope.attributes {
            if attribute.name == .datacontenttype {
                append("Content-Type", to: &output)
            } else {
                append("ce-", to: &output)
                append(attribute.name.text, to: &output)
            }
            append(": ", to: &output)
            appendHeaderValue(envelope.text.bytes(of: attribute.value), to: &output)
            output.append(0)
        }
    }

    /// A number for what orders the event: its subject, or its contact where that is asked for and known. Nil where it
    /// has no subject. Two subjects may share a number.
    public func orderNumber(body: Span<UInt8>, byContact: Bool) -> UInt64? {
        let slice = envelope.order(of: body, byContact: byContact, reader: &reader)
        guard !slice.isEmpty else { return nil }
        // FNV-1a.
        return envelope.text.bytes(of: slice).reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// What a filter asks of a callback, which may not have been stored. The parameters are those of `appendLine`.
    public func facts(receivedAt: Int64, endpoint: Span<UInt8>, body: Span<UInt8>) -> EventFacts {
        let none: [UInt8] = []
        envelope.decide(
            id: none.span, sequence: 0, recordedAt: receivedAt, receivedAt: receivedAt, endpoint: endpoint,
            client: none.span, body: body, reader: &reader)
        return EventFacts(envelope)
    }
}
