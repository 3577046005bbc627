// What a CloudEvent says about a callback: the one place that decides the values of its attributes. JSON lines,
// HTTP headers and filters are renderings of what is decided here.

/// The attributes of an event, in the order in which they are written.
enum AttributeName {
    case specversion, id, source, type, subject, time, recordedtime, sequence, datacontenttype, endpoint, clientaddress
    case sinchmessage, sinchcontact, sinchconversation, sinchchannel, sinchstatus, sinchcorrelation

    /// Lower-case letters only, as CloudEvents 1.0 §2.2 wants it.
    var text: StaticString {
        switch self {
        case .specversion: "specversion"
        case .id: "id"
        case .source: "source"
        case .type: "type"
        case .subject: "subject"
        case .time: "time"
        case .recordedtime: "recordedtime"
        case .sequence: "sequence"
        case .datacontenttype: "datacontenttype"
        case .endpoint: "endpoint"
        case .clientaddress: "clientaddress"
        case .sinchmessage: "sinchmessage"
        case .sinchcontact: "sinchcontact"
        case .sinchconversation: "sinchconversation"
        case .sinchchannel: "sinchchannel"
        case .sinchstatus: "sinchstatus"
        case .sinchcorrelation: "sinchcorrelation"
        }
    }
}

/// How the callback is carried in a line.
enum DataForm {
    /// As the JSON value that it is, in `data`.
    case json
    /// As `data_base64`: it is not JSON, or not JSON that every reader takes. A line that some consumer's parser
    /// refuses would stop that consumer for good.
    case base64
}

/// The attributes of one event. Used again for the next one, so that its memory is allocated once.
struct Envelope {
    struct Attribute {
        let name: AttributeName
        let value: TextSlice
    }

    private(set) var text = EventText()
    private(set) var attributes: [Attribute] = []
    private(set) var fields = CallbackFields()
    private(set) var dataForm = DataForm.json
    private var lastRecordedAt = Int64.min
    private var lastRecordedTime: [UInt8] = []
    private var lastClient = ClientAddress()

    /// The value of an attribute; `.none` where the event has none.
    subscript(name: AttributeName) -> TextSlice {
        attributes.first { $0.name == name }?.value ?? .none
    }

    /// Decides every attribute of `event`.
    mutating func decide(
        id: Span<UInt8>, sequence: Int64, recordedAt: Int64, receivedAt: Int64, endpoint: Span<UInt8>,
        client: Span<UInt8>, body: Span<UInt8>, reader: inout CallbackReader
    ) {
        text.removeAll()
        attributes.removeAll(keepingCapacity: true)
        fields = reader.read(body, into: &text)
        dataForm = fields.verdict == .valid ? .json : .base64

        add(.specversion, text.gather { append("1.0", to: &$0) })
        add(.id, text.gather { appendHex(id, to: &$0) })
        add(.source, source(endpoint))
        add(.type, type())
        add(.subject, subject())
        add(.time, time(receivedAt: receivedAt))
        add(.recordedtime, recordedTime(recordedAt))
        // As many digits as the largest number has, so that it sorts as text.
        add(.sequence, text.gather { Timestamp.append(Int(max(sequence, 0)), digits: 19, to: &$0) })
        add(.datacontenttype, contentType())
        add(.endpoint, text.gatherForeign { append(endpoint, to: &$0) })
        add(.clientaddress, clientAddress(client))
        add(.sinchmessage, fields.message)
        add(.sinchcontact, fields.contact)
        add(.sinchconversation, fields.conversation)
        add(.sinchchannel, fields.channel)
        add(.sinchstatus, fields.status)
        add(.sinchcorrelation, fields.correlation)
    }

    /// What orders an event, decided without its other attributes; `.none` where nothing does.
    mutating func order(of body: Span<UInt8>, byContact: Bool, reader: inout CallbackReader) -> TextSlice {
        text.removeAll()
        attributes.removeAll(keepingCapacity: true)
        fields = reader.read(body, into: &text)
        return byContact && !fields.contact.isEmpty ? fields.contact : subject()
    }

    /// All events of a commit share the time, so its text is made once for them.
    private mutating func recordedTime(_ recordedAt: Int64) -> TextSlice {
        if recordedAt != lastRecordedAt {
            lastRecordedAt = recordedAt
            lastRecordedTime.removeAll(keepingCapacity: true)
            Timestamp.append(microseconds: recordedAt, to: &lastRecordedTime)
        }
        return text.gather { [lastRecordedTime] in $0.append(contentsOf: lastRecordedTime) }
    }

    /// Callbacks come from few addresses, so the text of the last one is kept.
    private mutating func clientAddress(_ client: Span<UInt8>) -> TextSlice {
        lastClient.set(client)
        return text.gather { [lastClient] in $0.append(contentsOf: lastClient.text) }
    }

    private mutating func add(_ name: AttributeName, _ value: TextSlice) {
        if !value.isEmpty { attributes.append(Attribute(name: name, value: value)) }
    }

    /// Project and app as a URI-reference; the endpoint's path where the body names neither. CloudEvents wants a
    /// source always, so where even the path may not stand in an attribute it is the root.
    private mutating func source(_ endpoint: Span<UInt8>) -> TextSlice {
        let (project, app) = (fields.project, fields.app)
        if !project.isEmpty || !app.isEmpty {
            let uri = text.gatherForeign { bytes in
                append("//conversation.api.sinch.com", to: &bytes)
                for (part, value) in [("/projects/", project), ("/apps/", app)] as [(StaticString, TextSlice)]
                where !value.isEmpty {
                    append(part, to: &bytes)
                    appendPathSegment(value, of: &bytes)
                }
            }
            // Encoded, a long id may have become too long.
            if !uri.isEmpty { return uri }
        }
        let path = text.gatherForeign { bytes in
            if !endpoint.isEmpty, endpoint[0] != UInt8(ascii: "/") { bytes.append(UInt8(ascii: "/")) }
            for index in endpoint.indices {
                // A path from the configuration: its slashes and what is encoded in it already stay as they are.
                let byte = endpoint[index]
                if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "%") {
                    bytes.append(byte)
                } else {
                    appendPathByte(byte, to: &bytes)
                }
            }
        }
        return path.isEmpty ? text.gather { $0.append(UInt8(ascii: "/")) } : path
    }

    private mutating func type() -> TextSlice {
        let name: StaticString = fields.trigger?.type ?? (fields.verdict == .invalid ? "invalid_json" : "unknown")
        return text.gather { bytes in
            append("com.sinch.conversation.", to: &bytes)
            append(name, to: &bytes)
        }
    }

    /// What events are ordered by: conversation, else contact, else the channel's own identity, else the message.
    private mutating func subject() -> TextSlice {
        if !fields.conversation.isEmpty { return fields.conversation }
        if !fields.contact.isEmpty { return fields.contact }
        let (channel, identity) = (fields.channel, fields.identity)
        guard !channel.isEmpty, !identity.isEmpty else { return fields.message }
        let both = text.gatherForeign { bytes in
            EventText.append(channel, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            EventText.append(identity, to: &bytes)
        }
        return both.isEmpty ? fields.message : both
    }

    private mutating func time(receivedAt: Int64) -> TextSlice {
        for time in [fields.eventTime, fields.acceptedTime] where Timestamp.isTimestamp(text.bytes(of: time)) {
            return time
        }
        return text.gather { Timestamp.append(microseconds: receivedAt, to: &$0) }
    }

    /// What the bytes are, whatever their sender called them: JSON stays JSON when a line carries it as Base64.
    private mutating func contentType() -> TextSlice {
        let isJSON = fields.verdict != .invalid
        return text.gather { append(isJSON ? "application/json" : "application/octet-stream", to: &$0) }
    }
}
