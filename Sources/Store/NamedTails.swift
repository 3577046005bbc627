// Named tails: readers that come when they like, and go on where they acknowledged last. They are no sinks, and their
// names have a table of their own: a tail and a sink may have the same name and share nothing.

/// How far the reader of a name has come.
public struct NamedTail: Sendable, Equatable {
    /// How many names there may be.
    public static let limit = 32

    /// The name.
    public var name: String
    /// The last event that was acknowledged.
    public var sequence: Int64
    /// When somebody last read under the name, in microseconds since 1970 (UTC).
    public var readAt: Int64
    /// Events up to this one were deleted before they were read; nil where none was.
    public var missedThrough: Int64?

    /// A name, and where it is.
    public init(name: String, sequence: Int64, readAt: Int64, missedThrough: Int64? = nil) {
        (self.name, self.sequence, self.readAt, self.missedThrough) = (name, sequence, readAt, missedThrough)
    }
}

/// What became of a name that is to be there.
public enum TailOpening: Sendable, Equatable {
    /// It was there, and goes on behind this event.
    case known(sequence: Int64)
    /// It is new, and begins behind this event.
    case new(sequence: Int64)
    /// There are as many names as there may be.
    case tooMany
}

/// The table of named tails. Confined to the store's queue.
final class TailTable {
    private let find: SQLiteStatement
    private let count: SQLiteStatement
    private let insert: SQLiteStatement
    private let touch: SQLiteStatement
    private let move: SQLiteStatement
    private let delete: SQLiteStatement
    private let select: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(StoreError) {
        find = try connection.prepare("SELECT sequence FROM tails WHERE name = ?", for: "looking for a tail")
        count = try connection.prepare("SELECT count(*) FROM tails", for: "counting the tails")
        insert = try connection.prepare("INSERT INTO tails VALUES (?, ?, ?)", for: "making a tail")
        touch = try connection.prepare("UPDATE tails SET read_at = ? WHERE name = ?", for: "opening a tail")
        move = try connection.prepare(
            "UPDATE tails SET sequence = max(sequence, ?), read_at = ? WHERE name = ? RETURNING sequence",
            for: "acknowledging events")
        delete = try connection.prepare("DELETE FROM tails WHERE name = ? RETURNING 1", for: "dropping a tail")
        select = try connection.prepare("SELECT name, sequence, read_at FROM tails", for: "reading the tails")
    }

    /// Makes a name that is not there yet begin behind `start`.
    func open(_ name: String, newFrom start: Int64, now: Int64) throws(StoreError) -> TailOpening {
        find.bind(1, copying: name)
        if try find.step() {
            let sequence = find.number(0)
            find.reset()
            touch.bind(1, now)
            touch.bind(2, copying: name)
            try touch.step()
            return .known(sequence: sequence)
        }
        defer { count.reset() }
        guard try count.step(), count.number(0) < Int64(NamedTail.limit) else { return .tooMany }
        insert.bind(1, copying: name)
        insert.bind(2, start)
        insert.bind(3, now)
        try insert.step()
        return .new(sequence: start)
    }

    /// Notes that all events up to `sequence` were read. A lower one than before changes nothing but the time.
    ///
    /// - Returns: how far the name has come then; nil where there is no such name.
    func acknowledge(_ name: String, through sequence: Int64, now: Int64) throws(StoreError) -> Int64? {
        move.bind(1, sequence)
        move.bind(2, now)
        move.bind(3, copying: name)
        guard try move.step() else { return nil }
        let reached = move.number(0)
        while try move.step() {}
        return reached
    }

    /// Forgets a name. Returns whether it was there.
    func drop(_ name: String) throws(StoreError) -> Bool {
        delete.bind(1, copying: name)
        guard try delete.step() else { return false }
        while try delete.step() {}
        return true
    }

    func all() throws(StoreError) -> [NamedTail] {
        var tails: [NamedTail] = []
        while try select.step() {
            tails.append(NamedTail(name: select.text(0), sequence: select.number(1), readAt: select.number(2)))
        }
        return tails
    }
}

extension EventReader {
    /// All named tails, by their names.
    public func tails() throws(StoreError) -> [NamedTail] {
        guard try Schema.hasTails(connection) else { return [] }
        let select = try connection.prepare(
            """
            SELECT name, sequence, read_at,
                (SELECT value FROM facts WHERE name = '\(Facts.Name.retiredThrough.rawValue)')
            FROM tails ORDER BY name
            """, for: "reading the tails")
        var tails: [NamedTail] = []
        while try select.step() {
            var tail = NamedTail(name: select.text(0), sequence: select.number(1), readAt: select.number(2))
            if !select.isNull(3), select.number(3) > tail.sequence { tail.missedThrough = select.number(3) }
            tails.append(tail)
        }
        return tails
    }
}

extension SQLiteEventStore {
    /// All named tails, by their names.
    public func tails() throws(StoreError) -> [NamedTail] {
        try withReader { reader throws(StoreError) in try reader.tails() }
    }

    /// The named tail; nil where there is none.
    public func tail(_ name: String) throws(StoreError) -> NamedTail? {
        try tails().first { $0.name == name }
    }

    /// Has a named tail be there, and notes that it is read now.
    ///
    /// - Parameter start: the event behind which it begins if it is new; later where those behind it were deleted.
    public func openTail(_ name: String, newFrom start: Int64) throws(StoreError) -> TailOpening {
        try change { writer, now throws(StoreError) in
            try writer.tails.open(name, newFrom: max(start, writer.retirement.through), now: now)
        }
    }

    /// Notes that all events up to `sequence` were read under a name. Returns when that is on disk.
    ///
    /// - Returns: how far the name has come then; nil where there is no such name.
    public func acknowledge(_ name: String, through sequence: Int64) throws(StoreError) -> Int64? {
        try change { writer, now throws(StoreError) in
            try writer.tails.acknowledge(name, through: sequence, now: now)
        }
    }

    /// Forgets named tails.
    ///
    /// - Returns: how many of them were there.
    public func dropTails(_ names: [String]) throws(StoreError) -> Int {
        try change { writer, _ throws(StoreError) in
            var count = 0
            for name in names where try writer.tails.drop(name) { count += 1 }
            return count
        }
    }

    /// The last event that was stored before `time`, in microseconds since 1970 (UTC); 0 where there is none.
    public func newestSequence(recordedBefore time: Int64) throws(StoreError) -> Int64 {
        try withReader { reader throws(StoreError) in try reader.newestSequence(recordedBefore: time) }
    }
}
