// Sinch's sample callbacks, compiled into the program. README.md beside this file tells where each comes from.

/// The body of a callback as one of Sinch's public sources shows it.
public struct Sample: Sendable {
    /// The trigger and what is particular about it, such as `message_inbound.text`.
    public let name: String
    /// The body, byte for byte.
    public let body: [UInt8]

    /// The sample of that name.
    public static func named(_ name: String) -> Sample? {
        all.first { $0.name == name }
    }
}
