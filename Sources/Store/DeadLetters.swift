// What a sink was given up on, and what it is to take again: dead letters and redeliveries.
//
// Both are rows about an event, and keep that event from being deleted: its body is not copied, and what `show`
// prints and what is sent again are the row that was stored.

/// An event that a sink could not be made to take.
public struct DeadLetter: Sendable, Equatable {
    /// The longest `error` that is kept, in bytes.
    public static let errorLimitBytes = 4096

    /// What the operator calls it by; rises, and is never used again. 0 before it is buried.
    public var number: Int64 = 0
    /// The name of the sink.
    public var sink: String
    /// The event's sequence number.
    public var sequence: Int64
    /// The event's id, 16 bytes.
    public var id: [UInt8]
    /// How often it was tried.
    public var attempts: Int
    /// The HTTP status of the last answer; nil where there was none.
    public var status: Int?
    /// Why the last attempt failed; what is longer than `errorLimitBytes` is cut.
    public var error: String
    /// When it was given up, in microseconds since 1970 (UTC).
    public var buriedAt: Int64 = 0

    /// A letter that is to be buried.
    public init(sink: String, sequence: Int64, id: [UInt8], attempts: Int, status: Int?, error: String) {
        self.sink = sink
        self.sequence = sequence
        self.id = id
        self.attempts = attempts
        self.status = status
        self.error = error
    }
}

/// An event that a sink is to take beside its cursor.
public struct Redelivery: Sendable, Hashable {
    /// The name of the sink.
    public var sink: String
    /// The event's sequence number.
    public var sequence: Int64

    /// The event `sequence` for `sink`.
    public init(sink: String, sequence: Int64) {
        self.sink = sink
        self.sequence = sequence
    }
}

/// How delivery has come on, made durable in one transaction: so no event is ever behind the cursor of a sink that
/// neither took it nor has its dead letter.
public struct DeliveryProgress: Sendable {
    /// The last sequence number that each sink has taken, skipped or been given up on.
    public var cursors: [String: Int64] = [:]
    /// The events that sinks were given up on. Their redelivery, where there was one, is over.
    public var buried: [DeadLetter] = []
    /// The redeliveries that are over.
    public var redelivered: [Redelivery] = []

    /// Nothing yet.
    public init() {}

    /// Adds what came later.
    mutating func merge(_ later: DeliveryProgress) {
        cursors.merge(later.cursors) { max($0, $1) }
        buried += later.buried
        redelivered += later.redelivered
    }
}

/// The tables of delivery. Confined to the store's queue.
final class DeliveryTables {
    private let moveCursor: SQLiteStatement
    private let find: SQLiteStatement
    private let bury: SQLiteStatement
    private let unbury: SQLiteStatement
    private let redeliver: SQLiteStatement
    private let finish: SQLiteStatement
    private let holders: SQLiteStatement

    /// How many redeliveries each sink has waiting; no entry where it has none.
    private(set) var redeliveries: [String: Int] = [:]
    /// How many dead letters each sink has; no entry where it has none.
    private(set) var deadLetters: [String: Int] = [:]

    init(_ connection: SQLiteConnection) throws(StoreError) {
        moveCursor = try connection.prepare(
            "INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
            for: "moving a cursor")
        find = try connection.prepare(
            "SELECT number FROM dead_letters WHERE sequence = ? AND sink = ?", for: "looking for a dead letter")
        bury = try connection.prepare(
            """
            INSERT INTO dead_letters (sink, sequence, id, attempts, status, error, buried_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, for: "burying a dead letter")
        unbury = try connection.prepare(
            "DELETE FROM dead_letters WHERE number = ? RETURNING sink, sequence", for: "taking out a dead letter")
        redeliver = try connection.prepare(
            """
            INSERT INTO redeliveries SELECT ?, sequence FROM events WHERE sequence = ?
            ON CONFLICT DO NOTHING RETURNING 1
            """, for: "queueing a redelivery")
        finish = try connection.prepare(
            "DELETE FROM redeliveries WHERE sink = ? AND sequence = ? RETURNING 1", for: "finishing a redelivery")
        holders = try connection.prepare(
            """
            SELECT 1 FROM dead_letters WHERE sequence = ?1 UNION ALL
            SELECT 1 FROM redeliveries WHERE sequence = ?1 LIMIT 1
            """, for: "looking for what needs an event")
        let counts = try connection.prepare(
            """
            SELECT 0, sink, count(*) FROM redeliveries GROUP BY sink UNION ALL
            SELECT 1, sink, count(*) FROM dead_letters GROUP BY sink
            """, for: "counting dead letters")
        while try counts.step() {
            let (sink, count) = (counts.text(1), Int(counts.number(2)))
            if counts.number(0) == 0 { redeliveries[sink] = count } else { deadLetters[sink] = count }
        }
    }

    func move(_ sink: String, to sequence: Int64) throws(StoreError) {
        moveCursor.bind(1, copying: sink)
        moveCursor.bind(2, sequence)
        try moveCursor.step()
    }

    /// One letter for each event and sink: a second one for the same takes the place of the first.
    func bury(_ letter: DeadLetter, now: Int64) throws(StoreError) {
        find.bind(1, letter.sequence)
        find.bind(2, copying: letter.sink)
        if try find.step() {
            let earlier = find.number(0)
            find.reset()
            _ = try unbury(earlier)
        }
        let error = Self.cut(letter.error)
        bury.bind(1, copying: letter.sink)
        bury.bind(2, letter.sequence)
        bury.bind(3, copying: letter.id)
        bury.bind(4, Int64(letter.attempts))
        bury.bind(5, optional: letter.status.map { Int64($0) })
        bury.bind(6, copying: error)
        bury.bind(7, now)
        try bury.step()
        deadLetters[letter.sink, default: 0] += 1
    }

    /// Takes out a dead letter; nil where there is none.
    func unbury(_ number: Int64) throws(StoreError) -> Redelivery? {
        unbury.bind(1, number)
        guard try unbury.step() else { return nil }
        let letter = Redelivery(sink: unbury.text(0), sequence: unbury.number(1))
        while try unbury.step() {}
        Self.decrease(&deadLetters, letter.sink)
        return letter
    }

    /// Queues a redelivery. Returns whether it is new and the event is there.
    func redeliver(_ redelivery: Redelivery) throws(StoreError) -> Bool {
        redeliver.bind(1, copying: redelivery.sink)
        redeliver.bind(2, redelivery.sequence)
        guard try redeliver.step() else { return false }
        while try redeliver.step() {}
        redeliveries[redelivery.sink, default: 0] += 1
        return true
    }

    func finish(_ redelivery: Redelivery) throws(StoreError) {
        finish.bind(1, copying: redelivery.sink)
        finish.bind(2, redelivery.sequence)
        guard try finish.step() else { return }
        while try finish.step() {}
        Self.decrease(&redeliveries, redelivery.sink)
    }

    /// Whether a dead letter or a redelivery needs the event.
    func needs(_ sequence: Int64) throws(StoreError) -> Bool {
        guard !redeliveries.isEmpty || !deadLetters.isEmpty else { return false }
        holders.bind(1, sequence)
        defer { holders.reset() }
        return try holders.step()
    }

    private static func decrease(_ counts: inout [String: Int], _ sink: String) {
        let left = counts[sink, default: 0] - 1
        counts[sink] = left > 0 ? left : nil
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > DeadLetter.errorLimitBytes else { return text }
        // A character that is cut through becomes a replacement character of three bytes.
        return String(decoding: text.utf8.prefix(DeadLetter.errorLimitBytes - 3), as: UTF8.self)
    }
}

extension EventWriter {
    /// Notes how delivery has come on. Only in a commit.
    func record(_ progress: DeliveryProgress, now: Int64) throws(StoreError) {
        for (sink, sequence) in progress.cursors { try deliveries.move(sink, to: sequence) }
        for letter in progress.buried {
            try deliveries.bury(letter, now: now)
            try deliveries.finish(Redelivery(sink: letter.sink, sequence: letter.sequence))
        }
        for redelivery in progress.redelivered {
            try deliveries.finish(redelivery)
            try deleteIfLeftBehind(redelivery.sequence)
        }
    }

    /// Gives the event of a dead letter back to its sink, which begins to count its attempts anew. Only in a commit.
    ///
    /// - Returns: whether there was such a letter.
    func releaseDeadLetter(_ number: Int64) throws(StoreError) -> Bool {
        guard let letter = try deliveries.unbury(number) else { return false }
        _ = try deliveries.redeliver(letter)
        return true
    }

    /// Takes out a dead letter, and its event with it where that was kept for it alone. Only in a commit.
    ///
    /// - Returns: whether there was such a letter.
    func dropDeadLetter(_ number: Int64) throws(StoreError) -> Bool {
        guard let letter = try deliveries.unbury(number) else { return false }
        try deleteIfLeftBehind(letter.sequence)
        return true
    }

    /// Deletes an event that retention had passed by, when nothing needs it any longer.
    private func deleteIfLeftBehind(_ sequence: Int64) throws(StoreError) {
        guard sequence <= retirement.through, try !deliveries.needs(sequence) else { return }
        try retirement.delete(sequence)
    }
}
