// Sinch's triggers: which key of a callback names which, and where its ids are. The body has no field that says so.

/// A trigger of the Conversation API.
struct Trigger {
    /// Where a trigger's object holds the id of the message it is about.
    enum MessageID { case none, id, messageID }

    /// The key that, at the top of the body, names the trigger.
    let key: String
    /// The last part of the event's `type`: the trigger's name in lower case.
    let type: StaticString
    var messageID = MessageID.none
    /// Whether `status` is the state of a delivery. Opt-ins have a `status` too, and one documented opt-out says
    /// OPT_IN_SUCCEEDED in it: it decides nothing.
    var isDeliveryReport = false
    /// Whether the key may hold a list of identities instead of an object.
    var mayBeList = false

    /// In the order in which they count should a body have several, which no document allows.
    static let all: [Trigger] = [
        Trigger(key: "message", type: "message_inbound", messageID: .id),
        Trigger(
            key: "message_redaction", type: "message_inbound_smart_conversation_redaction", messageID: .id),
        Trigger(key: "message_submit_notification", type: "message_submit", messageID: .messageID),
        Trigger(
            key: "message_delivery_report", type: "message_delivery", messageID: .messageID,
            isDeliveryReport: true),
        Trigger(key: "event", type: "event_inbound"),
        Trigger(key: "event_delivery_report", type: "event_delivery", isDeliveryReport: true),
        Trigger(key: "conversation_start_notification", type: "conversation_start"),
        Trigger(key: "conversation_stop_notification", type: "conversation_stop"),
        Trigger(key: "conversation_delete_notification", type: "conversation_delete"),
        Trigger(key: "contact_create_notification", type: "contact_create"),
        Trigger(key: "contact_delete_notification", type: "contact_delete"),
        Trigger(key: "contact_update_notification", type: "contact_update"),
        Trigger(key: "contact_merge_notification", type: "contact_merge"),
        Trigger(key: "duplicated_contact_identities_notification", type: "contact_identities_duplication"),
        // Sinch's sources disagree on this key. The third spelling is the list itself.
        Trigger(key: "duplicated_identities_notification", type: "contact_identities_duplication"),
        Trigger(key: "duplicated_identities", type: "contact_identities_duplication", mayBeList: true),
        Trigger(key: "capability_notification", type: "capability"),
        Trigger(key: "opt_in_notification", type: "opt_in"),
        Trigger(key: "opt_out_notification", type: "opt_out"),
        Trigger(key: "channel_event_notification", type: "channel_event"),
        Trigger(key: "unsupported_callback", type: "unsupported"),
        // Called SMART_CONVERSATION or SMART_CONVERSATIONS, depending on the source.
        Trigger(key: "smart_conversation_notification", type: "smart_conversation", messageID: .messageID),
        Trigger(key: "record_notification", type: "record_notification"),
    ]
}
