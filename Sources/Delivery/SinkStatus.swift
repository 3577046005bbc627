// What an operator may know of delivery: the state of each sink, and the lines for the log.

/// How a sink is doing.
public struct SinkStatus: Sendable, Equatable {
    /// The name in the configuration.
    public var name: String
    /// The sequence number of the last event it took or skipped.
    public var cursor: Int64
    /// The cursor that a restart would begin from.
    public var durableCursor: Int64
    /// How many sequence numbers the newest stored event is ahead.
    public var lag: Int64
    /// Why the last attempt failed; nil after one that succeeded.
    public var lastError: String?
    /// When the failures in a row began, in microseconds since 1970 (UTC); nil while nothing fails.
    public var retryingSince: Int64?
    /// Whether its target turns it away until somebody changes something.
    public var isPaused = false
    /// The beginning of the target's last answer that was not a success, with control characters escaped.
    public var lastAnswer: String?
    /// When it last took an event, in microseconds since 1970 (UTC); nil if it has not since the start.
    public var lastSuccess: Int64?
    /// What it did since the start.
    public var counts = SinkCounts()
}

/// What a sink did since the start.
public struct SinkCounts: Sendable, Equatable {
    /// Events that it took.
    public var delivered = 0
    /// Events that are not for it.
    public var filtered = 0
    /// Attempts that failed.
    public var failures = 0
    /// Events that its target refused for good.
    public var buried = 0
}

/// A line for the log.
public struct DeliveryNote: Sendable, Equatable {
    /// How much it matters.
    public enum Level: Sendable {
        /// Good to know.
        case info
        /// Events wait; nothing is lost.
        case warning
        /// Somebody has to do something, or events wait for ever.
        case error
        /// Events may be lost.
        case critical
    }

    /// What it is about, for those who sort.
    public enum Topic: Sendable {
        /// The sink takes nothing, and is tried again.
        case failing
        /// Its target turns it away.
        case paused
        /// It takes events again.
        case recovered
        /// It has events that the store does not have.
        case ahead
        /// An event was given up on.
        case deadLetter
        /// How far the sinks have come cannot be written.
        case cursors
        /// All else.
        case other
    }

    /// How much it matters.
    public var level: Level
    /// The sink it is about; nil where it is about all of them.
    public var sink: String?
    /// What happened, with control characters from outside escaped.
    public var message: String
    /// What it is about.
    public var topic = Topic.other
    /// The number of the event that it is about; nil where that is none.
    public var sequence: Int64?
    /// The id of that event, in hexadecimal.
    public var eventID: String?
}

/// Takes the lines for the log; called on the sinks' queues, and must not block.
public typealias DeliveryLog = @Sendable (DeliveryNote) -> Void
