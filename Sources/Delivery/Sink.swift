// What a sink is to the dispatcher. A new sink is a class that says these few things, and one line where the
// configuration makes it.

import Store

/// A place that events are handed to, in storing order.
///
/// `take` and `startOver` are called on the sink's own serial queue and never at the same time; `synchronize` and
/// `interrupt` may be called from another queue while `take` runs.
public protocol Sink: AnyObject, Sendable {
    /// The name in the configuration, under which the cursor is kept.
    var name: String { get }

    /// How much the sink takes at once, and how it is retried.
    var pace: SinkPace { get }

    /// Hands over the events from index `first` on. The sink takes some of them from the front, at least one if it
    /// can, and says how many; what it did not take is handed to it again. Blocks as long as that needs.
    func take(_ batch: EventBatch, from first: Int) -> Taken

    /// Makes everything taken so far survive a power cut, as far as the sink can know that.
    func synchronize() throws(SinkError)

    /// What the sink itself knows of how far it has come, the furthest first, for the start. Called once, before the
    /// first `take`.
    func places() -> [LinePlace]

    /// Lets go of what may have been moved away, and opens it anew. May be called from another queue.
    func reopen()

    /// Called after `synchronize` failed, before everything since the last durable cursor is handed over again.
    func startOver()

    /// Ends a `take` that blocks, until `resume`: it returns soon, with `SinkError.interrupted`.
    func interrupt()

    /// Takes events again after `interrupt`.
    func resume()

    /// Goes on where `other` stopped, which takes no more events. Called before the first `take`.
    func takeOver(from other: any Sink)
}

extension Sink {
    /// Nothing to do for a sink that hands its bytes to somebody else.
    public func synchronize() throws(SinkError) {}
    /// Nothing: the cursor tells.
    public func places() -> [LinePlace] { [] }
    /// Nothing that could be moved away.
    public func reopen() {}
    /// Nothing to take back.
    public func startOver() {}
    /// Nothing that had ended.
    public func resume() {}
    /// Nothing: the cursor tells.
    public func takeOver(from other: any Sink) {}
}

/// How many events a sink took, and what stopped it.
public struct Taken: Sendable {
    /// The number of events, counted from the first that was handed over.
    public var count: Int
    /// Why it took no more; nil where nothing is wrong.
    public var failure: SinkError?

    /// `count` events, and then perhaps a failure.
    public init(_ count: Int, failure: SinkError? = nil) {
        self.count = count
        self.failure = failure
    }
}

/// How much a sink takes at once, and when.
public struct SinkPace: Sendable {
    /// How much is read from the store for it at once.
    public var limit: ReadLimit
    /// How long it lets events gather after a batch, in microseconds, so that the next batch is worth a wake.
    public var pauseMicroseconds: UInt32
    /// How it is tried again after a failure.
    public var retry: RetryPolicy

    /// A pace; see the properties.
    public init(limit: ReadLimit, pauseMicroseconds: UInt32, retry: RetryPolicy) {
        self.limit = limit
        self.pauseMicroseconds = pauseMicroseconds
        self.retry = retry
    }
}
