// The lane of a courier: reads ahead into a window, sends what may be sent, and settles what comes back.

import Dispatch
import Store
import Synchronization

/// Feeds a `Courier`.
final class WindowLane: Lane, @unchecked Sendable {  // window and what is below it: only on the queue
    let progress: LaneProgress
    private let courier: any Courier
    private let subscription: Subscription
    private let store: any EventStore
    private let mayBury: Bool
    private let queue: DispatchQueue
    /// Whether a turn is queued or running.
    private let isAwake = Atomic<Bool>(false)
    /// Whether the turn waits in the courier for something that a new event could be.
    private let isWaiting = Atomic<Bool>(false)

    private var window: Window?
    /// The last failure to read the store, and when it is tried again.
    private var readAgainAt: UInt64 = 0
    private var burials = Outage()

    init(
        _ courier: any Courier, _ subscription: Subscription, store: any EventStore, mayBury: Bool,
        log: @escaping DeliveryLog
    ) {
        self.courier = courier
        self.subscription = subscription
        self.store = store
        self.mayBury = mayBury
        progress = LaneProgress(name: courier.name, log: log)
        queue = DispatchQueue(label: "hookd.sink.\(courier.name)")
    }

    // MARK: From any queue

    func wake() {
        if isWaiting.exchange(false, ordering: .acquiringAndReleasing) { courier.wake() }
        guard !isAwake.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { self.turn() }
    }

    func drain(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        progress.withState { $0.drain(onFinish) }
        queue.async { self.turn() }
        courier.wake()
    }

    func giveUp() {
        progress.withState { $0.giveUp() }
        courier.wake()
    }

    /// Nothing to do: what a target has taken is the target's.
    func synchronize() throws(SinkError) {}

    /// None: what a target has, only the target knows.
    func places() -> [LinePlace] { [] }

    /// Nothing that could be moved away.
    func reopen() {}

    // MARK: On the lane's queue

    private func turn() {
        dispatchPrecondition(condition: .onQueue(queue))
        var window = takeWindow()
        defer { self.window = window }
        while true {
            let phase = progress.phase
            if phase == .finished { return }
            if phase == .givingUp { return giveUp(&window) }
            if phase == .draining, !window.isDraining { window.beginDraining() }
            let seen = store.newestSequence
            refill(&window, newest: seen)
            while let letter = window.next(now: monotonicNanoseconds()) { courier.send(letter) }
            guard window.flightCount == 0 else {
                settle(courier.wait(until: deadline(window, newest: seen)), &window)
                continue
            }
            if phase == .draining { return progress.finish(caughtUp: window.isEmpty && readAgainAt == 0) }
            if let deadline = deadline(window, newest: seen) {
                settle(courier.wait(until: deadline), &window)
            } else if fallsAsleep(window, seen: seen) {
                return
            }
        }
    }

    private func takeWindow() -> Window {
        defer { window = nil }  // so that it has one owner, and is not copied when it is changed
        if let window { return window }
        var random = SystemRandomNumberGenerator()
        return Window(WindowTerms(courier.terms, mayBury: mayBury), cursor: progress.cursor, seed: random.next())
    }

    /// When the turn goes on if nothing comes back; nil where nothing else would be a reason to. Announces that it
    /// waits, where a new event is a reason.
    private func deadline(_ window: Window, newest: Int64) -> UInt64? {
        var deadline = window.nextAt
        if window.room != nil {
            if readAgainAt > 0 { deadline = min(deadline ?? .max, readAgainAt) }
            isWaiting.store(true, ordering: .sequentiallyConsistent)
            // An event that was stored before the announcement woke nobody.
            if store.newestSequence > newest { return 0 }
        }
        return deadline
    }

    /// Returns whether nothing has come meanwhile.
    private func fallsAsleep(_ window: Window, seen: Int64) -> Bool {
        // An exchange and not a store, so that whatever a wake in vain before it announced is seen after it.
        _ = isAwake.exchange(false, ordering: .acquiringAndReleasing)
        return store.newestSequence <= seen || isAwake.exchange(true, ordering: .acquiringAndReleasing)
    }

    private func giveUp(_ window: inout Window) {
        courier.abandon()
        window.abandonFlights()
        progress.finish(caughtUp: false)
    }

    // MARK: In

    /// Reads ahead, where that is worth a look into the store.
    private func refill(_ window: inout Window, newest: Int64) {
        let now = monotonicNanoseconds()
        while newest > window.readUpTo, now >= readAgainAt, let room = window.room, window.isHungry {
            do throws(StoreError) {
                let limit = ReadLimit(events: min(room.events, 1024), bytes: min(room.bytes, 1 << 20))
                let batch = try store.events(after: window.readUpTo, limit: limit)
                readAgainAt = 0
                guard let last = batch.events.last else { return }
                let selected = subscription.select(from: batch)
                progress.countFiltered(of: batch, selected: selected)
                selected.bytes.withUnsafeBytes { bytes in
                    window.add(selected, upTo: last.sequence, now: now) { courier.key(of: $0, in: bytes) }
                }
                progress.move(to: window.cursor)
            } catch {
                let failures = progress.failed("reading its events failed: \(error)")
                let wait = courier.terms.retry.delay(failures: failures, using: &window.random)
                readAgainAt = now + UInt64(wait) * 1000
                return
            }
        }
    }

    // MARK: Back

    private func settle(_ replies: [Reply], _ window: inout Window) {
        isWaiting.store(false, ordering: .sequentiallyConsistent)
        guard !replies.isEmpty else { return }
        var delivered = 0
        for reply in replies {
            let settlement = window.settle(reply.letter, reply.verdict, now: monotonicNanoseconds())
            delivered += settlement.delivered
            note(reply, settlement)
        }
        progress.count(delivered: delivered)
        progress.withState { [isPaused = window.health == .paused] in $0.isPaused = isPaused }
        progress.move(to: window.cursor)
        // A sink of which one conversation still fails does not work yet.
        if window.troubledCount == 0 { progress.recovered() }
    }

    private func note(_ reply: Reply, _ settlement: Settlement) {
        if reply.answer != nil { progress.withState { $0.answered(reply.answer) } }
        switch reply.verdict {
        case .done: break
        case .retry(let error, _): progress.failed(error.description)
        case .pause(let error, _): progress.paused(error.description)
        case .refused(let error):
            if let burial = settlement.burial {
                bury(burial, error.description)
            } else if !settlement.isSplit {
                progress.failed(error.description)
            }
        }
    }

    private func bury(_ burial: Settlement.Burial, _ reason: String) {
        progress.bury(
            DeadLetter(
                sink: progress.name, sequence: burial.sequence, reason: reason, attempts: burial.attempts))
        guard burials.failed(now: monotonicNanoseconds(), wall: 0) else { return }
        progress.say(
            .error,
            reason + " Event \(burial.sequence) was sent \(burial.attempts) times and goes to the dead "
                + "letters; the sink moves on.")
    }
}

extension WindowTerms {
    init(_ terms: CourierTerms, mayBury: Bool) {
        concurrency = terms.concurrency
        letter = terms.letter
        overheadBytes = terms.overheadBytes
        gatherNanoseconds = UInt64(max(0, terms.gatherMicroseconds)) * 1000
        // Enough for every letter that may be under way and as many to follow; what is done and not yet durable is
        // sent again after a crash, so it is not larger than that.
        let letters = terms.concurrency * terms.letter.events * 4
        capacity = ReadLimit(events: min(max(1024, letters), 65_536), bytes: 16 << 20)
        retry = terms.retry
        attempts = mayBury ? terms.attempts : nil
    }
}
