// Which events `hookd tail` prints, and in what pieces it reads them.

import Store

/// What `hookd tail` needs of a store.
protocol EventReading {
    /// The sequence number of the newest event; 0 in an empty store.
    func newestSequence() throws(StoreError) -> Int64
    /// The last event that was stored before `time`, in microseconds since 1970 (UTC); 0 where there is none.
    func newestSequence(recordedBefore time: Int64) throws(StoreError) -> Int64
    /// The events behind `sequence`, oldest first; `damaged` is told of each one that is left out.
    func events(
        after sequence: Int64, limit: ReadLimit, damaged: (Int64) -> Void
    ) throws(StoreError) -> EventBatch
}

/// Which events are asked for.
struct EventSelection: Equatable {
    /// Nothing stored before, in microseconds since 1970 (UTC); nil for no bound.
    var since: Int64?
    /// Only the last ones, that many; nil for all.
    var lines: Int?
}

/// A way through the events of a store, oldest first.
struct Tail<Events: EventReading> {
    let events: Events
    /// Whether an event counts.
    let matches: (StoredEvent, borrowing EventBatch) -> Bool
    /// Is told of events whose bodies are not those that were stored.
    let damaged: (Int64) -> Void
    /// Whether to read on; asked before each piece.
    var goesOn: () -> Bool = { true }

    /// What is read at once: bounded, however much is stored.
    private let piece = ReadLimit(events: 256, bytes: 1 << 20)

    /// The sequence number behind which the selection begins.
    func start(of selection: EventSelection) throws(StoreError) -> Int64 {
        let newest = try events.newestSequence()
        let since = try selection.since.map { time throws(StoreError) in
            try events.newestSequence(recordedBefore: time)
        }
        let lines = try selection.lines.map { count throws(StoreError) in
            try startOfLast(count, upTo: newest, noEarlierThan: since ?? 0)
        }
        return max(since ?? 0, lines ?? 0)
    }

    /// Shows all matching events behind `sequence` that are stored by now.
    ///
    /// - Parameter show: is given an event and the batch that holds its bytes, and says whether to go on.
    /// - Returns: the last event that was read; nil where no more was wanted.
    func read(
        after sequence: Int64, show: (StoredEvent, borrowing EventBatch) -> Bool
    ) throws(StoreError) -> Int64? {
        var position = sequence
        // A bound, for a daemon may store faster than a terminal scrolls.
        let newest = try events.newestSequence()
        while position < newest {
            guard goesOn() else { return nil }
            var last = position
            let batch = try events.events(after: position, limit: piece) { damagedSequence in
                damaged(damagedSequence)
                last = max(last, damagedSequence)
            }
            for event in batch.events where matches(event, batch) {
                guard show(event, batch) else { return nil }
            }
            last = max(last, batch.events.last?.sequence ?? 0)
            if last == position { break }
            position = last
        }
        return position
    }

    /// Looks back from `newest` in growing windows until `count` matching events are found.
    private func startOfLast(
        _ count: Int, upTo newest: Int64, noEarlierThan bound: Int64
    ) throws(StoreError) -> Int64 {
        if count == 0 { return newest }
        var missing = count
        var upper = newest
        var window = Int64(max(64, min(count, 4096)))
        while upper > bound, goesOn() {
            let lower = max(bound, upper - window)
            let found = try matchingSequences(after: lower, upTo: upper)
            if found.count >= missing { return found[found.count - missing] - 1 }
            missing -= found.count
            upper = lower
            window = min(window * 2, 65_536)
        }
        return bound
    }

    private func matchingSequences(after lower: Int64, upTo upper: Int64) throws(StoreError) -> [Int64] {
        var sequences: [Int64] = []
        var position = lower
        while position < upper {
            // Told of when they are read to be shown.
            var last = position
            let batch = try events.events(after: position, limit: piece) { last = max(last, $0) }
            for event in batch.events where event.sequence <= upper && matches(event, batch) {
                sequences.append(event.sequence)
            }
            last = max(last, batch.events.last?.sequence ?? 0)
            if last == position { break }
            position = last
        }
        return sequences
    }
}

extension EventReader: EventReading {}
