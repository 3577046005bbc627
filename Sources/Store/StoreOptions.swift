// How the embedded store is set up: its bounds, and what it may forget.

extension SQLiteEventStore {
    /// How a store is set up.
    public struct Options: Sendable {
        /// How far from now a timestamp may be, in seconds: the largest tolerance of all endpoints.
        public var toleranceSeconds: Int64
        /// The most nonces in memory; beyond it candidates are `.unavailable`.
        public var nonceCapacity: Int
        /// The newest events that are kept in memory for sinks, in bytes.
        public var tailBytes: Int
        /// How many bytes of candidates may wait for the writer; beyond it they are `.unavailable`.
        public var inboxBytes = 8 << 20
        /// How many candidates may wait for the writer; beyond it they are `.unavailable`.
        public var inboxCandidates = 65_536
        /// How old a late callback may be that an endpoint accepts, in seconds: the largest late window of all of them;
        /// 0 where none accepts any. An event is kept for as long, so that none is accepted twice.
        public var lateWindowSeconds: Int64 = 0
        /// The most callbacks in quarantine, and the most bytes of them; the oldest make room.
        public var quarantine = QuarantineBounds()
        /// The names of the sinks that are configured. What one of them has not taken is never deleted.
        public var sinks: [String] = []
        /// How long events are kept; nil for ever.
        public var retention: Retention?
        /// The free bytes on the disk below which callbacks are `.unavailable`, so that it never gets full; nil for
        /// what suits the disk. 0 for no reserve and no ballast.
        public var reserveBytes: Int64?

        /// A window of five minutes, 16,777,216 nonces and 4 MiB of newest events, unless said otherwise.
        public init(toleranceSeconds: Int64 = 300, nonceCapacity: Int = 1 << 24, tailBytes: Int = 4 << 20) {
            self.toleranceSeconds = toleranceSeconds
            self.nonceCapacity = nonceCapacity
            self.tailBytes = tailBytes
        }
    }
}

extension SQLiteEventStore {
    /// What is in force.
    var options: Options { optionsInForce.withLock { $0 } }

    /// Puts another time window, another bound of nonces or of the quarantine, other sinks, another retention and
    /// another reserve in force; other options stay what they were. Returns when the writer knows of it.
    ///
    /// A longer window needs nothing that is not there: what memory does not hold of it is looked up on disk, and what
    /// was deleted there is never taken for new.
    public func reconfigure(_ new: Options) {
        optionsInForce.withLock { options in
            options.toleranceSeconds = new.toleranceSeconds
            options.lateWindowSeconds = new.lateWindowSeconds
            options.nonceCapacity = new.nonceCapacity
            options.sinks = new.sinks
            options.retention = new.retention
            options.quarantine = new.quarantine
            options.reserveBytes = new.reserveBytes
        }
        // Where that fails, the file is opened again, and then by the new options.
        try? change { writer, now throws(StoreError) in
            writer.quarantine.bounds = new.quarantine
            self.upkeep.budget.setReserve(
                new.reserveBytes, totalBytes: DiskSpace(path: self.directory.path)?.totalBytes)
            try writer.reconfigure(
                toleranceSeconds: new.toleranceSeconds, nonceCapacity: new.nonceCapacity, now: now / 1_000_000)
        }
    }
}

/// How much the quarantine holds.
public struct QuarantineBounds: Sendable {
    /// The most callbacks.
    public var count: Int
    /// The most bytes of bodies, with 256 for each callback's other values.
    public var bytes: Int

    /// At most 10,000 callbacks and 64 MiB, unless said otherwise.
    public init(count: Int = 10_000, bytes: Int = 64 << 20) {
        self.count = count
        self.bytes = bytes
    }
}

/// How long events are kept. What a sink has yet to take, what a dead letter or a redelivery is about, and what a
/// repeat must be recognised by, is kept longer.
public struct Retention: Sendable {
    /// How old an event may become, in seconds; nil for any age.
    public var ageSeconds: Int64?
    /// How many bytes the store may use; nil for any number. The oldest events go first.
    public var sizeBytes: Int64?

    /// Nothing is deleted for a bound that is nil.
    public init(ageSeconds: Int64? = nil, sizeBytes: Int64? = nil) {
        self.ageSeconds = ageSeconds
        self.sizeBytes = sizeBytes
    }
}
