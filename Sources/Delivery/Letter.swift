// What is sent with one request: an event, or several of them.

import Store

/// Events that are sent together.
public struct Letter: Sendable {
    /// An event of a letter, with its bytes.
    public struct Part: Sendable {
        /// The event.
        public var event: StoredEvent
        /// What its ranges point into.
        public var bytes: [UInt8]
    }

    /// Tells it from every other letter of the same lane.
    public let number: Int
    /// Its events, by rising sequence; at least one.
    public let parts: [Part]
}

/// What a target's answer, or its silence, means for a letter.
public enum Verdict: Sendable, Equatable {
    /// The target has it.
    case done
    /// The target or the way to it is in trouble; `afterMicroseconds` is how long it asked to be left alone.
    case retry(SinkError, afterMicroseconds: Int64? = nil)
    /// The target wants nothing from us until somebody changes something: every letter would fare the same.
    case pause(SinkError, afterMicroseconds: Int64? = nil)
    /// The target wants this very letter not.
    case refused(SinkError)
}
