// What every lane is to the dispatcher: one sink's way through the store, on a serial queue of its own.

import CLinux
import Dispatch
import Store
import Synchronization

/// Feeds one sink. Nothing that happens here can hold up another lane.
protocol Lane: AnyObject, Sendable {
    /// How far it has come, shared with other queues.
    var progress: LaneProgress { get }

    /// What it reads by.
    var subscription: SharedSubscription { get }

    /// Looks for new events soon. Never blocks, and costs next to nothing while the lane is awake.
    func wake()

    /// Takes what is there and then finishes; a sink that fails is not waited for. `onFinish` is told whether
    /// the sink had come to the newest event.
    func drain(_ onFinish: @escaping @Sendable (Bool) -> Void)

    /// Finishes when what is under way has settled, and begins nothing more. `onFinish` is called once that is so.
    func leave(_ onFinish: @escaping @Sendable (Bool) -> Void)

    /// Finishes after the event at hand.
    func giveUp()

    /// Goes on after `leave`, or after `giveUp`, where it is not to end after all.
    func goOn()

    /// Makes everything taken so far survive a power cut, as far as the sink can know that.
    func synchronize() throws(SinkError)

    /// Has the sink let go of what it could not make durable. Where the lane has ended.
    func discardUnsynchronized()

    /// What the sink itself knows of how far it has come. For the start.
    func places() -> [LinePlace]

    /// Has the sink open anew what may have been moved away.
    func reopen()
}

extension Lane {
    /// What `goOn` is for every lane: `revive` undoes its end, at once or as soon as it has ended, and then `turn` goes
    /// on.
    func goOn(
        on queue: DispatchQueue, reviving revive: @escaping @Sendable () -> Void, turn: @escaping @Sendable () -> Void
    ) {
        let hasEnded = progress.isFinished
        if hasEnded { revive() }
        queue.async {
            // One that had not ended by then has now.
            if !hasEnded { revive() }
            turn()
        }
    }
}

/// What the queues of a lane, of the cursors and of an operator's question share about one sink.
final class LaneProgress: Sendable {
    /// The name of the sink.
    let name: String
    private let log: DeliveryLog
    private let state: Mutex<LaneState>

    /// - Parameter state: where another lane of this name stopped.
    init(name: String, state: LaneState = LaneState(), log: @escaping DeliveryLog) {
        self.name = name
        self.log = log
        self.state = Mutex(state)
    }

    func withState<Result>(_ body: (inout LaneState) -> sending Result) -> sending Result { state.withLock(body) }

    /// Sets out behind `cursor`. Called once, before the first wake.
    ///
    /// - Parameters:
    ///   - durable: the cursor in the store, which may be behind it.
    ///   - onProgress: called on the lane's queue when there is something to make durable.
    func begin(at cursor: Int64, durable: Int64, onProgress: @escaping @Sendable () -> Void) {
        state.withLock {
            $0.onProgress = onProgress
            $0.begin(at: cursor, durable: durable)
        }
    }

    /// What a lane that takes the place of this one begins with, and what was taken behind its cursor. Once it has
    /// ended.
    var legacy: (state: LaneState, taken: Set<Int64>) { state.withLock { ($0.successor, $0.takenAhead) } }

    var phase: LaneState.Phase { state.withLock { $0.phase } }
    var cursor: Int64 { state.withLock { $0.cursor } }

    /// Where the durable cursor can be moved to once the sink is synchronized; nil where it need not or must not.
    var pendingMove: CursorMove? { state.withLock { $0.pendingMove } }

    /// Whether a restart would begin where the sink is.
    var isDurable: Bool { state.withLock { $0.isDurable } }

    /// Whether the lane has ended for good.
    var isFinished: Bool { state.withLock { $0.phase == .finished } }

    /// Notes that the sink was synchronized and that a restart would begin behind the move's cursor.
    func madeDurable(_ move: CursorMove) {
        if state.withLock({ $0.madeDurable(move) }) { recovered() }
    }

    func status(newest: Int64) -> SinkStatus { state.withLock { $0.status(name: name, newest: newest) } }

    // MARK: On the lane's queue

    func move(to cursor: Int64) {
        let onProgress = state.withLock { $0.move(to: cursor) ? $0.onProgress : nil }
        onProgress?()
    }

    func finish(caughtUp: Bool) {
        let onFinish = state.withLock { $0.finish() }
        onFinish?(caughtUp)
    }

    /// Notes that the target has turned the sink away, and says it for what it is: nothing but somebody's hand ends it.
    func paused(_ message: String) {
        let (isWorthSaying, cursor) = state.withLock { state in
            (state.paused(message, now: monotonicNanoseconds(), wall: clinux_wall_microseconds()), state.cursor)
        }
        guard isWorthSaying else { return }
        let rest =
            " The sink is paused: put right what the target refuses. It is tried again once in a while, and its "
            + "events wait in the store from \(cursor + 1) on."
        say(.error, message + rest, .paused)
    }

    /// Counts events that the sink took.
    func count(delivered: Int) {
        guard delivered > 0 else { return }
        let wall = clinux_wall_microseconds()
        state.withLock { $0.count(delivered: delivered, wall: wall) }
    }

    /// Counts the events of `batch` that are not for the sink; each once, however often it is read.
    func countFiltered(of batch: EventBatch, selected: EventBatch) {
        guard selected.events.count < batch.events.count, let last = batch.events.last else { return }
        state.withLock { state in
            let known = state.filteredUpTo
            let read = batch.events.count { $0.sequence > known } - selected.events.count { $0.sequence > known }
            state.count(filtered: read, upTo: last.sequence)
        }
    }

    /// Notes that events were taken, or turned out not to be for the sink, beside the cursor.
    func redelivered(_ sequences: some Sequence<Int64>) {
        let onProgress = state.withLock { state in
            state.redelivered(sequences)
            return state.onProgress
        }
        onProgress?()
    }

    /// The events that the sink is to take beside its cursor, without those that it took, or was given up on, a moment
    /// ago.
    func redeliveries(in store: any EventStore, limit: Int) throws(StoreError) -> [Int64] {
        let queued = try store.redeliveries(of: name, limit: limit)
        if queued.isEmpty { return [] }
        let over = state.withLock { $0.overButNotDurable }
        return queued.filter { !over.contains($0) }
    }

    /// Notes an event that goes to the dead letters with the next move of the cursors.
    func bury(_ letter: DeadLetter) {
        let onProgress = state.withLock { state in
            state.bury(letter)
            return state.onProgress
        }
        onProgress?()
    }

    /// Notes a failure and says it if that is due. Returns how many there were in a row.
    @discardableResult
    func failed(_ message: String) -> Int {
        let (isWorthSaying, failures, cursor) = state.withLock { state in
            let isWorthSaying = state.failed(message, now: monotonicNanoseconds(), wall: clinux_wall_microseconds())
            return (isWorthSaying, state.failures, state.cursor)
        }
        if isWorthSaying {
            say(.warning, message + " Trying again; its events wait in the store from \(cursor + 1) on.", .failing)
        }
        return failures
    }

    func recovered() {
        let failures = state.withLock { $0.recovered() }
        if let failures {
            let attempts = failures == 1 ? "1 failed attempt" : "\(failures) failed attempts"
            say(.info, "works again after \(attempts).", .recovered)
        }
    }

    /// Says that an event was given up on.
    func sayBuried(_ message: String, sequence: Int64, id: [UInt8]) {
        log(
            DeliveryNote(
                level: .error, sink: name, message: message, topic: .deadLetter, sequence: sequence, eventID: hex(id)))
    }

    func say(_ level: DeliveryNote.Level, _ message: String, _ topic: DeliveryNote.Topic) {
        log(DeliveryNote(level: level, sink: name, message: message, topic: topic))
    }
}
