// What delivery and operators ask of the embedded store besides events. Whatever changes the file goes through the
// writer's queue, in the transaction of the next commit.

extension SQLiteEventStore {
    // MARK: Delivery

    /// Has the next commit note how delivery has come on, and waits for it.
    public func record(_ progress: DeliveryProgress) throws(StoreError) {
        try change { writer, now throws(StoreError) in try writer.record(progress, now: now) }
    }

    /// Has no event get a sequence number up to `sequence` from now on. The mark remembers it until there is one
    /// behind it.
    public func skip(through sequence: Int64) throws(StoreError) {
        guard sequence > newestSequence else { return }
        try change { writer, _ throws(StoreError) in writer.skip(through: sequence) }
    }

    /// The events with these sequence numbers, from disk.
    public func events(sequences: [Int64]) throws(StoreError) -> EventBatch {
        try withReader { reader throws(StoreError) in
            try reader.events(sequences: sequences) { tellDamaged($0) }
        }
    }

    /// The sequence numbers of events that `sink` is to take beside its cursor, lowest first.
    public func redeliveries(of sink: String, limit: Int) throws(StoreError) -> [Int64] {
        guard gauges.withLock({ $0.redeliveries[sink] != nil }) else { return [] }
        return try withReader { reader throws(StoreError) in try reader.redeliveries(of: sink, limit: limit) }
    }

    func tellDamaged(_ sequence: Int64) {
        gauges.withLock { $0.damagedReads += 1 }
        notify(.damagedEvent(sequence: sequence))
    }

    // MARK: Dead letters

    /// The dead letters behind the number `number`, oldest first; those of all sinks where `sink` is nil.
    public func deadLetters(
        of sink: String? = nil, after number: Int64 = 0, limit: Int
    ) throws(StoreError) -> [DeadLetter] {
        try withReader { reader throws(StoreError) in
            try reader.deadLetters(of: sink, after: number, limit: limit)
        }
    }

    /// Gives the events of dead letters back to their sinks, which count their attempts anew.
    ///
    /// - Returns: how many of the letters were there.
    public func releaseDeadLetters(_ numbers: [Int64]) throws(StoreError) -> Int {
        try change { writer, _ throws(StoreError) in
            var count = 0
            for number in numbers where try writer.releaseDeadLetter(number) { count += 1 }
            return count
        }
    }

    /// Takes out dead letters; their events are not delivered again.
    ///
    /// - Returns: how many of the letters were there.
    public func dropDeadLetters(_ numbers: [Int64]) throws(StoreError) -> Int {
        try change { writer, _ throws(StoreError) in
            var count = 0
            for number in numbers where try writer.dropDeadLetter(number) { count += 1 }
            return count
        }
    }

    /// Has a sink take events again, beside its cursor. At most some thousands at a time, for all of them are queued in
    /// one commit.
    ///
    /// - Returns: how many are queued: those that are stored, and were not queued before.
    public func replay(_ sequences: [Int64], to sink: String) throws(StoreError) -> Int {
        try change { writer, _ throws(StoreError) in
            var count = 0
            for sequence in sequences
            where try writer.deliveries.redeliver(Redelivery(sink: sink, sequence: sequence)) { count += 1 }
            return count
        }
    }

    // MARK: Quarantine

    /// The callbacks in quarantine behind the number `number`, oldest first.
    public func quarantined(after number: Int64 = 0, limit: Int) throws(StoreError) -> [QuarantinedCallback] {
        try withReader { reader throws(StoreError) in try reader.quarantined(after: number, limit: limit) }
    }

    /// A callback in quarantine, and the whole of it as an event with the sequence 0; nil where there is none.
    public func quarantinedCallback(
        _ number: Int64
    ) throws(StoreError) -> (callback: QuarantinedCallback, event: EventBatch)? {
        try withReader { reader throws(StoreError) in try reader.quarantinedCallback(number) }
    }

    /// Makes a callback in quarantine an event, which is delivered like any other.
    public func releaseQuarantined(_ number: Int64) throws(StoreError) -> QuarantineRelease {
        try change { writer, now throws(StoreError) in try writer.releaseFromQuarantine(number, now: now) }
    }

    /// Takes callbacks out of the quarantine for good.
    ///
    /// - Returns: how many of them were there.
    public func dropQuarantined(_ numbers: [Int64]) throws(StoreError) -> Int {
        try change { writer, _ throws(StoreError) in
            var count = 0
            for number in numbers where try writer.quarantine.drop(number) { count += 1 }
            return count
        }
    }

    // MARK: Backup

    /// Copies the store as it is at this moment into a new file, while it takes callbacks; see
    /// `EventReader.backup(to:)`. Blocks until that is on disk.
    public func backup(to path: String) throws(StoreError) {
        try EventReader(path: directory.databasePath).backup(to: path)
    }
}
