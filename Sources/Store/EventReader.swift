// The reading side of the SQLite store: for sinks that are behind, and for commands that look into the store of a
// daemon, running or not.

import CSSL

/// A read-only view of a store's file. Used from one queue at a time. No read transaction outlives a call: one that
/// did would keep the write-ahead log from ever being emptied.
public final class EventReader: @unchecked Sendable {  // one caller at a time; SQLite does not mind which thread
    private let connection: SQLiteConnection
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
    /// - Parameter damaged: is told of each event whose body is not the one that was stored: its id is a hash of it.
    ///   Such an event is left out.
    public func events(
        after sequence: Int64, limit: ReadLimit, damaged: (Int64) -> Void = { _ in }
    ) throws(StoreError) -> EventBatch {
        var batch = EventBatch()
        select.bind(1, sequence)
        defer { select.reset() }
        var bodyBytes = 0
        while batch.events.count < limit.events, bodyBytes < limit.bytes, try select.step() {
            let id = select.bytes(8)
            let body = select.bytes(9)
            guard isHash(id, of: body) else {
                damaged(select.number(0))
                continue
            }
            bodyBytes += body.count
            batch.events.append(
                StoredEvent(
                    sequence: select.number(0), recordedAt: select.number(1), receivedAt: select.number(2),
                    signedAt: select.number(3), endpoint: batch.append(select.bytes(4)),
                    client: batch.append(select.bytes(10)), nonce: batch.append(select.bytes(5)),
                    signature: batch.append(select.bytes(6)), algorithm: batch.append(select.bytes(7)),
                    id: batch.append(id), body: batch.append(body)))
        }
        batch.bytes.append(contentsOf: repeatElement(0, count: EventBatch.padding))
        return batch
    }

    /// Whether `id` begins SHA-256(body). SQLite itself does not notice a flipped bit in a row.
    private func isHash(_ id: UnsafeRawBufferPointer, of body: UnsafeRawBufferPointer) -> Bool {
        var digest = InlineArray<32, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &digest) { digest in
            guard let out = digest.assumingMemoryBound(to: UInt8.self).baseAddress,
                cssl_sha256(cssl_bytes(start: body.baseAddress, count: body.count), out)
            else { return false }
            return digest.prefix(16).elementsEqual(id)
        }
    }
}

extension EventBatch {
    fileprivate mutating func append(_ value: UnsafeRawBufferPointer) -> ByteRange {
        let range = ByteRange(offset: bytes.count, count: value.count)
        bytes.append(contentsOf: value)
        return range
    }
}
