// The reading side of the SQLite store: for sinks that are behind, and for commands that look into the store of a
// daemon, running or not.

import CSSL

/// A read-only view of a store's file. Used from one queue at a time. No read transaction outlives a call: one that
/// did would keep the write-ahead log from ever being emptied.
public final class EventReader: @unchecked Sendable {  // one caller at a time; SQLite does not mind which thread
    let connection: SQLiteConnection
    private let select: SQLiteStatement

    /// Opens the store in a state directory.
    public convenience init(stateDirectory: String) throws(StoreError) {
        try self.init(path: StateDirectory.databasePath(in: stateDirectory))
    }

    init(path: String) throws(StoreError) {
        do {
            connection = try SQLiteConnection(path: path, mode: .readOnly)
        } catch .sqlite(_, _, let code, _) where code & 0xff == sqliteCannotOpen {
            throw .missing(path: path)
        }
        try Schema.check(connection, mayBeEmpty: false)
        select = try connection.prepare(
            """
            SELECT \(try Schema.eventColumns(in: connection))
            FROM events WHERE sequence > ? ORDER BY sequence
            """, for: "reading events")
    }

    /// The sequence number of the newest event; 0 in an empty store.
    public func newestSequence() throws(StoreError) -> Int64 {
        try connection.number("SELECT max(sequence) FROM events", for: "reading the newest event")
    }

    /// The last event that was stored before `time`; 0 where there is none.
    ///
    /// - Parameter time: microseconds since 1970 (UTC).
    public func newestSequence(recordedBefore time: Int64) throws(StoreError) -> Int64 {
        // Times rise with the sequence but for steps of the clock, so halving finds the place without an index.
        let before = try connection.prepare(
            "SELECT sequence, recorded_at FROM events WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1",
            for: "looking for a time")
        var last: Int64 = 0
        var low: Int64 = 0
        var high = try newestSequence()
        while low < high {
            let middle = low + (high - low + 1) / 2
            before.bind(1, middle)
            guard try before.step() else {
                low = middle
                continue
            }
            let (found, recordedAt) = (before.number(0), before.number(1))
            before.reset()
            if recordedAt < time {
                last = found
                low = middle
            } else {
                high = found - 1
            }
        }
        return last
    }

    /// Where a sink has come; nil for one never seen.
    public func cursor(of sink: String) throws(StoreError) -> Int64? {
        let statement = try connection.prepare("SELECT sequence FROM cursors WHERE sink = ?", for: "reading a cursor")
        statement.bind(1, copying: sink)
        guard try statement.step() else { return nil }
        return statement.number(0)
    }

    /// The events behind `sequence`, oldest first.
    ///
    /// - Parameter damaged: is told of each event that is not the one that was stored. Such an event is left out.
    public func events(
        after sequence: Int64, limit: ReadLimit, damaged: (Int64) -> Void = { _ in }
    ) throws(StoreError) -> EventBatch {
        var batch = EventBatch()
        select.bind(1, sequence)
        defer { select.reset() }
        var bodyBytes = 0
        while batch.events.count < limit.events, bodyBytes < limit.bytes, try select.step() {
            bodyBytes += batch.append(row: select, damaged)
        }
        batch.pad()
        return batch
    }

    /// The events with these sequence numbers, in the order of the numbers given; those that are not there are left
    /// out.
    ///
    /// - Parameter damaged: as for `events(after:limit:damaged:)`.
    public func events(
        sequences: [Int64], damaged: (Int64) -> Void = { _ in }
    ) throws(StoreError) -> EventBatch {
        let select = try connection.prepare(
            "SELECT \(try Schema.eventColumns(in: connection)) FROM events WHERE sequence = ?", for: "reading events")
        var batch = EventBatch()
        for sequence in sequences {
            select.bind(1, sequence)
            if try select.step() { _ = batch.append(row: select, damaged) }
            select.reset()
        }
        batch.pad()
        return batch
    }
}

extension EventBatch {
    /// Adds the event of a row with `Schema.eventColumns`. Returns the length of its body; 0 where it is damaged.
    fileprivate mutating func append(row: SQLiteStatement, _ damaged: (Int64) -> Void) -> Int {
        let values = EventValues(event: row)
        let (sequence, recordedAt) = (row.number(0), row.number(1))
        guard
            values.isIntact(sequence: sequence, recordedAt: recordedAt, checksum: row.isNull(11) ? nil : row.number(11))
        else {
            damaged(sequence)
            return 0
        }
        append(values, sequence: sequence, recordedAt: recordedAt)
        return values.body.count
    }

    /// Copies an event in.
    mutating func append(_ event: EventValues, sequence: Int64, recordedAt: Int64) {
        events.append(
            StoredEvent(
                sequence: sequence, recordedAt: recordedAt, receivedAt: event.receivedAt, signedAt: event.signedAt,
                endpoint: append(event.endpoint), client: append(event.client), nonce: append(event.nonce),
                signature: append(event.signature), algorithm: append(event.algorithm), id: append(event.id),
                body: append(event.body)))
    }

    private mutating func append(_ value: UnsafeRawBufferPointer) -> ByteRange {
        let range = ByteRange(offset: bytes.count, count: value.count)
        bytes.append(contentsOf: value)
        return range
    }
}

extension EventValues {
    /// The values of a row with `Schema.eventColumns`, valid until its statement is stepped or reset.
    init(event row: SQLiteStatement) {
        self.init(
            receivedAt: row.number(2), signedAt: row.number(3), endpoint: row.bytes(4), client: row.bytes(10),
            nonce: row.bytes(5), signature: row.bytes(6), algorithm: row.bytes(7), id: row.bytes(8),
            body: row.bytes(9))
    }

    /// Whether `id` begins SHA-256(body), and the checksum is that of the other values.
    ///
    /// - Parameter checksum: nil in rows that were written before there was one.
    func isIntact(sequence: Int64, recordedAt: Int64, checksum: Int64?) -> Bool {
        if let checksum, checksum != self.checksum(sequence: sequence, recordedAt: recordedAt) { return false }
        var digest = InlineArray<32, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &digest) { digest in
            guard let out = digest.assumingMemoryBound(to: UInt8.self).baseAddress,
                cssl_sha256(cssl_bytes(start: body.baseAddress, count: body.count), out)
            else { return false }
            return digest.prefix(16).elementsEqual(id)
        }
    }
}
