// What delivery asks of an event to decide where it goes and what it waits for.

import Events
import Store

/// What an event is about. Nil is unknown.
public struct EventTraits: Sendable, Equatable {
    /// The event's type, such as `com.sinch.conversation.message_inbound`.
    public var type: String
    /// What orders it: the conversation, else the contact, the channel's identity, the message.
    public var subject: String?
    /// The id of the contact.
    public var contact: String?
    /// The channel, such as `WHATSAPP`.
    public var channel: String?
    /// The id of the Conversation API app.
    public var app: String?

    /// Traits; see the properties.
    public init(
        type: String = "", subject: String? = nil, contact: String? = nil, channel: String? = nil, app: String? = nil
    ) {
        (self.type, self.subject, self.contact, self.channel, self.app) = (type, subject, contact, channel, app)
    }
}

extension EventTraits {
    /// What the room that reads callbacks has found.
    public init(_ facts: EventFacts) {
        self.init(
            type: facts.type, subject: facts.subject, contact: facts.contact, channel: facts.channel, app: facts.app)
    }
}
