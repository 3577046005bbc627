// What filters ask of an event.

/// What is known of an event: the values of its attributes, and the ids that its source is made of. Nil is unknown.
public struct EventFacts: Equatable, Sendable {
    /// The event's `type`, such as `com.sinch.conversation.message_inbound`.
    public var type: String
    /// The event's `source`.
    public var source: String
    /// What orders the event.
    public var subject: String?
    /// The event's `time` in RFC 3339.
    public var time: String
    /// The id of the Sinch project.
    public var project: String?
    /// The id of the Conversation API app.
    public var app: String?
    /// The id of the message.
    public var message: String?
    /// The id of the contact.
    public var contact: String?
    /// The id of the conversation.
    public var conversation: String?
    /// The channel, such as `WHATSAPP`.
    public var channel: String?
    /// The state of a delivery, such as `DELIVERED`.
    public var status: String?
    /// The sender's correlation id.
    public var correlation: String?
    /// Whether the body carries the keys of several triggers, which no document of Sinch's allows: worth a line in
    /// the log. `type` is then the first in the order in which `Trigger` lists them.
    public var hasOtherTriggers: Bool
}

extension EventFacts {
    init(_ envelope: borrowing Envelope) {
        let text = envelope.text
        func known(_ slice: TextSlice) -> String? { slice.isEmpty ? nil : text.string(of: slice) }
        let fields = envelope.fields
        type = text.string(of: envelope[.type])
        source = text.string(of: envelope[.source])
        subject = known(envelope[.subject])
        time = text.string(of: envelope[.time])
        project = known(fields.project)
        app = known(fields.app)
        message = known(fields.message)
        contact = known(fields.contact)
        conversation = known(fields.conversation)
        channel = known(fields.channel)
        status = known(fields.status)
        correlation = known(fields.correlation)
        hasOtherTriggers = fields.hasOtherTriggers
    }
}
