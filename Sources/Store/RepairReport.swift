// What a repair of a damaged store has found, for the operator.

/// What could be read of a damaged store, and what could not.
public struct RepairReport: Sendable, Equatable {
    /// How many events are whole.
    public var events = 0
    /// The numbers whose events could not be read, or are not what was stored. In a malformed file that is every number
    /// from the oldest event that retention left to the newest that is known of, if it was not read: some may have had
    /// no event, such as those that an earlier repair found lost.
    public var lost: [ClosedRange<Int64>] = []
    /// How many rows of the other tables could be read, by the table's name.
    public var rows: [String: Int] = [:]
    /// The tables besides that of the events of which something could not be read, or may not have been.
    public var incomplete: [String] = []
    /// The sinks whose places could not be read: they begin again at the oldest event that is left.
    public var restarted: [String] = []
    /// The number of the next event; no event had it, nor a higher one.
    public var nextSequence: Int64 = 1
    /// Whether SQLite itself finds fault with the file.
    public var isMalformed = false
    /// Whether an earlier repair was interrupted, and only its last steps were left; then nothing else is told.
    public var isResumed = false
    /// Where the damaged file is now; nil where nothing was changed.
    public var damagedPath: String?

    /// Whether there is anything to repair.
    public var isDamaged: Bool { isMalformed || !lost.isEmpty || !incomplete.isEmpty }

    /// How many numbers are in `lost`.
    public var lostCount: Int64 { lost.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 } }
}
