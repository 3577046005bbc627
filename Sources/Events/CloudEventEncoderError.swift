// What can go wrong when an encoder is made. Encoding itself cannot fail: every stored body has a line.

/// A failure to make a `CloudEventEncoder`.
public enum CloudEventEncoderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There was no memory for the JSON parser.
    case outOfMemory

    /// What was wrong, and what to do.
    public var description: String {
        switch self {
        case .outOfMemory:
            return "out of memory while preparing to read events. Give hookd more memory (MemoryMax= in its unit)."
        }
    }
}
