// What a store of events is to the rest of the daemon. Nothing above may assume that it is local:
// candidates go in by batches, answers come back later, and each says how its candidate ended.

/// How a candidate ended.
public enum Outcome: Sendable, Equatable {
    /// Durable, under this sequence number, together with its nonce.
    case stored(sequence: Int64)
    /// A repeat of a callback that the store holds: same nonce, same signature.
    case duplicate
    /// Another callback with this nonce is stored already.
    case reusedNonce
    /// Outside the time window, and not stored before.
    case late
    /// Outside the time window, and not stored before: kept in quarantine.
    case quarantined
    /// Not stored, and its nonce is free: the sender may try again.
    case unavailable
}

/// How much a sink wants to read at once.
public struct ReadLimit: Sendable {
    /// The most events.
    public var events: Int
    /// The most bytes of bodies; one event is returned even if it is larger.
    public var bytes: Int

    /// At most `events` events and about `bytes` bytes.
    public init(events: Int, bytes: Int) {
        self.events = events
        self.bytes = bytes
    }
}

/// Events, their nonces, and how far each sink has come.
public protocol EventStore: AnyObject, Sendable {
    /// Hands candidates over. `completion` is called exactly once, on a queue of the store's, with one outcome
    /// for each candidate in their order. An outcome `.stored` means that event and nonce are on disk.
    func submit(
        _ batch: CandidateBatch, completion: @escaping @Sendable (CandidateBatch, [Outcome]) -> Void)

    /// Has `batch` hold the events behind `sequence`, oldest first, and nothing else; none where there is none yet. The
    /// batch's memory is used again, where nobody else holds it.
    ///
    /// Blocks on the disk where the events are no longer in memory. No read transaction outlives the call.
    func read(after sequence: Int64, limit: ReadLimit, into batch: inout EventBatch) throws(StoreError)

    /// The sequence number of the newest stored event; 0 in an empty store.
    var newestSequence: Int64 { get }

    /// The last sequence number that `sink` has taken, as last made durable; nil for a sink never seen. Never negative,
    /// and never ahead of `newestSequence`.
    func cursor(of sink: String) throws(StoreError) -> Int64?

    /// Makes durable how delivery has come on. Returns when it is on disk.
    func record(_ progress: DeliveryProgress) throws(StoreError)

    /// The events with these sequence numbers, in their order; those that are not there, or are damaged, are left out.
    func events(sequences: [Int64]) throws(StoreError) -> EventBatch

    /// The sequence numbers of events that `sink` is to take beside its cursor, lowest first. Each stays there until
    /// `record` says that it is over: taken, or buried again. Costs next to nothing while there is none.
    func redeliveries(of sink: String, limit: Int) throws(StoreError) -> [Int64]

    /// Has no event get a sequence number up to `sequence` from now on: somebody has had events of those numbers that
    /// the store does not know. They count as stored, and `newestSequence` is no lower then.
    func skip(through sequence: Int64) throws(StoreError)

    /// Calls `wake` after every commit that stored an event or queued a redelivery, on a queue of the store's. `wake`
    /// must not block.
    func onCommit(_ wake: @escaping @Sendable () -> Void)
}

extension EventStore {
    /// The events behind `sequence` in a batch of their own, as `read` has it.
    public func events(after sequence: Int64, limit: ReadLimit) throws(StoreError) -> EventBatch {
        var batch = EventBatch()
        try read(after: sequence, limit: limit, into: &batch)
        return batch
    }

    /// Makes durable how far sinks have come. Returns when it is on disk.
    public func moveCursors(_ cursors: [String: Int64]) throws(StoreError) {
        var progress = DeliveryProgress()
        progress.cursors = cursors
        try record(progress)
    }
}
