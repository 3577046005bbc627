// The state of a lane: cursors, what is not yet durable, the stop, failures and counts. Plain values, which
// `LaneProgress` guards.

import Store

/// The state of a lane. Guarded by the lane's mutex; every method is a few assignments.
struct LaneState {
    /// How far the stop of the daemon, or of this lane alone, has come.
    enum Phase {
        case running, draining, leaving, givingUp, finished
    }

    /// What a failed synchronize asks for: what was taken since the last durable cursor may be lost.
    enum StartOver {
        case no
        /// It has failed; the sink waits first, as after any failure.
        case asked(SinkError)
        /// It has waited.
        case due
    }

    private(set) var cursor: Int64 = 0
    private(set) var durable: Int64 = 0
    private var lastError: String?
    private var outage = Outage()
    private var counts = SinkCounts()
    private var lastAnswer: String?
    var isPaused = false
    private var pauseSaidAt: UInt64?
    private var lastSuccess: Int64?
    /// The last event that was looked at whether it is for the sink.
    private(set) var filteredUpTo: Int64 = 0
    /// Dead letters that are not yet durable. None of them is behind a durable cursor.
    private var buried: [DeadLetter] = []
    /// Events that were taken beside the cursor, and of which that is not yet durable.
    private var redelivered: [Int64] = []
    /// Where the lane has ended: events that were taken behind the cursor.
    var takenAhead: Set<Int64> = []
    /// Failures of synchronize since the last that succeeded.
    private var unsynchronized = 0
    var startOver = StartOver.no
    var phase = Phase.running
    /// Whether the daemon stops.
    private var isStopping = false
    /// Called when the cursor has moved.
    var onProgress: (@Sendable () -> Void)?
    /// Called once, with whether the sink had come to the newest event.
    var onFinish: (@Sendable (Bool) -> Void)?

    // MARK: Cursors

    mutating func begin(at cursor: Int64, durable: Int64) {
        self.cursor = cursor
        self.durable = durable
    }

    /// Returns whether the cursor was not that far before.
    mutating func move(to cursor: Int64) -> Bool {
        guard cursor > self.cursor else { return false }
        self.cursor = cursor
        return true
    }

    /// Where the durable cursor can be moved to, and what must be buried with that; nil where it need not or must not.
    var pendingMove: CursorMove? {
        guard !isToStartOver, !isDurable else { return nil }
        return CursorMove(cursor: cursor, buried: buried, redelivered: redelivered)
    }

    /// Returns whether that had failed before.
    mutating func madeDurable(_ move: CursorMove) -> Bool {
        defer { unsynchronized = 0 }
        durable = move.cursor
        buried.removeFirst(move.buried.count)
        redelivered.removeFirst(min(move.redelivered.count, redelivered.count))
        return unsynchronized > 0
    }

    mutating func bury(_ letter: DeadLetter) {
        buried.append(letter)
        counts.buried += 1
    }

    /// Whether a restart would begin where the sink is.
    var isDurable: Bool { cursor == durable && buried.isEmpty && redelivered.isEmpty }

    /// The events that need no other attempt, which the store does not know yet.
    var overButNotDurable: Set<Int64> { Set(redelivered).union(buried.map(\.sequence)) }

    /// Notes that events were taken, or turned out not to be for the sink, beside the cursor.
    mutating func redelivered(_ sequences: some Sequence<Int64>) { redelivered += sequences }

    mutating func synchronizeFailed(_ error: SinkError) {
        startOver = .asked(error)
        unsynchronized += 1
    }

    /// Whether the sink has to go back to the durable cursor.
    var isToStartOver: Bool {
        if case .no = startOver { false } else { true }
    }

    mutating func startedOver() {
        startOver = .no
        cursor = durable
        redelivered = []
    }

    // MARK: The stop

    /// The lane is to end when it has caught up, and is not revived any more.
    ///
    /// - Returns: whether it has ended already, for an exchange that is still under way. Then nobody is told.
    mutating func drain(_ onFinish: @escaping @Sendable (Bool) -> Void) -> Bool {
        isStopping = true
        if phase == .finished { return true }
        self.onFinish = onFinish
        if phase == .running { phase = .draining }
        return false
    }

    /// The lane is to end now.
    mutating func giveUp() {
        if phase != .finished { phase = .givingUp }
    }

    /// The lane is to end when what is under way has settled.
    mutating func leave(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        self.onFinish = onFinish
        if phase == .running { phase = .leaving }
    }

    /// The lane is not to end after all, unless the daemon does.
    mutating func goOn() {
        if isStopping { return }
        onFinish = nil
        phase = .running
        takenAhead = []
    }

    /// What another lane of the same sink begins with: as after a restart, only that it knows what the store does not
    /// know yet.
    var successor: LaneState {
        var next = LaneState()
        next.cursor = isToStartOver ? durable : cursor
        next.durable = durable
        next.buried = buried
        next.redelivered = isToStartOver ? [] : redelivered
        (next.counts, next.lastSuccess, next.filteredUpTo) = (counts, lastSuccess, filteredUpTo)
        return next
    }

    /// Whether the rest of a batch is not to be handed over.
    var mustTurnBack: Bool { isToStartOver || phase == .givingUp || phase == .leaving }

    /// Returns whom to tell.
    mutating func finish() -> (@Sendable (Bool) -> Void)? {
        defer { onFinish = nil }
        phase = .finished
        return onFinish
    }

    // MARK: Failures

    /// Failures in a row.
    var failures: Int { max(outage.failures, unsynchronized) }

    /// Returns whether to say it; the parameters are those of `Outage.failed`.
    mutating func failed(_ message: String, now: UInt64, wall: Int64) -> Bool {
        lastError = message
        counts.failures += 1
        return outage.failed(now: now, wall: wall)
    }

    /// Notes that the target has turned the sink away. Returns whether to say it: at its beginning, and once an hour.
    mutating func paused(_ message: String, now: UInt64, wall: Int64) -> Bool {
        lastError = message
        counts.failures += 1
        let interval: UInt64 = isPaused ? 3_600_000_000_000 : 60_000_000_000
        isPaused = true
        let isWorthSaying = pauseSaidAt.map { now >= $0 + interval } ?? true
        if isWorthSaying { pauseSaidAt = now }
        outage.pause(wall: wall, isSaid: isWorthSaying)
        return isWorthSaying
    }

    mutating func answered(_ answer: String?) {
        if let answer { lastAnswer = answer }
    }

    mutating func count(delivered: Int, wall: Int64) {
        counts.delivered += delivered
        lastSuccess = wall
    }

    mutating func count(filtered: Int, upTo sequence: Int64) {
        counts.filtered += filtered
        filteredUpTo = max(filteredUpTo, sequence)
    }

    /// Returns how many failures came before, if that is to be said.
    mutating func recovered() -> Int? {
        // A sink that takes events and cannot keep them does not work yet.
        guard outage.failures > 0, unsynchronized == 0 else { return nil }
        lastError = nil
        isPaused = false
        return outage.recovered()
    }

    func status(name: String, newest: Int64) -> SinkStatus {
        SinkStatus(
            name: name, cursor: cursor, durableCursor: durable, lag: max(0, newest - cursor), lastError: lastError,
            retryingSince: outage.since, isPaused: isPaused, lastAnswer: lastAnswer, lastSuccess: lastSuccess,
            counts: counts)
    }
}

/// What is to be made durable together.
struct CursorMove {
    var cursor: Int64
    var buried: [DeadLetter]
    var redelivered: [Int64]
}
