// Genuine callbacks that came outside the time window and were never stored: kept apart, bounded, for the operator.

/// A callback in quarantine. Its values are in `QuarantinedCallback.batch`, as those of an event with the sequence 0.
public struct QuarantinedCallback: Sendable {
    /// What the operator calls it by; rises, and is never used again.
    public var number: Int64
    /// When it came first, in microseconds since 1970 (UTC).
    public var receivedAt: Int64
    /// When it came last, in microseconds since 1970 (UTC).
    public var lastReceivedAt: Int64
    /// How often it came, with whatever nonce.
    public var times: Int64
    /// The signed timestamp of the first, in seconds since 1970 (UTC).
    public var signedAt: Int64
    /// The path of the endpoint that it came to.
    public var endpoint: String
    /// The length of the body in bytes.
    public var bodyBytes: Int
    /// Whether events of the time of its signature were deleted already, so that it may be a repeat of one of them.
    public var mayBeRepeat: Bool
}

/// What became of a callback that was to be released from quarantine.
public enum QuarantineRelease: Sendable, Equatable {
    /// It is an event now, under this sequence number, and delivered like any other.
    case stored(sequence: Int64)
    /// It, or another callback with its nonce, had been stored meanwhile. It has left the quarantine.
    case alreadyStored
    /// There is no room for its nonce in memory, or the disk is full. It stays in quarantine.
    case unavailable
    /// There is none with this number.
    case unknown
}

/// The table of callbacks in quarantine. Confined to the store's queue.
final class QuarantineTable {
    /// What each callback counts besides its body.
    private static let overheadBytes = 256

    /// How much it holds. Where it holds more, the next callback that is kept makes the oldest leave.
    var bounds: QuarantineBounds
    private let find: SQLiteStatement
    private let again: SQLiteStatement
    private let insert: SQLiteStatement
    private let oldest: SQLiteStatement
    private let delete: SQLiteStatement
    private let select: SQLiteStatement

    /// How many callbacks it holds.
    private(set) var count: Int
    private var bytes: Int
    /// How many made room for others since the writer was opened.
    private(set) var dropped = 0

    init(_ connection: SQLiteConnection, bounds: QuarantineBounds) throws(StoreError) {
        self.bounds = bounds
        find = try connection.prepare("SELECT number FROM quarantine WHERE id = ?", for: "looking into the quarantine")
        again = try connection.prepare(
            "UPDATE quarantine SET times = times + 1, last_received_at = ? WHERE number = ?",
            for: "counting a callback in quarantine")
        insert = try connection.prepare(
            "INSERT INTO quarantine (\(Schema.quarantineColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            for: "keeping a callback in quarantine")
        oldest = try connection.prepare(
            "SELECT number FROM quarantine ORDER BY number LIMIT 1", for: "looking into the quarantine")
        delete = try connection.prepare(
            "DELETE FROM quarantine WHERE number = ? RETURNING length(body)", for: "emptying the quarantine")
        select = try connection.prepare(
            "SELECT \(Schema.quarantineColumns) FROM quarantine WHERE number = ?", for: "reading the quarantine")
        count = Int(try connection.number("SELECT count(*) FROM quarantine", for: "reading the quarantine"))
        let bodies = try connection.number("SELECT sum(length(body)) FROM quarantine", for: "reading the quarantine")
        bytes = Int(bodies) + count * Self.overheadBytes
    }

    /// Keeps a callback, once for each event; the oldest make room.
    func keep(_ event: EventValues) throws(StoreError) {
        find.bind(1, blob: event.id)
        if try find.step() {
            let number = find.number(0)
            find.reset()
            again.bind(1, event.receivedAt)
            again.bind(2, number)
            try again.step()
            return
        }
        guard event.body.count + Self.overheadBytes <= bounds.bytes, bounds.count > 0 else {
            dropped += 1
            return
        }
        insert.bind(1, event.receivedAt)
        insert.bind(2, event.signedAt)
        insert.bind(3, text: event.endpoint)
        insert.bind(4, text: event.nonce)
        insert.bind(5, blob: event.signature)
        insert.bind(6, optionalText: event.algorithm)
        insert.bind(7, blob: event.id)
        insert.bind(8, blob: event.body)
        insert.bind(9, optionalBlob: event.client)
        insert.bind(10, event.receivedAt)
        try insert.step()
        count += 1
        bytes += event.body.count + Self.overheadBytes
        while count > bounds.count || bytes > bounds.bytes, try oldest.step() {
            let number = oldest.number(0)
            oldest.reset()
            _ = try drop(number)
            dropped += 1
        }
    }

    /// Takes a callback out. Returns whether it was there.
    func drop(_ number: Int64) throws(StoreError) -> Bool {
        delete.bind(1, number)
        guard try delete.step() else { return false }
        count -= 1
        bytes -= Int(delete.number(0)) + Self.overheadBytes
        while try delete.step() {}
        return true
    }

    /// Calls `body` with the values of a callback; nil where there is none.
    func withCallback<R>(
        _ number: Int64, _ body: (EventValues) throws(StoreError) -> R
    ) throws(StoreError) -> R? {
        select.bind(1, number)
        guard try select.step() else { return nil }
        defer { select.reset() }
        return try body(EventValues(quarantined: select))
    }
}

extension EventValues {
    /// The values of a row with `Schema.quarantineColumns`, valid until its statement is stepped or reset.
    init(quarantined row: SQLiteStatement) {
        self.init(
            receivedAt: row.number(0), signedAt: row.number(1), endpoint: row.bytes(2), client: row.bytes(8),
            nonce: row.bytes(3), signature: row.bytes(4), algorithm: row.bytes(5), id: row.bytes(6),
            body: row.bytes(7))
    }
}

extension EventWriter {
    /// Makes a callback in quarantine an event. Only in a commit.
    func releaseFromQuarantine(_ number: Int64, now: Int64) throws(StoreError) -> QuarantineRelease {
        let outcome = try quarantine.withCallback(number) { event throws(StoreError) in
            try release(event, now: now)
        }
        guard let outcome else { return .unknown }
        if outcome == .unavailable { return .unavailable }
        _ = try quarantine.drop(number)
        if case .stored(let sequence) = outcome { return .stored(sequence: sequence) }
        return .alreadyStored
    }
}
