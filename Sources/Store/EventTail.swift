// The newest stored events in memory, so that a sink which keeps up never reads from disk.

/// The events of the latest commits, bounded in bytes: the oldest leave first.
struct EventTail {
    /// The events of one batch of candidates, in the batch's own bytes.
    private struct Piece {
        let bytes: [UInt8]
        let events: [StoredEvent]
        var first: Int64 { events.first?.sequence ?? 0 }
        var last: Int64 { events.last?.sequence ?? 0 }
    }

    private var pieces: [Piece] = []
    private var start = 0
    private var byteCount = 0
    private let capacityBytes: Int

    /// A tail of at most about `capacityBytes`.
    init(capacityBytes: Int) { self.capacityBytes = capacityBytes }

    /// Adds what was stored of a batch.
    mutating func append(_ batch: CandidateBatch, outcomes: [Outcome], recordedAt: Int64) {
        var events: [StoredEvent] = []
        events.reserveCapacity(outcomes.count)
        for (candidate, outcome) in zip(batch.candidates, outcomes) {
            guard case .stored(let sequence) = outcome else { continue }
            events.append(StoredEvent(candidate, sequence: sequence, recordedAt: recordedAt))
        }
        guard !events.isEmpty else { return }
        pieces.append(Piece(bytes: batch.bytes, events: events))
        byteCount += batch.bytes.count
        // All of them, where the last one alone is too large: the disk has it, too.
        while byteCount > capacityBytes, start < pieces.count {
            byteCount -= pieces[start].bytes.count
            pieces[start] = Piece(bytes: [], events: [])
            start += 1
        }
        if start > pieces.count / 2 {
            pieces.removeFirst(start)
            start = 0
        }
    }

    /// Forgets everything.
    mutating func clear() {
        pieces = []
        start = 0
        byteCount = 0
    }

    /// The events behind `sequence`, if the very next one is in memory: nil means that the disk must be asked.
    ///
    /// - Returns: what to copy; copying needs no lock on the tail.
    func slice(after sequence: Int64, limit: ReadLimit) -> Slice? {
        guard start < pieces.count, pieces[start].first <= sequence + 1 else { return nil }
        var low = start
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].last <= sequence { low = middle + 1 } else { high = middle }
        }
        var slice = Slice(after: sequence, limit: limit, pieces: [])
        var events = 0
        var bytes = 0
        while low < pieces.count, events < limit.events, bytes < limit.bytes {
            slice.pieces.append((pieces[low].bytes, pieces[low].events))
            events += pieces[low].events.count
            bytes += pieces[low].bytes.count
            low += 1
        }
        return slice
    }

    /// A part of the tail, sharing its memory.
    struct Slice {
        fileprivate let after: Int64
        fileprivate let limit: ReadLimit
        fileprivate var pieces: [(bytes: [UInt8], events: [StoredEvent])]

        /// Copies the events into an empty batch.
        func copy(into batch: inout EventBatch) {
            var bodyBytes = 0
            for piece in pieces {
                var wanted = piece.events[...]
                wanted = wanted.drop { $0.sequence <= after }.prefix { event in
                    defer { bodyBytes += Int(event.body.count) }
                    return bodyBytes < limit.bytes
                }
                wanted = wanted.prefix(limit.events - batch.events.count)
                batch.append(wanted, of: piece.bytes)
            }
            batch.pad()
        }
    }
}

extension EventBatch {
    /// Adds events whose ranges point into `source`: all of it at once, where that is not much more than they need. It
    /// may be many megabytes, of which one event is wanted.
    fileprivate mutating func append(_ wanted: ArraySlice<StoredEvent>, of source: [UInt8]) {
        let ownBytes = wanted.reduce(0) { $0 + $1.ownRange.count }
        guard ownBytes >= source.count / 2 else {
            for event in wanted { append(copyOf: event, in: source) }
            return
        }
        let shift = Int32(truncatingIfNeeded: bytes.count)
        bytes.append(contentsOf: source)
        for event in wanted { events.append(event.shifted(by: shift)) }
    }
}

extension StoredEvent {
    init(_ candidate: Candidate, sequence: Int64, recordedAt: Int64) {
        self.init(
            sequence: sequence, recordedAt: recordedAt, receivedAt: candidate.receivedAt,
            signedAt: candidate.signedAt, endpoint: candidate.endpoint, client: candidate.client,
            nonce: candidate.nonce,
            signature: candidate.signature, algorithm: candidate.algorithm, id: candidate.id, body: candidate.body)
    }
}
