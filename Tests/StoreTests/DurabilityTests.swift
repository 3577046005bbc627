// The disk fails: what was acknowledged is on it, and what was not acknowledged may come again.

import Dispatch
import Foundation
import Store
import Synchronization
import Testing

@Suite("When the disk fails") struct DurabilityTests {
    let directory: TemporaryDirectory
    let disk: FaultyDisk
    let notices = Notices()
    let store: SQLiteEventStore

    init() throws {
        directory = try TemporaryDirectory()
        disk = FaultyDisk(database: directory.database)
        store = try openStore(directory, .init(), notices)
    }

    @Test("B13: nothing is acknowledged before it was synced") func syncComesFirst() throws {
        let isSyncing = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        let isAnswered = Mutex(false)
        disk.set {
            $0.onSync = {
                isSyncing.signal()
                goOn.wait()
            }
        }
        let answered = DispatchSemaphore(value: 0)
        store.submit(CandidateBatch([Callback("n")])) { _, outcomes in
            #expect(outcomes == [.stored(sequence: 1)])
            isAnswered.withLock { $0 = true }
            answered.signal()
        }
        // Far more than a busy machine needs: without a sync there is nothing to wait for.
        try #require(isSyncing.wait(timeout: .now() + .seconds(20)) == .success)
        #expect(!isAnswered.withLock { $0 }, "the sync is under way")
        #expect(store.newestSequence == 0, "no sink sees the event yet")
        disk.set { $0.onSync = nil }
        goOn.signal()
        answered.wait()
        #expect(store.newestSequence == 1)
    }

    @Test("what a killed predecessor wrote and did not sync is synced before it counts as stored") func leftUnsynced()
        throws
    {
        #expect(store.outcome(of: Callback("n")) == .stored(sequence: 1))
        // The files as they are in the page cache when the process dies here.
        let successor = try TemporaryDirectory()
        for file in ["hookd.db", "hookd.db-wal"] {
            try FileManager.default.copyItem(
                atPath: "\(directory.path)/\(file)", toPath: "\(successor.path)/\(file)")
        }
        let syncs = Mutex(0)
        let successorsDisk = FaultyDisk(database: successor.database)
        successorsDisk.set { $0.onSync = { syncs.withLock { $0 += 1 } } }
        let second = try openStore(successor)
        defer { second.close() }
        #expect(syncs.withLock { $0 } > 0, "recovery alone reads the log from the page cache")
        #expect(second.outcome(of: Callback("n")) == .duplicate)
    }

    @Test("B5: a full disk takes nothing, spends no nonce, and the same bytes are stored afterwards") func full() throws
    {
        #expect(store.outcome(of: Callback("before")) == .stored(sequence: 1))
        disk.set { $0.isFull = true }
        #expect(store.outcomes(of: [Callback("a"), Callback("b")]) == [.unavailable, .unavailable])
        #expect(store.outcome(of: Callback("a")) == .unavailable)
        #expect(store.newestSequence == 1)
        #expect(try store.allEvents().map(\.nonce) == ["before"])
        disk.set { $0.isFull = false }
        #expect(try store.outcomeAfterRecovery(of: Callback("a")) == .stored(sequence: 2))
        #expect(
            store.outcomes(of: [Callback("b"), Callback("a"), Callback("before")])
                == [.stored(sequence: 3), .duplicate, .duplicate])
        #expect(try store.allEvents().map(\.nonce) == ["before", "a", "b"])
        #expect(notices.texts.first == "commit failed")
        #expect(notices.texts.last == "recovered")
    }

    @Test("B5: a failed sync is no answer, and a repeat is stored or known, but there once") func failedSync() throws {
        #expect(store.outcome(of: Callback("before")) == .stored(sequence: 1))
        disk.set { $0.failingSyncs = 1 }
        #expect(store.outcome(of: Callback("a")) == .unavailable)
        let outcome = try store.outcomeAfterRecovery(of: Callback("a"))
        #expect(outcome == .stored(sequence: 2) || outcome == .duplicate, "who reopens the file decides")
        #expect(try store.allEvents().map(\.nonce) == ["before", "a"])
        store.close()
        #expect(try EventReader(stateDirectory: directory.path).all.map(\.nonce) == ["before", "a"])
    }

    /// A commit that failed may be in the file all the same, and SQLite is asked when it is opened again. Makes that
    /// happen: `a` is stored, storing `b` fails, and its row is there when the store looks again.
    private func bringBack(_ b: Callback) throws {
        #expect(store.outcome(of: Callback("a").with { $0.signedAt = b.signedAt }) == .stored(sequence: 1))
        disk.set { $0.isFull = true }
        #expect(store.outcome(of: b) == .unavailable)
        disk.set { $0.isFull = false }
        let copy = """
            INSERT INTO events SELECT 2, recorded_at, received_at, signed_at, endpoint, 'b', signature, algorithm, id,
                body, client, NULL FROM events
            """
        try runSQL(copy, on: directory.database)
    }

    @Test("a row that came back is not in memory, and sinks are not led past it") func cameBack() throws {
        try bringBack(Callback("b"))
        #expect(try store.outcomeAfterRecovery(of: Callback("c")) == .stored(sequence: 3))
        let events = try store.events(after: 1, limit: ReadLimit(events: 10, bytes: 1 << 20))
        #expect(events.values.map(\.nonce) == ["b", "c"])
        #expect(try store.allEvents().map(\.nonce) == ["a", "b", "c"])
    }

    @Test("a row that came back wakes the sinks when its callback comes again") func cameBackAndWakes() throws {
        let wakes = Mutex(0)
        store.onCommit { wakes.withLock { $0 += 1 } }
        let b = Callback("b")
        try bringBack(b)
        #expect(try store.outcomeAfterRecovery(of: b) == .duplicate)
        #expect(store.outcome(of: b) == .duplicate, "answered behind the wake")
        #expect(wakes.withLock { $0 } == 2, "for a, and for b")
        #expect(try store.allEvents().map(\.nonce) == ["a", "b"])
    }

    @Test("a sink is told that its place was not made durable") func cursor() throws {
        #expect(store.outcome(of: Callback("a")) == .stored(sequence: 1))
        disk.set { $0.isFull = true }
        #expect(throws: StoreError.self) { try store.moveCursors(["sink": 1]) }
        disk.set { $0.isFull = false }
        _ = try store.outcomeAfterRecovery(of: Callback("b"))
        #expect(try store.cursor(of: "sink") == nil)
        try store.moveCursors(["sink": 1])
        #expect(try store.cursor(of: "sink") == 1)
    }

    @Test("B6: a crash loses nothing that was acknowledged, and no nonce") func crash() throws {
        let callbacks = (0..<20).map { Callback("n\($0)") }
        for callback in callbacks { _ = store.outcome(of: callback) }
        // The log is not yet in the database, as after kill -9.
        let copy = try directory.copied()
        let second = try openStore(copy)
        #expect(second.newestSequence == 20)
        #expect(second.outcomes(of: callbacks) == callbacks.map { _ in .duplicate })
        #expect(try second.allEvents() == store.allEvents())
    }
}
