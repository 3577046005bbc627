// Copying the events of a damaged store: which can be read, and which numbers are lost.
//
// Events are numbered without gaps. So where SQLite finds fault with the file, each number between what retention
// deleted and the newest that is known of had an event, and is lost if none was read.

/// What retention and the operator's tables say of old events.
struct RetentionTraces {
    /// The events that retention leaves where they are, and whether these are all.
    var needed: Set<Int64> = []
    var isNeededKnown = true
    /// Events up to this number were deleted, save those; and whether that could be read.
    private(set) var through: Int64 = 0
    var isThroughKnown = true

    /// Looks at a row of the table of facts.
    mutating func look(at fact: SQLiteStatement) {
        if fact.text(0) == Facts.Name.retiredThrough.rawValue { through = fact.number(1) }
    }
}

/// One reading of all events. Used once.
final class EventCopy {
    /// What was found.
    struct Found {
        /// How many events are whole.
        var count = 0
        /// The lowest number of a whole event.
        var oldest: Int64?
        /// The highest number of any event, whole or not.
        var newest: Int64 = 0
        /// What could not be read, or is not what was stored.
        var lost: [ClosedRange<Int64>] = []
    }

    private let copy: TableCopy
    private let isMalformed: Bool
    private let known: Int64
    private let mark: Int64
    private var found = Found()
    private var newestWhole: Int64 = 0
    /// The numbers of rows that are not what was stored.
    private var changed = NumberRanges()

    /// How many numbers are tried behind the last one that is known of.
    private static let furtherNumbers: Int64 = 4096

    /// - Parameters:
    ///   - known: the highest number that anything tells of.
    ///   - mark: the highest number of which the mark tells, which is never too high.
    init(_ copy: TableCopy, isMalformed: Bool, known: Int64, mark: Int64) {
        self.copy = copy
        self.isMalformed = isMalformed
        self.known = known
        self.mark = mark
    }

    /// Copies what can be read.
    func run(_ retention: RetentionTraces) throws(StoreError) -> Found {
        var walk = try copy.eventWalk { [self] row throws(StoreError) in try take(row) }
        if known > 0 { try walk.read(1...known, isEndBelieved: true) }
        // The mark is behind after a power cut, and gone where a bit of it flipped: what may follow is tried as well.
        var low = known + 1
        while true {
            let before = found.newest
            try walk.read(low...low + Self.furtherNumbers, isEndBelieved: true)
            if found.newest == before || found.newest < low { break }
            low = found.newest + 1
        }
        let newest = max(mark, newestWhole)
        let deleted = deletedThrough(retention, walk, newest: newest)
        if isMalformed {
            for number in retention.needed.sorted() where (1...deleted + 1).contains(number) {
                try walk.read(number...number, isEndBelieved: false)
            }
            if deleted < newest { try walk.read(deleted + 1...newest, isEndBelieved: false) }
        }
        found.lost = lost(walk, retention, deleted: deleted)
        return found
    }

    private func take(_ row: SQLiteStatement) throws(StoreError) -> Bool {
        let number = row.number(0)
        found.newest = max(found.newest, number)
        guard try copy.takeEvent(row) else {
            changed.insert(number)
            return false
        }
        newestWhole = max(newestWhole, number)
        found.oldest = min(found.oldest ?? number, number)
        found.count += 1
        return true
    }

    /// The number up to which an event that is not there is none that was lost. Where that cannot be read, it is what
    /// precedes the oldest event.
    private func deletedThrough(_ retention: RetentionTraces, _ walk: RowWalk, newest: Int64) -> Int64 {
        if retention.isThroughKnown, (0...max(known, newest)).contains(retention.through) { return retention.through }
        return (found.oldest ?? 1) - 1
    }

    private func lost(_ walk: RowWalk, _ retention: RetentionTraces, deleted: Int64) -> [ClosedRange<Int64>] {
        var lost = NumberRanges()
        for number in changed.ranges.joined() where !walk.taken.contains(number) { lost.insert(number) }
        for number in walk.unread.ranges.joined() where !walk.taken.contains(number) {
            // Nothing is known to have been there, so near the end.
            if number > known, number >= found.newest { continue }
            // Retention had deleted it.
            if retention.isThroughKnown, retention.isNeededKnown, number <= deleted,
                !retention.needed.contains(number)
            {
                continue
            }
            lost.insert(number)
        }
        return lost.ranges
    }
}
