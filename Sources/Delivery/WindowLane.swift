// The lane of a courier: reads ahead into a window, sends what may be sent, and settles what comes back. Events that an
// operator has sent again are in a window of their own, outside of any order, for they were overtaken long ago.

import Dispatch
import Store
import Synchronization

/// Feeds a `Courier`.
final class WindowLane: Lane, @unchecked Sendable {  // windows and what is below them: only on the queue
    /// What the queue alone knows.
    struct Windows {
        var main: Window
        var again: Window
        /// The events of the letters under way that are sent again.
        var sentAgain: [Int: [Int64]] = [:]

        var flightCount: Int { main.flightCount + again.flightCount }

        var nextAt: UInt64? { [main.nextAt, again.nextAt].compactMap(\.self).min() }

        /// Whether the target has turned any of them away.
        var arePaused: Bool { main.health == .paused || again.health == .paused }

        /// What the target asked of one is for both.
        mutating func shareWhatWasAsked() {
            let asked = max(main.askedUntil, again.askedUntil)
            (main.askedUntil, again.askedUntil) = (asked, asked)
        }
    }

    let progress: LaneProgress
    let subscription: SharedSubscription
    private let courier: any Courier
    private let store: any EventStore
    private let queue: DispatchQueue
    /// Whether a turn is queued or running.
    private let isAwake = Atomic<Bool>(false)
    /// Whether the turn waits in the courier for something that a new event could be.
    let isWaiting = Atomic<Bool>(false)

    private var windows: Windows?
    /// When the store is tried again that could not be read; 0 where it could.
    private var readAgainAt: UInt64 = 0
    /// When it is asked again what is to be sent again.
    private var askAgainAt: UInt64 = 0
    var burials = Outage()

    /// What the letters that are sent again are numbered from.
    private static let lettersAgain = 1 << 48
    /// The most events that are read to be sent again, before the others are done with.
    private static let againLimit = 64

    init(
        _ courier: any Courier, _ subscription: SharedSubscription, store: any EventStore, _ progress: LaneProgress
    ) {
        self.courier = courier
        self.subscription = subscription
        self.store = store
        self.progress = progress
        queue = DispatchQueue(label: "hookd.sink.\(courier.name)")
    }

    // MARK: From any queue

    func wake() {
        if isWaiting.exchange(false, ordering: .acquiringAndReleasing) { courier.wake() }
        guard !isAwake.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { self.turn() }
    }

    func drain(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        if progress.withState({ $0.drain(onFinish) }) { return onFinish(false) }
        queue.async { self.turn() }
        courier.wake()
    }

    func leave(_ onFinish: @escaping @Sendable (Bool) -> Void) {
        progress.withState { $0.leave(onFinish) }
        queue.async { self.turn() }
        courier.wake()
    }

    func giveUp() {
        progress.withState { $0.giveUp() }
        courier.wake()
    }

    func goOn() {
        isAwake.store(true, ordering: .releasing)
        goOn(on: queue, reviving: revive) {
            // From the cursor on anew, for what was in the window may have been left in the middle of something.
            self.windows = nil
            self.turn()
        }
    }

    private func revive() {
        let taken = progress.legacy.taken
        subscription.withLock { $0.leaveOut(taken) }
        progress.withState { $0.goOn() }
    }

    /// Nothing to do: what a target has taken is the target's.
    func synchronize() throws(SinkError) {}

    /// Nothing: see `synchronize`.
    func discardUnsynchronized() {}

    /// None: what a target has, only the target knows.
    func places() -> [LinePlace] { [] }

    /// Nothing that could be moved away.
    func reopen() {}

    // MARK: On the lane's queue

    private func turn() {
        dispatchPrecondition(condition: .onQueue(queue))
        var windows = takeWindows()
        defer { self.windows = windows }
        while true {
            let phase = progress.phase
            if phase == .finished { return }
            if phase == .givingUp { return giveUp(&windows) }
            if phase == .leaving {
                if windows.flightCount == 0 { return end(windows) }
                settle(courier.wait(until: nil), &windows)
                continue
            }
            if phase == .draining, !windows.main.isDraining {
                windows.main.beginDraining()
                windows.again.beginDraining()
            }
            let seen = store.newestSequence
            refill(&windows.main, newest: seen)
            if phase == .running { refillAgain(&windows.again) }
            send(&windows)
            guard windows.flightCount == 0 else {
                settle(courier.wait(until: deadline(windows, newest: seen)), &windows)
                continue
            }
            if phase == .draining { return progress.finish(caughtUp: windows.main.isEmpty && readAgainAt == 0) }
            if let deadline = deadline(windows, newest: seen) {
                settle(courier.wait(until: deadline), &windows)
            } else if fallsAsleep(seen: seen) {
                return
            }
        }
    }

    private func takeWindows() -> Windows {
        defer { windows = nil }  // so that they have one owner, and are not copied when they are changed
        if let windows { return windows }
        var random = SystemRandomNumberGenerator()
        let terms = WindowTerms(courier.terms)
        var again = terms
        again.concurrency = 1
        again.gatherNanoseconds = 0
        return Windows(
            main: Window(terms, cursor: progress.cursor, seed: random.next()),
            again: Window(again, cursor: 0, seed: random.next(), lettersFrom: Self.lettersAgain))
    }

    private func send(_ windows: inout Windows) {
        let now = monotonicNanoseconds()
        while let letter = windows.main.next(now: now) { courier.send(letter) }
        while let letter = windows.again.next(now: now) {
            windows.sentAgain[letter.number] = letter.parts.map(\.event.sequence)
            courier.send(letter)
        }
    }

    /// When the turn goes on if nothing comes back; nil where nothing else would be a reason to. Announces that it
    /// waits, where a new event is a reason.
    private func deadline(_ windows: Windows, newest: Int64) -> UInt64? {
        var deadline = windows.nextAt
        if windows.main.room != nil {
            if readAgainAt > 0 { deadline = min(deadline ?? .max, readAgainAt) }
            isWaiting.store(true, ordering: .sequentiallyConsistent)
            // An event that was stored before the announcement woke nobody.
            if store.newestSequence > newest { return 0 }
        }
        return deadline
    }

    /// Returns whether nothing has come meanwhile.
    private func fallsAsleep(seen: Int64) -> Bool {
        // An exchange and not a store, so that whatever a wake in vain before it announced is seen after it.
        _ = isAwake.exchange(false, ordering: .acquiringAndReleasing)
        let isNothingNew =
            store.newestSequence <= seen
            && (try? progress.redeliveries(in: store, limit: Self.againLimit).isEmpty) ?? true
        return isNothingNew || isAwake.exchange(true, ordering: .acquiringAndReleasing)
    }

    private func giveUp(_ windows: inout Windows) {
        courier.abandon()
        windows.main.abandonFlights()
        windows.again.abandonFlights()
        end(windows)
    }

    private func end(_ windows: Windows) {
        let taken = windows.main.takenAhead
        progress.withState { $0.takenAhead = taken }
        progress.finish(caughtUp: false)
    }

    // MARK: In

    /// Reads ahead, where that is worth a look into the store.
    private func refill(_ window: inout Window, newest: Int64) {
        let now = monotonicNanoseconds()
        var batch = EventBatch()
        while newest > window.readUpTo, now >= readAgainAt, let room = window.room, window.isHungry {
            do throws(StoreError) {
                let limit = ReadLimit(events: min(room.events, 1024), bytes: min(room.bytes, 1 << 20))
                try store.read(after: window.readUpTo, limit: limit, into: &batch)
                readAgainAt = 0
                // Where there is no event, the store has passed these numbers over.
                let last = batch.events.last?.sequence ?? newest
                let selected = subscription.select(from: batch)
                progress.countFiltered(of: batch, selected: selected)
                selected.bytes.withUnsafeBytes { bytes in
                    window.add(selected, upTo: last, now: now) { courier.key(of: $0, in: bytes) }
                }
                progress.move(to: window.cursor)
            } catch {
                return readingFailed(error, &window)
            }
        }
    }

    /// Reads what is to be sent again, when what was read before is done with, or now and then. Somebody has chosen it
    /// by hand: what the sink gets of itself does not matter.
    private func refillAgain(_ window: inout Window) {
        let now = monotonicNanoseconds()
        guard window.isEmpty || now >= askAgainAt, now >= readAgainAt else { return }
        askAgainAt = now + 1_000_000_000
        do throws(StoreError) {
            let open = window.openSequences
            let queued = try progress.redeliveries(in: store, limit: Self.againLimit).filter { !open.contains($0) }
            if queued.isEmpty { return }
            let batch = try store.events(sequences: queued)
            window.add(batch, upTo: 0, now: now) { SplitMix.mixed(UInt64(bitPattern: $0.sequence)) }
            // What is gone or damaged is over.
            let found = Set(batch.events.map(\.sequence))
            let gone = queued.filter { !found.contains($0) }
            if !gone.isEmpty { progress.redelivered(gone) }
        } catch {
            readingFailed(error, &window)
        }
    }

    private func readingFailed(_ error: StoreError, _ window: inout Window) {
        let failures = progress.failed("reading its events failed: \(error)")
        let wait = courier.terms.retry.delay(failures: failures, using: &window.random)
        readAgainAt = monotonicNanoseconds() + UInt64(wait) * 1000
    }
}
