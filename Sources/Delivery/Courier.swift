// What a sink is that has several letters under way at a time.

import Store

/// How a courier wants its letters.
public struct CourierTerms: Sendable {
    /// How many letters may be under way.
    public var concurrency = 1
    /// The most events of a letter, and their most bytes; a larger event has a letter of its own.
    public var letter = ReadLimit(events: 1, bytes: 1 << 20)
    /// What an event adds to a letter besides its body, in bytes.
    public var overheadBytes = 0
    /// How long events wait for others to fill a letter, in microseconds.
    public var gatherMicroseconds: Int64 = 0
    /// When a letter that failed is sent again.
    public var retry = RetryPolicy()
    /// How often an event is sent that the target refuses, before it goes to the dead letters.
    public var attempts = 10

    /// One event at a time.
    public init() {}
}

/// What came back of a letter.
public struct Reply: Sendable {
    /// The letter's number.
    public var letter: Int
    /// What it means.
    public var verdict: Verdict
    /// The beginning of an answer that was not a success, escaped, for the operator.
    public var answer: String?

    /// A reply.
    public init(letter: Int, verdict: Verdict, answer: String? = nil) {
        (self.letter, self.verdict, self.answer) = (letter, verdict, answer)
    }
}

/// A place that events are sent to in letters, some of them at the same time. In which order, and what becomes of
/// those that come back, is the lane's business (`Window`).
///
/// All but `wake` is called on one serial queue.
public protocol Courier: AnyObject, Sendable {
    /// The name in the configuration, under which the cursor is kept.
    var name: String { get }

    /// How it wants its letters.
    var terms: CourierTerms { get }

    /// What an event is ordered by: events with the same key are never under way at the same time.
    func key(of event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> UInt64

    /// Sends a letter. Never blocks.
    func send(_ letter: Letter)

    /// Waits until letters have come back, or `wake` was called, or `deadline` has passed.
    ///
    /// - Parameter deadline: by the clock of `DispatchTime`, in nanoseconds; nil for no end.
    /// - Returns: what came back; each letter that was sent comes back once.
    func wait(until deadline: UInt64?) -> [Reply]

    /// Gives up every letter that is under way; none of them comes back.
    func abandon()

    /// Ends a `wait` at once, now or the next one. May be called from any queue.
    func wake()
}
