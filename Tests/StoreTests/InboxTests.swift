// What waits for the writer is bounded in bytes and in number, and what is beyond is turned away at once.

import Dispatch
import Store
import Synchronization
import Testing

@Suite("What waits for the writer") struct InboxTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Submits batches while the disk hangs. Returns how many were turned away at once.
    private func turnedAway(_ options: SQLiteEventStore.Options, batches: [[Callback]]) throws -> Int {
        let isSyncing = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        let disk = FaultyDisk(database: directory.database)
        let store = try openStore(directory, options)
        disk.set {
            $0.onSync = {
                isSyncing.signal()
                goOn.wait()
            }
        }
        let done = DispatchGroup()
        let refused = Mutex(0)
        func submit(_ callbacks: [Callback]) {
            done.enter()
            store.submit(CandidateBatch(callbacks)) { _, outcomes in
                if outcomes.contains(.unavailable) { refused.withLock { $0 += 1 } }
                done.leave()
            }
        }
        submit([Callback("first")])
        isSyncing.wait()
        disk.set { $0.onSync = nil }
        for batch in batches { submit(batch) }
        let atOnce = refused.withLock { $0 }
        goOn.signal()
        done.wait()
        #expect(refused.withLock { $0 } == atOnce, "all others are stored in the end")
        #expect(try store.allEvents().count == 1 + batches.joined().count - atOnce * (batches.first?.count ?? 0))
        return atOnce
    }

    @Test("is bounded in bytes") func bytes() throws {
        var options = SQLiteEventStore.Options()
        options.inboxBytes = 40_000
        let batches = (0..<10).map { [Callback("n\($0)", String(repeating: "x", count: 10_000))] }
        #expect(try turnedAway(options, batches: batches) == 6)
    }

    @Test("is bounded in number") func candidates() throws {
        var options = SQLiteEventStore.Options()
        options.inboxCandidates = 12
        let batches = (0..<10).map { batch in (0..<4).map { Callback("n\(batch)-\($0)") } }
        #expect(try turnedAway(options, batches: batches) == 7)
    }

    @Test("has room for one batch, however large") func oneLarge() throws {
        var options = SQLiteEventStore.Options()
        options.inboxBytes = 10
        options.inboxCandidates = 1
        #expect(
            try turnedAway(options, batches: [[Callback("a", String(repeating: "x", count: 10_000)), Callback("b")]])
                == 0)
    }
}
