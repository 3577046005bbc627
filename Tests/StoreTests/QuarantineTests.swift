// Late callbacks: refused, kept apart or accepted, and never stored twice.

import Dispatch
import Foundation
import Store
import Synchronization
import Testing

@Suite("A late callback") struct QuarantineTests {
    let directory: TemporaryDirectory
    let notices = Notices()

    init() throws { directory = try TemporaryDirectory() }

    private func late(_ nonce: String, _ body: String = "{\"a\":1}", _ treatment: LateTreatment = .quarantine)
        -> Callback
    {
        Callback(nonce, body).with {
            $0.signedAt -= 10_000
            $0.isLate = true
            $0.lateTreatment = treatment
        }
    }

    @Test("is kept in quarantine once for each event, however often it comes") func keptOnce() throws {
        let store = try openStore(directory)
        let first = late("a", "{\"n\":1}")
        #expect(store.outcome(of: first) == .quarantined)
        let later = first.with { $0.receivedAt += 5 }
        #expect(store.outcomes(of: [first, later]) == [.quarantined, .quarantined])
        let fresh = late("b", "{\"n\":1}").with { $0.receivedAt += 7 }
        #expect(store.outcome(of: fresh) == .quarantined, "a fresh nonce")
        #expect(store.outcome(of: late("c", "{\"n\":2}")) == .quarantined)
        let kept = try store.quarantined(limit: 10)
        #expect(kept.map(\.number) == [1, 2])
        #expect(kept.map(\.times) == [4, 1])
        #expect(kept[0].receivedAt == first.receivedAt)
        #expect(kept[0].lastReceivedAt == first.receivedAt + 7)
        #expect(kept[0].signedAt == first.signedAt)
        #expect(kept[0].endpoint == "/callbacks")
        #expect(kept[0].bodyBytes == 7)
        #expect(!kept[0].mayBeRepeat)
        #expect(store.newestSequence == 0, "nothing is delivered")
        #expect(store.statistics.quarantined == 2)
    }

    @Test("is shown byte for byte, and listed page by page") func shown() throws {
        let store = try openStore(directory)
        let callbacks = (0..<5).map { late("n\($0)", "{\"n\":\($0)}").with { $0.client = [203, 0, 113, 9] } }
        _ = store.outcomes(of: callbacks)
        #expect(try store.quarantined(limit: 2).map(\.number) == [1, 2])
        #expect(try store.quarantined(after: 2, limit: 2).map(\.number) == [3, 4])
        #expect(try store.quarantined(after: 5, limit: 2).isEmpty)
        let shown = try #require(try store.quarantinedCallback(3))
        #expect(shown.event.values == [Event(callbacks[2], sequence: 0)])
        #expect(try store.quarantinedCallback(9) == nil)
    }

    @Test("is not kept where it is to be refused") func refused() throws {
        let store = try openStore(directory)
        #expect(store.outcome(of: late("n", "{}", .refuse)) == .late)
        #expect(try store.quarantined(limit: 10).isEmpty)
    }

    @Test("is a duplicate if its event was stored, and is not kept") func duplicate() throws {
        let store = try openStore(directory)
        let callback = Callback("n")
        #expect(store.outcome(of: callback) == .stored(sequence: 1))
        let again = callback.with {
            $0.isLate = true
            $0.lateTreatment = .quarantine
        }
        #expect(store.outcome(of: again) == .duplicate)
        #expect(store.outcome(of: again.with { $0.signer = 2 }) == .reusedNonce)
        #expect(try store.quarantined(limit: 10).isEmpty)
    }

    @Test(
        "makes room for younger ones, which is counted",
        arguments: [
            QuarantineBounds(count: 3, bytes: 1 << 20), QuarantineBounds(count: 100, bytes: 3 * (256 + 7)),
        ]) func bounded(_ bounds: QuarantineBounds) throws
    {
        var options = SQLiteEventStore.Options()
        options.quarantine = bounds
        let callbacks = (0..<5).map { late("n\($0)", "{\"n\":\($0)}") }
        do {
            let store = try openStore(directory, options, notices)
            for callback in callbacks { #expect(store.outcome(of: callback) == .quarantined) }
            #expect(try store.quarantined(limit: 10).map(\.number) == [3, 4, 5])
            #expect(store.statistics.quarantined == 3)
            #expect(store.statistics.quarantineDropped == 2)
            #expect(notices.texts == ["quarantine dropped 1", "quarantine dropped 1"])
            store.close()
        }
        let store = try openStore(directory, options)
        #expect(store.outcome(of: late("n9", "{\"n\":9}")) == .quarantined)
        #expect(try store.quarantined(limit: 10).map(\.number) == [4, 5, 6], "the bound holds across a restart")
    }

    @Test("that is larger than the quarantine is not kept, and pushes nothing out") func tooLarge() throws {
        var options = SQLiteEventStore.Options()
        options.quarantine = QuarantineBounds(count: 10, bytes: 1000)
        let store = try openStore(directory, options)
        #expect(store.outcome(of: late("a")) == .quarantined)
        #expect(store.outcome(of: late("b", String(repeating: "x", count: 1000))) == .quarantined)
        #expect(try store.quarantined(limit: 10).map(\.number) == [1])
        #expect(store.statistics.quarantineDropped == 1)
    }

    @Test("B5: is answered 503 when the disk fails, and is not kept") func diskFails() throws {
        let disk = FaultyDisk(database: directory.database)
        let store = try openStore(directory)
        disk.set { $0.isFull = true }
        #expect(store.outcome(of: late("n")) == .unavailable)
        disk.set { $0.isFull = false }
        #expect(try store.outcomeAfterRecovery(of: late("n")) == .quarantined)
        #expect(try store.quarantined(limit: 10).map(\.times) == [1])
    }

    // MARK: Released

    @Test("becomes an event when it is released, fresh, and sinks are led to it") func released() throws {
        let store = try openStore(directory)
        let wakes = Mutex(0)
        store.onCommit { wakes.withLock { $0 += 1 } }
        let callback = late("n", "{\"n\":1}")
        #expect(store.outcome(of: callback) == .quarantined)
        _ = store.outcomes(of: [Callback("a"), Callback("b")])
        #expect(try store.releaseQuarantined(1) == .stored(sequence: 3))
        #expect(wakes.withLock { $0 } == 2)
        _ = store.outcomes(of: [Callback("c"), Callback("d")])
        #expect(try store.allEvents().map(\.nonce) == ["a", "b", "n", "c", "d"], "from memory, and no gap")
        #expect(
            try store.events(after: 2, limit: ReadLimit(events: 1, bytes: 1000)).values == [
                Event(callback, sequence: 3)
            ])
        #expect(try store.releaseQuarantined(1) == .unknown)
        #expect(try store.quarantined(limit: 10).isEmpty)
        #expect(store.outcome(of: callback) == .duplicate, "its nonce is spent now")
        #expect(store.outcome(of: callback.with { $0.signer = 3 }) == .reusedNonce)
    }

    @Test("is released in the same commit in which others are stored, and all are found") func releasedBetween() throws
    {
        let isSyncing = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        let disk = FaultyDisk(database: directory.database)
        let store = try openStore(directory)
        #expect(store.outcome(of: late("n")) == .quarantined)
        disk.set {
            $0.onSync = {
                isSyncing.signal()
                goOn.wait()
            }
        }
        // While this commit waits for the disk, the others gather for the next.
        let done = DispatchGroup()
        DispatchQueue.global().async(group: done) { _ = store.outcome(of: Callback("a")) }
        isSyncing.wait()
        disk.set { $0.onSync = nil }
        DispatchQueue.global().async(group: done) { _ = store.outcomes(of: [Callback("b"), Callback("c")]) }
        DispatchQueue.global().async(group: done) { _ = try? store.releaseQuarantined(1) }
        goOn.signal()
        done.wait()
        _ = store.outcome(of: Callback("d"))
        #expect(try store.allEvents().map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(try Set(store.allEvents().map(\.nonce)) == ["a", "b", "c", "d", "n"])
    }

    @Test("is not stored a second time when it was stored meanwhile") func releasedTooLate() throws {
        let store = try openStore(directory)
        let callback = Callback("n").with {
            $0.isLate = true
            $0.lateTreatment = .quarantine
        }
        #expect(store.outcome(of: callback) == .quarantined)
        #expect(
            store.outcome(of: callback.with { $0.isLate = false }) == .stored(sequence: 1), "the clock was put right")
        #expect(try store.releaseQuarantined(1) == .alreadyStored)
        #expect(try store.quarantined(limit: 10).isEmpty)
        #expect(try store.allEvents().count == 1)
    }

    @Test("is not stored a second time when it comes in time after its release") func inTimeAfterRelease() throws {
        let store = try openStore(directory)
        // Signed ahead of the clock: its time is yet to come.
        let callback = Callback("n").with {
            $0.signedAt += 1000
            $0.isLate = true
            $0.lateTreatment = .quarantine
        }
        #expect(store.outcome(of: callback) == .quarantined)
        #expect(try store.releaseQuarantined(1) == .stored(sequence: 1))
        #expect(store.outcome(of: callback.with { $0.isLate = false }) == .duplicate)
    }

    @Test("leaves the quarantine when it is dropped, and its number is not used again") func dropped() throws {
        let store = try openStore(directory)
        _ = store.outcomes(of: (0..<3).map { late("n\($0)", "{\"n\":\($0)}") })
        #expect(try store.dropQuarantined([2, 3, 9]) == 2)
        #expect(try store.quarantined(limit: 10).map(\.number) == [1])
        #expect(store.outcome(of: late("n5", "{\"n\":5}")) == .quarantined)
        #expect(try store.quarantined(limit: 10).map(\.number) == [1, 4])
        store.close()
        #expect(throws: StoreError.unavailable) { try store.dropQuarantined([1]) }
    }

    // MARK: Accepted

    @Test("is stored where it is accepted, and never twice") func accepted() throws {
        let callback = late("n", "{\"n\":1}", .accept)
        do {
            let store = try openStore(directory)
            #expect(
                store.outcomes(of: [callback, callback]) == [.stored(sequence: 1), .duplicate], "within one batch")
            #expect(store.outcome(of: callback) == .duplicate)
            #expect(store.outcome(of: callback.with { $0.signer = 2 }) == .reusedNonce)
            #expect(try store.allEvents() == [Event(callback, sequence: 1)])
            store.close()
        }
        let store = try openStore(directory)
        #expect(store.outcome(of: callback) == .duplicate, "after a restart")
        #expect(try store.quarantined(limit: 10).isEmpty)
    }

    @Test("that another endpoint takes for fresh is stored by one of them only", arguments: [false, true])
    func acceptedInWindow(_ lateFirst: Bool) throws {
        let store = try openStore(directory)
        // Late by the tolerance of its endpoint, and yet within the largest one, which memory covers.
        let inTime = Callback("n").with { $0.signedAt -= 200 }
        let late = inTime.with {
            $0.isLate = true
            $0.lateTreatment = .accept
        }
        #expect(store.outcome(of: lateFirst ? late : inTime) == .stored(sequence: 1))
        #expect(store.outcome(of: lateFirst ? inTime : late) == .duplicate)
    }
}
