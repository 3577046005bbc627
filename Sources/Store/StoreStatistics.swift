// How much the embedded store holds, for metrics.

/// The state of a store at one moment.
public struct StoreStatistics: Sendable {
    /// How many events are stored. About: gaps in the numbering, left by events that were lost, count.
    public var storedEvents: Int64 = 0
    /// The bytes of the file that hold something, as of the last second or so.
    public var storedBytes: Int64 = 0
    /// The bytes of the write-ahead log.
    public var walBytes: Int64 = 0
    /// The bytes that are free on the disk; nil where the file system does not answer.
    public var freeBytes: Int64?
    /// How many nonces are in memory.
    public var nonces = 0
    /// How many callbacks are in quarantine.
    public var quarantined = 0
    /// How many callbacks have left the quarantine to make room since the start.
    public var quarantineDropped = 0
    /// How many dead letters each sink has; no entry where it has none.
    public var deadLetters: [String: Int] = [:]
    /// How many redeliveries wait for each sink; no entry where none does.
    public var redeliveries: [String: Int] = [:]
    /// How often a damaged event was read and left out since the start.
    public var damagedReads = 0
}

extension SQLiteEventStore {
    /// What the writer says of itself after each commit.
    struct Gauges {
        var newest: Int64 = 0
        var retiredThrough: Int64 = 0
        var leftBehind = 0
        var usedBytes: Int64 = 0
        var nonces = 0
        var quarantined = 0
        var quarantineDropped = 0
        /// Of `quarantineDropped`, what the writer at hand has dropped.
        var droppedByWriter = 0
        var deadLetters: [String: Int] = [:]
        var redeliveries: [String: Int] = [:]
        var damagedReads = 0
    }

    /// Notes what the writer says of itself. Returns whether redeliveries were queued.
    @discardableResult
    func read(_ writer: EventWriter) -> Bool {
        let (hasMore, dropped) = gauges.withLock { gauges in
            let dropped = writer.quarantine.dropped - gauges.droppedByWriter
            gauges.newest = writer.nextSequence - 1
            gauges.retiredThrough = writer.retirement.through
            gauges.leftBehind = writer.retirement.leftBehind
            gauges.nonces = writer.nonceCount
            gauges.quarantined = writer.quarantine.count
            // A writer that was opened anew counts anew.
            gauges.quarantineDropped += max(0, dropped)
            gauges.droppedByWriter = writer.quarantine.dropped
            gauges.deadLetters = writer.deliveries.deadLetters
            let before = gauges.redeliveries
            gauges.redeliveries = writer.deliveries.redeliveries
            return (gauges.redeliveries.contains { $0.value > before[$0.key, default: 0] }, dropped)
        }
        if dropped > 0 { notify(.quarantineOverflowed(dropped: dropped)) }
        return hasMore
    }

    func gauge(sizesOf usedBytes: Int64) {
        gauges.withLock { gauges in
            gauges.usedBytes = usedBytes
            if let writer {
                gauges.retiredThrough = writer.retirement.through
                gauges.leftBehind = writer.retirement.leftBehind
            }
        }
    }

    /// How much the store holds. From any queue; asks the file system, not the database.
    public var statistics: StoreStatistics {
        let gauges = gauges.withLock { $0 }
        var statistics = StoreStatistics()
        statistics.storedEvents = max(0, gauges.newest - gauges.retiredThrough) + Int64(gauges.leftBehind)
        statistics.storedBytes = gauges.usedBytes
        statistics.walBytes = sizeOfFile(directory.logPath)
        statistics.freeBytes = DiskSpace(path: directory.path)?.freeBytes
        statistics.nonces = gauges.nonces
        statistics.quarantined = gauges.quarantined
        statistics.quarantineDropped = gauges.quarantineDropped
        statistics.deadLetters = gauges.deadLetters
        statistics.redeliveries = gauges.redeliveries
        statistics.damagedReads = gauges.damagedReads
        return statistics
    }
}
