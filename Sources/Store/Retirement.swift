// Deleting old events, a few at a time: by rising sequence, never past what a sink has yet to take, and never what a
// repeat must be recognised by; past a named tail only if that was forgotten, or is too far behind. What dead letters
// and redeliveries are about is left behind, and deleted with them.

/// What may be deleted at one moment.
struct RetirementPlan {
    /// The wall clock, in seconds since 1970.
    var now: Int64
    /// What was recorded before is old enough, in microseconds since 1970; nil where age is none of the bounds.
    var recordedBefore: Int64?
    /// For how long a named tail that nobody reads is waited for, and for how long beyond `recordedBefore` what one has
    /// yet to read is kept, in seconds; 0 where age is none of the bounds.
    var tailPatience: Int64
    /// How many bytes the store may use; nil for any number.
    var sizeBytes: Int64?
    /// What was signed from then on is kept, in seconds since 1970: a repeat of it may still be taken for new.
    var keepsSignedFrom: Int64
    /// How far from its recording a callback's signature is at most, in seconds, unless an operator released it.
    var signedAhead: Int64
    /// The sinks that are configured.
    var sinks: [String]

    /// What the options allow.
    init(_ retention: Retention, _ options: SQLiteEventStore.Options, now: Int64) {
        self.now = now
        recordedBefore = retention.ageSeconds.map { (now - $0) * 1_000_000 }
        tailPatience = retention.ageSeconds ?? 0
        sizeBytes = retention.sizeBytes
        // Twice the tolerance: a clock that is set back by a window meets no nonce that is gone.
        keepsSignedFrom = now - max(2 * options.toleranceSeconds, options.lateWindowSeconds)
        signedAhead = 2 * options.toleranceSeconds
        sinks = options.sinks
    }

    /// The named tail that has read least, of those that are not forgotten.
    fileprivate func slowest(of tails: [NamedTail]) -> NamedTail? {
        tails.filter { $0.readAt > (now - tailPatience) * 1_000_000 }.min { $0.sequence < $1.sequence }
    }

    /// Whether what was recorded then is kept for a named tail.
    fileprivate func waits(forTailAt recorded: Int64) -> Bool {
        recordedBefore.map { recorded >= $0 - tailPatience * 1_000_000 } ?? false
    }
}

/// How one step of deleting ended.
struct RetirementStep: Equatable {
    /// Why there was nothing more to delete.
    enum Stop: Equatable {
        /// There may be more.
        case none
        /// All that is left is within the bounds.
        case done
        /// More should go, and this sink has not taken it.
        case heldBySink(String)
        /// More should go, and who reads under this name has yet to read it.
        case heldByTail(String)
        /// More should go, and it is too young to be forgotten.
        case heldByWindow
    }

    var deleted = 0
    var stop = Stop.none
    /// The bytes that the store used when the step began.
    var usedBytes: Int64 = 0
    /// The named tails that had read everything that was deleted before this step, and now have not.
    var passedTails: [String] = []
}

/// What was deleted, and how to delete more. Confined to the store's queue.
final class Retirement {
    private let connection: SQLiteConnection
    let facts: Facts
    private let select: SQLiteStatement
    private let deleteEvent: SQLiteStatement
    private let cursors: SQLiteStatement
    private let pageCount: SQLiteStatement
    private let freePages: SQLiteStatement

    /// Events up to this sequence number were deleted, save those that something needs.
    private(set) var through: Int64
    /// The highest signed timestamp of a deleted event.
    private(set) var signedAt: Int64
    /// How many events up to `through` were left behind.
    private(set) var leftBehind: Int

    init(_ connection: SQLiteConnection) throws(StoreError) {
        self.connection = connection
        facts = try Facts(connection)
        select = try connection.prepare(
            """
            SELECT sequence, recorded_at, signed_at, length(body) FROM events
            WHERE sequence > ? ORDER BY sequence LIMIT ?
            """, for: "looking for old events")
        deleteEvent = try connection.prepare("DELETE FROM events WHERE sequence = ?", for: "deleting an old event")
        cursors = try connection.prepare("SELECT sink, sequence FROM cursors", for: "reading the cursors")
        pageCount = try connection.prepare("PRAGMA page_count", for: "reading the size")
        freePages = try connection.prepare("PRAGMA freelist_count", for: "reading the size")
        through = try facts.value(of: .retiredThrough) ?? 0
        signedAt = try facts.value(of: .retiredSignedAt) ?? .min
        leftBehind = Int(
            try connection.number(
                "SELECT count(*) FROM events WHERE sequence <= \(through)", for: "counting what was left behind"))
    }

    /// The bytes of the file that hold something.
    func usedBytes() throws(StoreError) -> Int64 { try (number(pageCount) - number(freePages)) * Schema.pageBytes }

    /// The bytes of the file that are free to be used again.
    func reusableBytes() throws(StoreError) -> Int64 { try number(freePages) * Schema.pageBytes }

    /// Deletes an event that was left behind.
    func delete(_ sequence: Int64) throws(StoreError) {
        deleteEvent.bind(1, sequence)
        try deleteEvent.step()
        leftBehind -= 1
    }

    /// Deletes what `plan` allows of the next events, within `limit`. Only in a transaction.
    func step(
        _ plan: RetirementPlan, limit: ReadLimit, newest: Int64, tails: [NamedTail],
        needs: (Int64) throws(StoreError) -> Bool
    ) throws(StoreError) -> RetirementStep {
        var step = RetirementStep(usedBytes: try usedBytes())
        let isTooLarge = plan.sizeBytes.map { step.usedBytes > $0 } ?? false
        let slowest = try slowestSink(plan.sinks)
        // A bound in bytes is there for the disk: no tail is waited for beyond it.
        let slowestTail = isTooLarge ? nil : plan.slowest(of: tails)
        var last = through
        var lastSignedAt = signedAt
        var (rows, bytes) = (0, 0)
        select.bind(1, through)
        select.bind(2, Int64(limit.events))
        defer { select.reset() }
        while bytes < limit.bytes, try select.step() {
            rows += 1
            bytes += Int(select.number(3))
            let (sequence, recorded, signed) = (select.number(0), select.number(1), select.number(2))
            step.stop = stop(plan, sequence, recorded, signed, isTooLarge, slowest, newest)
            if step.stop == .none, let slowestTail, sequence > slowestTail.sequence, plan.waits(forTailAt: recorded) {
                step.stop = .heldByTail(slowestTail.name)
            }
            guard step.stop == .none else { break }
            last = sequence
            let isNeeded = signed >= plan.keepsSignedFrom ? true : try needs(sequence)
            if isNeeded {
                leftBehind += 1
                continue
            }
            deleteEvent.bind(1, sequence)
            try deleteEvent.step()
            step.deleted += 1
            lastSignedAt = max(lastSignedAt, signed)
        }
        if rows < limit.events, bytes < limit.bytes, step.stop == .none { step.stop = .done }
        if last > through { try facts.set(.retiredThrough, to: last) }
        if lastSignedAt > signedAt { try facts.set(.retiredSignedAt, to: lastSignedAt) }
        step.passedTails = tails.filter { $0.sequence >= through && $0.sequence < last }.map(\.name)
        (through, signedAt) = (last, lastSignedAt)
        return step
    }

    private func stop(
        _ plan: RetirementPlan, _ sequence: Int64, _ recorded: Int64, _ signed: Int64, _ isTooLarge: Bool,
        _ slowest: (sink: String, cursor: Int64)?, _ newest: Int64
    ) -> RetirementStep.Stop {
        // The newest event stays: the next sequence number is told from it.
        guard sequence < newest else { return .done }
        // A time that has not come was written by a clock that was wrong; the signature's is then the better one.
        let time = recorded <= plan.now * 1_000_000 ? recorded : signed * 1_000_000
        guard isTooLarge || plan.recordedBefore.map({ time < $0 }) ?? false else { return .done }
        if let slowest, sequence > slowest.cursor { return .heldBySink(slowest.sink) }
        // Only what an operator released is signed so far from its recording: it is left behind, and stops nothing.
        let isReleased = signed > recorded / 1_000_000 + plan.signedAhead
        return signed >= plan.keepsSignedFrom && !isReleased ? .heldByWindow : .none
    }

    /// The configured sink that has come least far; nil where there is none. A sink without a cursor has yet to begin.
    private func slowestSink(_ sinks: [String]) throws(StoreError) -> (sink: String, cursor: Int64)? {
        var found: [String: Int64] = [:]
        while try cursors.step() { found[cursors.text(0)] = cursors.number(1) }
        return sinks.map { (sink: $0, cursor: found[$0] ?? 0) }.min { $0.cursor < $1.cursor }
    }

    private func number(_ statement: SQLiteStatement) throws(StoreError) -> Int64 {
        defer { statement.reset() }
        return try statement.step() ? statement.number(0) : 0
    }
}

extension EventWriter {
    /// Deletes what is old of the next events, in a transaction of its own.
    ///
    /// - Parameter limit: the most events, and about how many bytes of bodies: by about as many the log grows.
    func retire(_ plan: RetirementPlan, limit: ReadLimit) throws(StoreError) -> RetirementStep {
        var step = RetirementStep()
        try transaction { () throws(StoreError) in
            step = try retirement.step(
                plan, limit: limit, newest: nextSequence - 1, tails: tails.all()
            ) { sequence throws(StoreError) in try deliveries.needs(sequence) }
        }
        return step
    }
}
