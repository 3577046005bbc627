// The types that an event can have, for whoever names some of them.

/// The types of events.
public enum EventTypes {
    /// What every type begins with.
    public static let prefix = "com.sinch.conversation."

    /// Every type, without the prefix; each once.
    public static let all: [String] = {
        let triggers = Trigger.all.map { "\($0.type)" }
        let unique = triggers.enumerated().filter { triggers.firstIndex(of: $0.element) == $0.offset }.map(\.element)
        return unique + ["unknown", "invalid_json"]
    }()
}
