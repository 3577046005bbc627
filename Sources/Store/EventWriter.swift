// The writing side of the SQLite store: decides of each candidate whether it is new, inserts it, and commits many
// at once. Confined to the store's queue.

import CSQLite

/// An open database for writing, with the nonces of the window. After any error it is to be thrown away: what it
/// remembers may not be what is on disk.
final class EventWriter {
    private let connection: SQLiteConnection
    private let begin: SQLiteStatement
    private let commitStatement: SQLiteStatement
    private let insert: SQLiteStatement
    private let findSigned: SQLiteStatement
    private let moveCursor: SQLiteStatement
    private let toleranceSeconds: Int64
    private let nonceCapacity: Int
    private var nonces: NonceWindow
    /// The highest second from which on the window was wanted in memory since it was last read.
    private var floorRead = Int64.max
    /// The sequence number of the next event.
    private(set) var nextSequence: Int64

    /// How many nonces are in memory.
    var nonceCount: Int { nonces.count }

    /// Opens or creates the database and reads the window's nonces out of it.
    ///
    /// - Parameters:
    ///   - now: the wall clock, in seconds since 1970.
    ///   - lowestNextSequence: a sequence number below which none may be given out again.
    init(
        path: String, toleranceSeconds: Int64, nonceCapacity: Int, now: Int64, lowestNextSequence: Int64
    ) throws(StoreError) {
        connection = try SQLiteConnection(path: path, mode: .readWriteCreate)
        try Schema.prepare(connection)
        // A predecessor that was killed between write and sync left its rows in the page cache alone, and a repeat of
        // one is a duplicate that nothing would sync: what is taken for stored is brought to the disk first.
        try connection.execute("PRAGMA wal_checkpoint(PASSIVE)", for: "writing the write-ahead log through")
        begin = try connection.prepare("BEGIN IMMEDIATE", for: "beginning a transaction")
        commitStatement = try connection.prepare("COMMIT", for: "committing")
        insert = try connection.prepare(
            """
            INSERT INTO events
            (\(Schema.eventColumns))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, for: "storing an event")
        findSigned = try connection.prepare(
            "SELECT signature FROM events WHERE signed_at = ? AND nonce = ?", for: "looking for a callback")
        moveCursor = try connection.prepare(
            "INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
            for: "moving a cursor")
        let newest = try connection.number("SELECT max(sequence) FROM events", for: "reading the newest event")
        let taken = try connection.number("SELECT max(sequence) FROM cursors", for: "reading the cursors")
        nextSequence = max(newest + 1, taken + 1, lowestNextSequence)
        self.toleranceSeconds = toleranceSeconds
        self.nonceCapacity = nonceCapacity
        nonces = NonceWindow(toleranceSeconds: toleranceSeconds, capacity: nonceCapacity)
        try readNonces(now: now)
    }

    /// Reads the nonces of the window, newest first and no older event. Where they are more than fit, the rest is left
    /// to the disk.
    private func readNonces(now: Int64) throws(StoreError) {
        nonces = NonceWindow(toleranceSeconds: toleranceSeconds, capacity: nonceCapacity)
        var floor = nonces.wantedFloor(now: now)
        floorRead = floor
        let statement = try connection.prepare(
            "SELECT signed_at, nonce, signature FROM events WHERE signed_at >= ? ORDER BY signed_at DESC",
            for: "reading the nonces of the time window")
        statement.bind(1, floor)
        while try statement.step() {
            let signedAt = statement.number(0)
            let claim = nonces.claim(
                NonceKey(statement.bytes(1)), signaturePrefix: prefix(of: statement.bytes(2)), signedAt: signedAt)
            if claim == .full {
                floor = signedAt + 1
                statement.reset()
                break
            }
        }
        nonces.isComplete(from: floor)
    }

    /// Stores what is new of the candidates, and where the sinks have come, in one transaction, and returns when it is
    /// on disk.
    ///
    /// - Returns: the outcomes of each batch's candidates.
    func commit(
        _ batches: [CandidateBatch], cursors: [String: Int64], now: Int64
    ) throws(StoreError) -> [[Outcome]] {
        nonces.forget(now: now / 1_000_000)
        // The clock was set back by more than a window: callbacks are now inside whose nonces were forgotten. The disk
        // would still tell them, only slower. Not compared with what memory holds, which a full one never reaches.
        let wantedFloor = nonces.wantedFloor(now: now / 1_000_000)
        if wantedFloor < floorRead - toleranceSeconds { try readNonces(now: now / 1_000_000) }
        floorRead = max(floorRead, wantedFloor)
        try begin.step()
        var outcomes: [[Outcome]] = []
        outcomes.reserveCapacity(batches.count)
        for batch in batches { outcomes.append(try store(batch, recordedAt: now)) }
        for (sink, sequence) in cursors {
            moveCursor.bind(1, copying: sink)
            moveCursor.bind(2, sequence)
            try moveCursor.step()
        }
        try commitStatement.step()
        return outcomes
    }

    private func store(_ batch: CandidateBatch, recordedAt: Int64) throws(StoreError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(batch.candidates.count)
        let bytes = batch.bytes.span
        for candidate in batch.candidates {
            let outcome = try bytes.withUnsafeBytes { bytes throws(StoreError) in
                try store(candidate, bytes, recordedAt: recordedAt)
            }
            outcomes.append(outcome)
        }
        return outcomes
    }

    private func store(
        _ candidate: Candidate, _ bytes: UnsafeRawBufferPointer, recordedAt: Int64
    ) throws(StoreError) -> Outcome {
        if candidate.isLate || candidate.signedAt < nonces.floor {
            if let known = try findOnDisk(candidate, bytes) { return known }
            if candidate.isLate { return .late }
        } else {
            let claim = nonces.claim(
                NonceKey(bytes[candidate.nonce]), signaturePrefix: prefix(of: bytes[candidate.signature]),
                signedAt: candidate.signedAt)
            switch claim {
            case .claimed: break
            case .sameCallback: return .duplicate
            case .otherCallback: return .reusedNonce
            case .full: return .unavailable
            }
        }
        let sequence = nextSequence
        insert.bind(1, sequence)
        insert.bind(2, recordedAt)
        insert.bind(3, candidate.receivedAt)
        insert.bind(4, candidate.signedAt)
        insert.bind(5, text: bytes[candidate.endpoint])
        insert.bind(6, text: bytes[candidate.nonce])
        insert.bind(7, blob: bytes[candidate.signature])
        if candidate.algorithm.count > 0 {
            insert.bind(8, text: bytes[candidate.algorithm])
        } else {
            insert.bindNull(8)
        }
        insert.bind(9, blob: bytes[candidate.id])
        insert.bind(10, blob: bytes[candidate.body])
        if candidate.client.count > 0 {
            insert.bind(11, blob: bytes[candidate.client])
        } else {
            insert.bindNull(11)
        }
        try insert.step()
        nextSequence += 1
        return .stored(sequence: sequence)
    }

    /// What the disk knows of a callback: its timestamp is under the signature, so a repeat carries the same one, and
    /// the index on timestamps finds it among the few that were signed in that second.
    private func findOnDisk(
        _ candidate: Candidate, _ bytes: UnsafeRawBufferPointer
    ) throws(StoreError) -> Outcome? {
        findSigned.bind(1, candidate.signedAt)
        findSigned.bind(2, text: bytes[candidate.nonce])
        guard try findSigned.step() else { return nil }
        let isSame = findSigned.bytes(0).elementsEqual(bytes[candidate.signature])
        findSigned.reset()
        return isSame ? .duplicate : .reusedNonce
    }

    private func prefix(of signature: UnsafeRawBufferPointer) -> UInt64 {
        signature.count >= 8 ? signature.loadUnaligned(as: UInt64.self) : 0
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a value of the batch.
    subscript(range: ByteRange) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range.range]) }
}
