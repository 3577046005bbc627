// The lane of a sink that takes a batch at a time and blocks as long as that needs: the loop that reads, hands over
// and tries again.

import Dispatch
import Store
import Synchronization

/// Feeds a `Sink`.
final class BatchLane: Lane, @unchecked Sendable {  // `batch` is for the queue only
    /// How much memory for events a lane keeps that has nothing to do, in bytes: what a busy second needs, and not what
    /// catching up does.
    private static let idleBytes = 512 << 10

    /// How a turn of the loop ended.
    private enum Step {
        case took
        case nothingThere
        case failed(retryAfterMicroseconds: Int64)
        case interrupted
    }

    let progress: LaneProgress
    let subscription: SharedSubscription
    private let sink: any Sink
    private let store: any EventStore
    private let queue: DispatchQueue
    /// Whether a turn is queued, running or waiting for its retry; a wake then has nothing to add.
    private let isAwake = Atomic<Bool>(false)
    /// Counts how often the lane was revived: a retry from before that has nothing to do any more.
    private let revivals = Atomic<Int>(0)
    /// What was read last: the next batch uses its memory again.
    private var batch = EventBatch()

    init(_ sink: any Sink, _ subscription: SharedSubscription, store: any EventStore, _ progress: LaneProgress) {
        self.sink = sink
        self.subscription = subscription
        self.store = store
        self.progress = progress
        queue = DispatchQueue(label: "hookd.sink.\(sink.name)")
    }

    // MARK: From any queue

    func wake() {
        guard !isAwake.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { self.turn() }
    }

    func drain(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        if progress.withState({ $0.drain(onFinish) }) { return onFinish(false) }
        // Not wake(): the lane may be waiting for a retry, and this is the last one.
        queue.async { self.turn() }
    }

    func leave(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        progress.withState { $0.leave(onFinish) }
        queue.async { self.turn() }
    }

    func giveUp() {
        progress.withState { $0.giveUp() }
        sink.interrupt()
    }

    func goOn() {
        isAwake.store(true, ordering: .releasing)
        goOn(on: queue, reviving: revive) {
            self.revivals.add(1, ordering: .relaxed)
            self.turn()
        }
    }

    private func revive() {
        sink.resume()
        progress.withState { $0.goOn() }
    }

    /// Where that fails, what the sink took since the last durable cursor may be lost.
    func synchronize() throws(SinkError) {
        do throws(SinkError) {
            try sink.synchronize()
        } catch {
            progress.withState { $0.synchronizeFailed(error) }
            wake()
            throw error
        }
    }

    func discardUnsynchronized() {
        if progress.withState({ $0.isToStartOver }) { sink.startOver() }
    }

    func places() -> [LinePlace] { sink.places() }

    func reopen() { sink.reopen() }

    // MARK: On the lane's queue

    private func turn() {
        dispatchPrecondition(condition: .onQueue(queue))
        while true {
            let phase = progress.phase
            if phase == .finished { return }
            if phase == .givingUp || phase == .leaving { return progress.finish(caughtUp: false) }
            let started = monotonicNanoseconds()
            let seen = store.newestSequence
            switch step(newest: seen) {
            case .took:
                if phase == .running { gather(since: started) }
            case .nothingThere:
                if phase == .draining { return progress.finish(caughtUp: true) }
                if batch.bytes.capacity > Self.idleBytes { batch = EventBatch() }
                // An exchange and not a store, so that whatever a wake in vain before it announced is seen after it.
                _ = isAwake.exchange(false, ordering: .acquiringAndReleasing)
                guard store.newestSequence > seen || progress.withState({ $0.isToStartOver }) || hasRedeliveries,
                    !isAwake.exchange(true, ordering: .acquiringAndReleasing)
                else { return }
            case .failed(let delay):
                if progress.phase != .running { return progress.finish(caughtUp: false) }
                return retry(afterMicroseconds: delay)
            case .interrupted:
                return progress.finish(caughtUp: false)
            }
        }
    }

    private func retry(afterMicroseconds delay: Int64) {
        let number = revivals.load(ordering: .relaxed)
        queue.asyncAfter(deadline: .now() + .microseconds(Int(delay))) {
            if self.revivals.load(ordering: .relaxed) == number { self.turn() }
        }
    }

    private var hasRedeliveries: Bool { (try? progress.redeliveries(in: store, limit: 1).isEmpty) == false }

    /// Lets events gather after a batch, unless there is a batch's worth of them already.
    private func gather(since started: UInt64) {
        let (pace, cursor) = (sink.pace, progress.cursor)
        guard pace.pauseMicroseconds > 0, store.newestSequence - cursor < Int64(pace.limit.events) / 4 else { return }
        let spent = (monotonicNanoseconds() - started) / 1000
        guard spent < UInt64(pace.pauseMicroseconds) else { return }
        pause(microseconds: UInt64(pace.pauseMicroseconds) - spent)
    }

    /// Reads a batch and hands it over.
    private func step(newest: Int64) -> Step {
        if let error = startOverIfAsked() { return failed(error.description) }
        if let step = takeAgain() { return step }
        let cursor = progress.cursor
        guard newest > cursor else { return .nothingThere }
        do throws(StoreError) {
            try store.read(after: cursor, limit: sink.pace.limit, into: &batch)
        } catch {
            return failed("reading its events failed: \(error)")
        }
        guard let last = batch.events.last else {
            progress.move(to: newest)  // numbers that the store has passed over
            return .nothingThere
        }
        let selected = subscription.select(from: batch)
        progress.countFiltered(of: batch, selected: selected)
        return handOver(selected, upTo: last.sequence)
    }

    /// Goes back to the durable cursor where a failed synchronize asks for it. Returns the failure that is to be
    /// waited for first.
    private func startOverIfAsked() -> SinkError? {
        switch progress.withState({ $0.startOver }) {
        case .no:
            return nil
        case .asked(let error):
            progress.withState { $0.startOver = .due }
            return error
        case .due:
            sink.startOver()
            progress.withState { $0.startedOver() }
            return nil
        }
    }

    /// Hands over what the sink is to take again, beside its cursor. Somebody has chosen it by hand: what the sink gets
    /// of itself does not matter. Returns nil where there is nothing.
    private func takeAgain() -> Step? {
        let batch: EventBatch
        let queued: [Int64]
        do throws(StoreError) {
            queued = try progress.redeliveries(in: store, limit: 256)
            if queued.isEmpty { return nil }
            batch = try store.events(sequences: queued)
        } catch {
            return failed("reading its events failed: \(error)")
        }
        var next = 0
        while next < batch.events.count, !progress.withState({ $0.mustTurnBack }) {
            let taken = sink.take(batch, from: next)
            progress.redelivered(batch.events[next..<(next + taken.count)].map(\.sequence))
            progress.count(delivered: taken.count)
            next += taken.count
            switch taken.failure {
            case .interrupted: return .interrupted
            case let failure?: return failed(failure.description)
            case nil where taken.count == 0: return failed("the sink took nothing and did not say why.")
            case nil: progress.recovered()
            }
        }
        // What is gone or damaged is over.
        let found = Set(batch.events.map(\.sequence))
        progress.redelivered(queued.filter { !found.contains($0) })
        return .took
    }

    private func handOver(_ batch: EventBatch, upTo end: Int64) -> Step {
        if batch.isEmpty { progress.move(to: end) }
        var next = 0
        while next < batch.events.count {
            let taken = sink.take(batch, from: next)
            next += taken.count
            progress.count(delivered: taken.count)
            // Events that were skipped before the next one to take are done with, too.
            progress.move(to: next < batch.events.count ? batch.events[next].sequence - 1 : end)
            switch taken.failure {
            case .interrupted: return .interrupted
            case let failure?: return failed(failure.description)
            case nil where taken.count == 0: return failed("the sink took nothing and did not say why.")
            case nil: progress.recovered()
            }
            if progress.withState({ $0.mustTurnBack }) { break }
        }
        return .took
    }

    private func failed(_ message: String) -> Step {
        let failures = progress.failed(message)
        var random = SystemRandomNumberGenerator()
        return .failed(retryAfterMicroseconds: sink.pace.retry.delay(failures: failures, using: &random))
    }
}
