// An EventStore for tests of delivery: events in an array, durable as long as the object.

import Dispatch
import Synchronization

@testable import Store

/// What a test stores.
struct TestEvent: Sendable {
    var endpoint = "/callbacks"
    var client: [UInt8] = []
    var body: [UInt8]
    var nonce = "01FJA8B4A7BM43YGWSG9GBV067"
    var signature = [UInt8](0..<32)
    var algorithm = "HmacSHA256"
    var signedAt: Int64 = 1_634_579_353

    init(_ body: String) { self.body = Array(body.utf8) }
    init(bytes: [UInt8]) { body = bytes }
}

/// Keeps events in memory, and fails or blocks where a test tells it to.
final class InMemoryEventStore: EventStore {
    struct State {
        var events: [(sequence: Int64, event: TestEvent)] = []
        var newest: Int64 = 0
        var cursors: [String: Int64] = [:]
        var moves: [[String: Int64]] = []
        var buried: [DeadLetter] = []
        var redeliveries: [Redelivery] = []
        var wakes: [@Sendable () -> Void] = []
        var failingReads = 0
        var failingMoves = 0
        /// Whether nobody can ask for a cursor.
        var hidesCursors = false
        var holdMoves: DispatchSemaphore?
        /// Called once, when somebody has looked for the newest event and not yet been told.
        var betweenLookAndAnswer: (@Sendable () -> Void)?
    }

    let state = Mutex(State())
    /// Signalled after each successful `record`.
    let moved = DispatchSemaphore(value: 0)
    /// Signalled when a `record` begins.
    let moving = DispatchSemaphore(value: 0)

    /// Stores events and wakes whoever asked for it.
    func append(_ events: [TestEvent]) {
        let wakes = state.withLock { state in
            for event in events {
                state.newest += 1
                state.events.append((state.newest, event))
            }
            return state.wakes
        }
        for wake in wakes { wake() }
    }

    /// Stores events with these bodies.
    func append(_ bodies: [String]) {
        append(bodies.map { TestEvent($0) })
    }

    func submit(_ batch: CandidateBatch, completion: @escaping @Sendable (CandidateBatch, [Outcome]) -> Void) {
        completion(batch, batch.candidates.map { _ in .unavailable })
    }

    func read(after sequence: Int64, limit: ReadLimit, into batch: inout EventBatch) throws(StoreError) {
        let isFailing = state.withLock { state in
            state.failingReads -= state.failingReads > 0 ? 1 : 0
            return state.failingReads > 0
        }
        if isFailing { throw .unavailable }
        let found = state.withLock { state in Array(state.events.filter { $0.sequence > sequence }.prefix(limit.events))
        }
        batch = makeBatch(found)
    }

    func events(sequences: [Int64]) throws(StoreError) -> EventBatch {
        let found = state.withLock { state in
            sequences.flatMap { wanted in state.events.filter { $0.sequence == wanted } }
        }
        return makeBatch(found)
    }

    func redeliveries(of sink: String, limit: Int) throws(StoreError) -> [Int64] {
        state.withLock { state in
            Array(state.redeliveries.filter { $0.sink == sink }.map(\.sequence).sorted().prefix(limit))
        }
    }

    var newestSequence: Int64 {
        let (newest, hook) = state.withLock { state in
            defer { state.betweenLookAndAnswer = nil }
            return (state.newest, state.betweenLookAndAnswer)
        }
        hook?()
        return newest
    }

    func cursor(of sink: String) throws(StoreError) -> Int64? {
        if state.withLock({ $0.hidesCursors }) { throw .unavailable }
        return state.withLock { $0.cursors[sink] }
    }

    func record(_ progress: DeliveryProgress) throws(StoreError) {
        moving.signal()
        state.withLock { $0.holdMoves }?.wait()
        let isFailing = state.withLock { state in
            if state.failingMoves > 0 {
                state.failingMoves -= 1
                return true
            }
            state.cursors.merge(progress.cursors) { $1 }
            state.moves.append(progress.cursors)
            state.buried += progress.buried
            let isOver = Set(
                progress.redelivered + progress.buried.map { Redelivery(sink: $0.sink, sequence: $0.sequence) })
            state.redeliveries.removeAll { isOver.contains($0) }
            return false
        }
        if isFailing { throw .unavailable }
        moved.signal()
    }

    func skip(through sequence: Int64) throws(StoreError) {
        state.withLock { $0.newest = max($0.newest, sequence) }
    }

    func onCommit(_ wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wakes.append(wake) }
    }
}

/// A batch as a store makes it: all bytes in one array, with padding behind them.
func makeBatch(_ events: [(sequence: Int64, event: TestEvent)]) -> EventBatch {
    var batch = EventBatch()
    func put(_ value: some Collection<UInt8>) -> ByteRange {
        let range = ByteRange(offset: batch.bytes.count, count: value.count)
        batch.bytes += value
        return range
    }
    for (sequence, event) in events {
        let stored = StoredEvent(
            sequence: sequence, recordedAt: 1_634_579_354_027_000, receivedAt: 1_634_579_354_026_000,
            signedAt: event.signedAt, endpoint: put(event.endpoint.utf8), client: put(event.client),
            nonce: put(event.nonce.utf8),
            signature: put(event.signature), algorithm: put(event.algorithm.utf8),
            id: put([UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: 16)), body: put(event.body))
        batch.events.append(stored)
    }
    batch.bytes += [UInt8](repeating: 0, count: EventBatch.padding)
    return batch
}

/// A batch of events with these bodies, numbered from `first`.
func makeBatch(_ bodies: [String], from first: Int64 = 1) -> EventBatch {
    makeBatch(bodies.enumerated().map { (first + Int64($0), TestEvent($1)) })
}
