// Reading a callback: which trigger it is, and the ids that events are ordered and filtered by.

/// What was found in a callback. The slices point into the `EventText` it was read into.
struct CallbackFields {
    var verdict = JSONVerdict.invalid
    var trigger: Trigger?
    /// Whether the body has the keys of other triggers as well, which no document allows.
    var hasOtherTriggers = false

    var project = TextSlice.none, app = TextSlice.none
    var eventTime = TextSlice.none, acceptedTime = TextSlice.none
    var message = TextSlice.none, contact = TextSlice.none, conversation = TextSlice.none
    var channel = TextSlice.none, identity = TextSlice.none
    var status = TextSlice.none, correlation = TextSlice.none
}

/// Reads callbacks. Whatever is missing, empty or of another type than documented is absent, and hurts nothing.
struct CallbackReader: ~Copyable {
    /// The keys at the top of every callback. Those of the triggers follow them in `topNames`.
    private enum Top: Int, CaseIterable {
        case appID, projectID, acceptedTime, eventTime, correlationID

        var key: String {
            switch self {
            case .appID: "app_id"
            case .projectID: "project_id"
            case .acceptedTime: "accepted_time"
            case .eventTime: "event_time"
            case .correlationID: "correlation_id"
            }
        }
    }

    /// The keys inside a trigger's object, and inside the objects in it.
    private enum Inner: Int, CaseIterable {
        case id, messageID, contactID, conversationID, channel, identity, status, correlationID, activeChannel
        case channelIdentity, channelIdentities, duplicatedIdentities
        case contact, preservedContact, conversation, channelEvent

        var key: String {
            switch self {
            case .id: "id"
            case .messageID: "message_id"
            case .contactID: "contact_id"
            case .conversationID: "conversation_id"
            case .channel: "channel"
            case .identity: "identity"
            case .status: "status"
            case .correlationID: "correlation_id"
            case .activeChannel: "active_channel"
            case .channelIdentity: "channel_identity"
            case .channelIdentities: "channel_identities"
            case .duplicatedIdentities: "duplicated_identities"
            case .contact: "contact"
            case .preservedContact: "preserved_contact"
            case .conversation: "conversation"
            case .channelEvent: "channel_event"
            }
        }
    }

    private var json: JSONText
    private let topNames: JSONNames
    private let innerNames: JSONNames
    /// Kept here, for a static is behind a lock.
    private let triggers = Trigger.all

    init() throws(CloudEventEncoderError) {
        let json = try JSONText()
        let topNames = try JSONNames(Top.allCases.map(\.key) + Trigger.all.map(\.key))
        let innerNames = try JSONNames(Inner.allCases.map(\.key))
        self.json = json
        self.topNames = topNames
        self.innerNames = innerNames
    }

    /// Checks `body` and reads it into `text`.
    mutating func read(_ body: Span<UInt8>, into text: inout EventText) -> CallbackFields {
        var fields = CallbackFields()
        fields.verdict = json.parse(body)
        guard fields.verdict != .invalid, json.isObject(.root) else { return fields }
        let top = json.members(of: .root, named: topNames)
        fields.project = string(top[Top.projectID.rawValue], &text)
        fields.app = string(top[Top.appID.rawValue], &text)
        fields.eventTime = string(top[Top.eventTime.rawValue], &text)
        fields.acceptedTime = string(top[Top.acceptedTime.rawValue], &text)
        fields.correlation = string(top[Top.correlationID.rawValue], &text)
        let content = findTrigger(in: top, &fields)
        if let trigger = fields.trigger { readContent(content, of: trigger, &fields, &text) }
        return fields
    }

    /// The first trigger in the table whose key has an object, and that object. A key with another type, `null` first
    /// of all, is how a serialiser might say that this is *not* the trigger.
    private func findTrigger(in top: JSONMembers, _ fields: inout CallbackFields) -> JSONToken {
        var content = JSONToken.none
        for place in triggers.indices {
            let token = top[Top.allCases.count + place]
            guard token != .none else { continue }
            guard json.isObject(token) || triggers[place].mayBeList && json.isArray(token) else { continue }
            guard fields.trigger == nil else {
                fields.hasOtherTriggers = true
                break
            }
            fields.trigger = triggers[place]
            content = token
        }
        return content
    }

    private func readContent(
        _ content: JSONToken, of trigger: Trigger, _ fields: inout CallbackFields, _ text: inout EventText
    ) {
        let inner = json.members(of: content, named: innerNames)
        switch trigger.messageID {
        case .none: break
        case .id: fields.message = string(inner, .id, &text)
        case .messageID: fields.message = string(inner, .messageID, &text)
        }
        if trigger.isDeliveryReport { fields.status = string(inner, .status, &text) }
        fields.contact = string(inner, .contactID, &text)
        fields.conversation = string(inner, .conversationID, &text)
        readChannel(inner, &fields, &text)
        readConversation(inner[Inner.conversation.rawValue], &fields, &text)
        readContact(inner[Inner.contact.rawValue], &fields, &text)
        // Of two contacts that were merged, the one that goes on.
        readContact(inner[Inner.preservedContact.rawValue], &fields, &text)
        let identities = json.isArray(content) ? content : inner[Inner.duplicatedIdentities.rawValue]
        readIdentities(identities, &fields, &text)
        // The protocol's word for "not set".
        if text.bytes(of: fields.channel).elementsEqual("CHANNEL_UNSPECIFIED".utf8) { fields.channel = .none }
    }

    /// `channel_identity` is an object in most triggers and a string beside a `channel` in smart conversations;
    /// the oldest messages, and capabilities and opt-ins, have no more than `channel` and `identity`.
    private func readChannel(_ inner: JSONMembers, _ fields: inout CallbackFields, _ text: inout EventText) {
        let token = inner[Inner.channelIdentity.rawValue]
        if json.isObject(token) {
            let identity = json.members(of: token, named: innerNames)
            fields.channel = string(identity, .channel, &text)
            fields.identity = string(identity, .identity, &text)
        } else {
            fields.identity = string(token, &text)
        }
        if fields.channel.isEmpty { fields.channel = string(inner, .channel, &text) }
        if fields.identity.isEmpty { fields.identity = string(inner, .identity, &text) }
        let event = inner[Inner.channelEvent.rawValue]
        if fields.channel.isEmpty, event != .none {
            fields.channel = string(json.members(of: event, named: innerNames), .channel, &text)
        }
    }

    private func readConversation(_ token: JSONToken, _ fields: inout CallbackFields, _ text: inout EventText) {
        guard token != .none else { return }
        let conversation = json.members(of: token, named: innerNames)
        if fields.conversation.isEmpty { fields.conversation = string(conversation, .id, &text) }
        if fields.contact.isEmpty { fields.contact = string(conversation, .contactID, &text) }
        if fields.channel.isEmpty { fields.channel = string(conversation, .activeChannel, &text) }
        if fields.correlation.isEmpty { fields.correlation = string(conversation, .correlationID, &text) }
    }

    private func readContact(_ token: JSONToken, _ fields: inout CallbackFields, _ text: inout EventText) {
        guard token != .none else { return }
        let contact = json.members(of: token, named: innerNames)
        if fields.contact.isEmpty { fields.contact = string(contact, .id, &text) }
        readIdentities(contact[Inner.channelIdentities.rawValue], &fields, &text)
    }

    /// A list of identities gives a channel if all of them agree on it, and an identity if there is but one:
    /// an event that is about two channels is about neither of them.
    private func readIdentities(_ array: JSONToken, _ fields: inout CallbackFields, _ text: inout EventText) {
        var element = json.firstElement(of: array)
        guard fields.channel.isEmpty, element != .none else { return }
        let first = json.members(of: element, named: innerNames)
        let channel = string(first, .channel, &text)
        element = json.element(after: element)
        if element == .none, fields.identity.isEmpty { fields.identity = string(first, .identity, &text) }
        while element != .none {
            let other = string(json.members(of: element, named: innerNames), .channel, &text)
            guard text.areEqual(other, channel) else { return }
            element = json.element(after: element)
        }
        fields.channel = channel
    }

    private func string(_ members: JSONMembers, _ name: Inner, _ text: inout EventText) -> TextSlice {
        string(members[name.rawValue], &text)
    }

    private func string(_ token: JSONToken, _ text: inout EventText) -> TextSlice {
        guard token != .none else { return .none }
        return text.gatherForeign { json.appendString(token, limit: EventText.limitBytes, to: &$0) }
    }
}
