// The writing side of the SQLite store: decides of each candidate whether it is new, inserts it, and commits many
// at once. Confined to the store's queue.

import CSQLite

/// An open database for writing, with the nonces of the window. After any error it is to be thrown away: what it
/// remembers may not be what is on disk.
final class EventWriter {
    /// A change besides storing candidates, made in the transaction of a commit.
    ///
    /// - Parameter now: the wall clock, in microseconds since 1970.
    typealias Change = @Sendable (_ writer: EventWriter, _ now: Int64) throws(StoreError) -> Void

    /// What a writer has to know of the options.
    struct Setup {
        var toleranceSeconds: Int64
        var nonceCapacity: Int
        var quarantine = QuarantineBounds()
        /// The write-ahead log is written back when it holds so many bytes.
        var checkpointBytes: Int64 = 8 << 20
    }

    let connection: SQLiteConnection
    let quarantine: QuarantineTable
    let deliveries: DeliveryTables
    let tails: TailTable
    let retirement: Retirement
    private let begin: SQLiteStatement
    private let commitStatement: SQLiteStatement
    private let insert: SQLiteStatement
    private let findSigned: SQLiteStatement
    private var setup: Setup
    private var nonces: NonceWindow
    /// The highest second from which on the window was wanted in memory since it was last read.
    private var floorRead = Int64.max
    /// The sequence number of the next event.
    private(set) var nextSequence: Int64
    /// Whether the commit under way stored an event that was no candidate of it.
    private var hasReleased = false

    /// Places that the store did not bear out when it was opened.
    let impossiblePlaces: [ImpossiblePlace]

    /// How many nonces are in memory.
    var nonceCount: Int { nonces.count }
    /// How many bytes of the write-ahead log are in use.
    var logBytes: Int64 { connection.logFrames * Schema.pageBytes }

    /// What a commit did.
    struct Result {
        /// The outcomes of each batch's candidates.
        var outcomes: [[Outcome]]
        /// Whether an event was stored that was none of them.
        var hasReleased: Bool
    }

    /// Opens or creates the database and reads the window's nonces out of it.
    ///
    /// - Parameters:
    ///   - now: the wall clock, in seconds since 1970.
    ///   - lowestNextSequence: a sequence number below which none may be given out again.
    init(path: String, setup: Setup, now: Int64, lowestNextSequence: Int64) throws(StoreError) {
        connection = try SQLiteConnection(path: path, mode: .readWriteCreate)
        try Schema.prepare(connection, logBytes: 2 * setup.checkpointBytes)
        connection.countLogFrames()
        // A predecessor that was killed between write and sync left its rows in the page cache alone, and a repeat of
        // one is a duplicate that nothing would sync: what is taken for stored is brought to the disk first.
        _ = try connection.checkpoint()
        begin = try connection.prepare("BEGIN IMMEDIATE", for: "beginning a transaction")
        commitStatement = try connection.prepare("COMMIT", for: "committing")
        insert = try connection.prepare(
            "INSERT INTO events (\(Schema.eventColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            for: "storing an event")
        findSigned = try connection.prepare(
            "SELECT signature FROM events WHERE signed_at = ? AND nonce = ?", for: "looking for a callback")
        quarantine = try QuarantineTable(connection, bounds: setup.quarantine)
        retirement = try Retirement(connection)
        deliveries = try DeliveryTables(connection)
        tails = try TailTable(connection)
        (nextSequence, impossiblePlaces) = try Self.places(connection, lowestNextSequence: lowestNextSequence)
        self.setup = setup
        nonces = NonceWindow(toleranceSeconds: setup.toleranceSeconds, capacity: setup.nonceCapacity)
        try readNonces(now: now)
    }

    /// Reads the nonces of the window, newest first and no older event. Where they are more than fit, the rest is left
    /// to the disk.
    private func readNonces(now: Int64) throws(StoreError) {
        nonces = NonceWindow(toleranceSeconds: setup.toleranceSeconds, capacity: setup.nonceCapacity)
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

    /// Goes on with another time window and another bound of nonces.
    ///
    /// - Parameter now: the wall clock, in seconds since 1970.
    func reconfigure(toleranceSeconds: Int64, nonceCapacity: Int, now: Int64) throws(StoreError) {
        setup.toleranceSeconds = toleranceSeconds
        setup.nonceCapacity = nonceCapacity
        if !nonces.resize(toleranceSeconds: toleranceSeconds, capacity: nonceCapacity) { try readNonces(now: now) }
    }

    // MARK: Committing

    /// Stores what is new of the candidates, and makes the other changes, in one transaction, and returns when it is on
    /// disk.
    ///
    /// - Parameter now: the wall clock, in microseconds since 1970.
    func commit(
        _ batches: [CandidateBatch], changes: [Change] = [], now: Int64
    ) throws(StoreError) -> Result {
        nonces.forget(now: now / 1_000_000)
        // The clock was set back by more than a window: callbacks are now inside whose nonces were forgotten. The disk
        // would still tell them, only slower. Not compared with what memory holds, which a full one never reaches.
        let wantedFloor = nonces.wantedFloor(now: now / 1_000_000)
        if wantedFloor < floorRead - setup.toleranceSeconds { try readNonces(now: now / 1_000_000) }
        floorRead = max(floorRead, wantedFloor)
        hasReleased = false
        var outcomes: [[Outcome]] = []
        outcomes.reserveCapacity(batches.count)
        try transaction { () throws(StoreError) in
            for batch in batches { outcomes.append(try store(batch, recordedAt: now)) }
            for change in changes { try change(self, now) }
        }
        return Result(outcomes: outcomes, hasReleased: hasReleased)
    }

    /// Commits what `body` changes. An error leaves the transaction open: the writer is to be thrown away.
    func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try begin.step()
        try body()
        try commitStatement.step()
    }

    private func store(_ batch: CandidateBatch, recordedAt: Int64) throws(StoreError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(batch.candidates.count)
        let bytes = batch.bytes.span
        try bytes.withUnsafeBytes { bytes throws(StoreError) in
            let keys = batch.candidates.map { NonceKey(bytes[$0.nonce]) }
            for key in keys { nonces.prefetch(key) }
            for (candidate, key) in zip(batch.candidates, keys) {
                let outcome = try admit(
                    EventValues(candidate, in: bytes), key, isLate: candidate.isLate,
                    treatment: candidate.lateTreatment, now: recordedAt)
                outcomes.append(outcome)
            }
        }
        return outcomes
    }

    /// Has no event get a sequence number up to `sequence`.
    func skip(through sequence: Int64) { nextSequence = max(nextSequence, sequence + 1) }

    // MARK: One callback

    /// Stores a callback if it is new, and in time or accepted all the same.
    private func admit(
        _ event: EventValues, _ key: NonceKey, isLate: Bool, treatment: LateTreatment, now: Int64
    ) throws(StoreError) -> Outcome {
        // Whether a callback is new cannot be told when events of its time were deleted already.
        let isProvable = event.signedAt > retirement.signedAt
        if isLate || event.signedAt < nonces.floor || !isProvable {
            if let known = try findOnDisk(event) { return known }
            if isLate || !isProvable {
                switch treatment {
                case .refuse: return .late
                case .accept where isProvable: break
                case .accept, .quarantine:
                    try quarantine.keep(event)
                    return .quarantined
                }
            }
        }
        return try storeNew(event, key, now: now)
    }

    /// Stores a callback that the disk does not know, if memory does not know it either. What is signed before memory
    /// begins must have been looked for on disk.
    private func storeNew(_ event: EventValues, _ key: NonceKey, now: Int64) throws(StoreError) -> Outcome {
        if event.signedAt >= nonces.floor {
            let claim = nonces.claim(
                key, signaturePrefix: prefix(of: event.signature), signedAt: event.signedAt)
            switch claim {
            case .claimed: break
            case .sameCallback: return .duplicate
            case .otherCallback: return .reusedNonce
            case .full: return .unavailable
            }
        }
        let sequence = nextSequence
        insert.bind(1, sequence)
        insert.bind(2, now)
        insert.bind(3, event.receivedAt)
        insert.bind(4, event.signedAt)
        insert.bind(5, text: event.endpoint)
        insert.bind(6, text: event.nonce)
        insert.bind(7, blob: event.signature)
        insert.bind(8, optionalText: event.algorithm)
        insert.bind(9, blob: event.id)
        insert.bind(10, blob: event.body)
        insert.bind(11, optionalBlob: event.client)
        insert.bind(12, event.checksum(sequence: sequence, recordedAt: now))
        try insert.step()
        nextSequence += 1
        return .stored(sequence: sequence)
    }

    /// Stores a callback that an operator releases from quarantine, however late it is. Only in a commit.
    func release(_ event: EventValues, now: Int64) throws(StoreError) -> Outcome {
        if let known = try findOnDisk(event) { return known }
        let outcome = try storeNew(event, NonceKey(event.nonce), now: now)
        if case .stored = outcome { hasReleased = true }
        return outcome
    }

    /// What the disk knows of a callback: its timestamp is under the signature, so a repeat carries the same one, and
    /// the index on timestamps finds it among the few that were signed in that second.
    private func findOnDisk(_ event: EventValues) throws(StoreError) -> Outcome? {
        findSigned.bind(1, event.signedAt)
        findSigned.bind(2, text: event.nonce)
        guard try findSigned.step() else { return nil }
        let isSame = findSigned.bytes(0).elementsEqual(event.signature)
        findSigned.reset()
        return isSame ? .duplicate : .reusedNonce
    }

    private func prefix(of signature: UnsafeRawBufferPointer) -> UInt64 {
        signature.count >= 8 ? signature.loadUnaligned(as: UInt64.self) : 0
    }
}
