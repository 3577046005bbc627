// One sink's way through the store: a serial queue, a cursor, and the loop that reads, hands over and tries again.

import CLinux
import Dispatch
import Store
import Synchronization

/// Feeds one sink. Nothing that happens here can hold up another lane.
final class Lane: Sendable {
    /// How a turn of the loop ended.
    private enum Step {
        case took
        case nothingThere
        case failed(retryAfterMicroseconds: Int64)
        case interrupted
    }

    let subscription: Subscription
    private let store: any EventStore
    private let log: DeliveryLog
    private let queue: DispatchQueue
    /// Whether a turn is queued, running or waiting for its retry; a wake then has nothing to add.
    private let isAwake = Atomic<Bool>(false)
    private let state = Mutex(LaneState())

    init(_ subscription: Subscription, store: any EventStore, log: @escaping DeliveryLog) {
        self.subscription = subscription
        self.store = store
        self.log = log
        queue = DispatchQueue(label: "hookd.sink.\(subscription.sink.name)")
    }

    var sink: any Sink { subscription.sink }

    // MARK: From any queue

    /// Sets out behind `cursor`. Called once, before the first wake.
    ///
    /// - Parameter onProgress: called on the lane's queue when the cursor has moved.
    func begin(at cursor: Int64, onProgress: @escaping @Sendable () -> Void) {
        state.withLock {
            $0.onProgress = onProgress
            $0.begin(at: cursor)
        }
    }

    /// Looks for new events soon. Never blocks, and costs next to nothing while the lane is awake.
    func wake() {
        guard !isAwake.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { self.turn() }
    }

    /// Takes what is there and then finishes; a sink that fails is not waited for. `onFinish` is told whether
    /// the sink had come to the newest event.
    func drain(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        state.withLock {
            $0.onFinish = onFinish
            if $0.phase == .running { $0.phase = .draining }
        }
        // Not wake(): the lane may be waiting for a retry, and this is the last one.
        queue.async { self.turn() }
    }

    /// Finishes after the event at hand.
    func giveUp() {
        state.withLock { if $0.phase != .finished { $0.phase = .givingUp } }
        sink.interrupt()
    }

    /// Where the durable cursor can be moved to once the sink is synchronized; nil where it need not or must not.
    var pendingCursor: Int64? { state.withLock { $0.pendingCursor } }

    /// Whether a restart would begin where the sink is.
    var isDurable: Bool { state.withLock { $0.cursor == $0.durable } }

    /// Whether the lane has ended for good.
    var isFinished: Bool { state.withLock { $0.phase == .finished } }

    /// Notes that the sink was synchronized and that a restart would begin behind `cursor`.
    func madeDurable(_ cursor: Int64) {
        if state.withLock({ $0.madeDurable(cursor) }) { recovered() }
    }

    /// Notes that what the sink took since the last durable cursor may be lost.
    func synchronizeFailed(_ error: SinkError) {
        state.withLock { $0.synchronizeFailed(error) }
        wake()
    }

    var status: SinkStatus {
        let newest = store.newestSequence
        return state.withLock { $0.status(name: sink.name, newest: newest) }
    }

    // MARK: On the lane's queue

    private func turn() {
        dispatchPrecondition(condition: .onQueue(queue))
        while true {
            let phase = state.withLock { $0.phase }
            if phase == .finished { return }
            if phase == .givingUp { return finish(caughtUp: false) }
            let started = monotonicNanoseconds()
            let seen = store.newestSequence
            switch step(newest: seen) {
            case .took:
                if phase == .running { gather(since: started) }
            case .nothingThere:
                if phase == .draining { return finish(caughtUp: true) }
                // An exchange and not a store, so that whatever a wake in vain before it announced is seen after it.
                _ = isAwake.exchange(false, ordering: .acquiringAndReleasing)
                guard store.newestSequence > seen || state.withLock({ $0.isToStartOver }),
                    !isAwake.exchange(true, ordering: .acquiringAndReleasing)
                else { return }
            case .failed(let delay):
                if state.withLock({ $0.phase }) != .running { return finish(caughtUp: false) }
                queue.asyncAfter(deadline: .now() + .microseconds(Int(delay))) { self.turn() }
                return
            case .interrupted:
                return finish(caughtUp: false)
            }
        }
    }

    /// Lets events gather after a batch, unless there is a batch's worth of them already.
    private func gather(since started: UInt64) {
        let (pace, cursor) = (sink.pace, state.withLock { $0.cursor })
        guard pace.pauseMicroseconds > 0, store.newestSequence - cursor < Int64(pace.limit.events) / 4 else { return }
        let spent = (monotonicNanoseconds() - started) / 1000
        guard spent < UInt64(pace.pauseMicroseconds) else { return }
        pause(microseconds: UInt64(pace.pauseMicroseconds) - spent)
    }

    /// Reads a batch and hands it over.
    private func step(newest: Int64) -> Step {
        if let error = startOverIfAsked() { return failed(error.description) }
        let cursor = state.withLock { $0.cursor }
        guard newest > cursor else { return .nothingThere }
        let batch: EventBatch
        do throws(StoreError) {
            batch = try store.events(after: cursor, limit: sink.pace.limit)
        } catch {
            return failed("reading its events failed: \(error)")
        }
        guard let last = batch.events.last else { return .nothingThere }
        return handOver(subscription.select(from: batch), upTo: last.sequence)
    }

    /// Goes back to the durable cursor where a failed synchronize asks for it. Returns the failure that is to be
    /// waited for first.
    private func startOverIfAsked() -> SinkError? {
        switch state.withLock({ $0.startOver }) {
        case .no:
            return nil
        case .asked(let error):
            state.withLock { $0.startOver = .due }
            return error
        case .due:
            sink.startOver()
            state.withLock { $0.startedOver() }
            return nil
        }
    }

    private func handOver(_ batch: EventBatch, upTo end: Int64) -> Step {
        if batch.isEmpty { move(to: end) }
        var next = 0
        while next < batch.events.count {
            let taken = sink.take(batch, from: next)
            next += taken.count
            // Events that were skipped before the next one to take are done with, too.
            move(to: next < batch.events.count ? batch.events[next].sequence - 1 : end)
            switch taken.failure {
            case .interrupted: return .interrupted
            case let failure?: return failed(failure.description)
            case nil where taken.count == 0: return failed("the sink took nothing and did not say why.")
            case nil: recovered()
            }
            if state.withLock({ $0.mustTurnBack }) { break }
        }
        return .took
    }

    private func move(to cursor: Int64) {
        let onProgress = state.withLock { $0.move(to: cursor) ? $0.onProgress : nil }
        onProgress?()
    }

    private func finish(caughtUp: Bool) {
        let onFinish = state.withLock { $0.finish() }
        onFinish?(caughtUp)
    }

    // MARK: Failures

    private func failed(_ message: String) -> Step {
        let (isWorthSaying, failures, cursor) = state.withLock { state in
            let isWorthSaying = state.failed(message, now: monotonicNanoseconds(), wall: clinux_wall_microseconds())
            return (isWorthSaying, state.failures, state.cursor)
        }
        if isWorthSaying {
            let text = message + " Trying again; its events wait in the store from \(cursor + 1) on."
            log(DeliveryNote(level: .warning, sink: sink.name, message: text))
        }
        var random = SystemRandomNumberGenerator()
        return .failed(retryAfterMicroseconds: sink.pace.retry.delay(failures: failures, using: &random))
    }

    private func recovered() {
        let failures = state.withLock { $0.recovered() }
        if let failures {
            let attempts = failures == 1 ? "1 failed attempt" : "\(failures) failed attempts"
            log(DeliveryNote(level: .info, sink: sink.name, message: "works again after \(attempts)."))
        }
    }
}
