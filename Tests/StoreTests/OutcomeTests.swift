// How a callback ends: stored once, however often and however simultaneously it comes.

import Dispatch
import Store
import Synchronization
import Testing

@Suite("A callback ends as") struct OutcomeTests {
    let directory: TemporaryDirectory
    let store: SQLiteEventStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try openStore(directory)
    }

    @Test("stored, under rising numbers from 1") func stored() throws {
        #expect(store.newestSequence == 0)
        let callbacks = (1...5).map { Callback("n\($0)", "{\"n\":\($0)}") }
        #expect(store.outcomes(of: Array(callbacks[..<3])) == [1, 2, 3].map { .stored(sequence: $0) })
        #expect(store.outcomes(of: Array(callbacks[3...])) == [4, 5].map { .stored(sequence: $0) })
        #expect(store.newestSequence == 5)
        #expect(try store.allEvents() == callbacks.enumerated().map { Event($1, sequence: Int64($0) + 1) })
    }

    @Test("duplicate, when the same callback comes again") func duplicate() throws {
        #expect(store.outcome(of: Callback("n")) == .stored(sequence: 1))
        #expect(store.outcome(of: Callback("n")) == .duplicate)
        #expect(
            store.outcome(of: Callback("n").with { $0.endpoint = "/other" }) == .duplicate, "the path is not signed")
        #expect(try store.allEvents().count == 1)
    }

    @Test("reused nonce, when another callback has taken it") func reusedNonce() throws {
        #expect(store.outcome(of: Callback("n")) == .stored(sequence: 1))
        #expect(store.outcome(of: Callback("n", "{}").with { $0.signer = 2 }) == .reusedNonce)
        let elsewhere = Callback("n", "{}").with {
            $0.signer = 2
            $0.endpoint = "/other"
            $0.signedAt -= 100
        }
        #expect(store.outcome(of: elsewhere) == .reusedNonce, "at any endpoint, with any timestamp of the window")
        #expect(store.outcome(of: Callback("n")) == .duplicate, "the first one keeps it")
        #expect(try store.allEvents().count == 1)
    }

    @Test("the same within one batch") func withinBatch() throws {
        let other = Callback("n", "{}").with { $0.signer = 2 }
        let outcomes = store.outcomes(of: [Callback("n"), Callback("n"), other, Callback("m"), other])
        #expect(outcomes == [.stored(sequence: 1), .duplicate, .reusedNonce, .stored(sequence: 2), .reusedNonce])
        #expect(try store.allEvents().map(\.nonce) == ["n", "m"])
    }

    @Test("stored exactly once, when it comes on many threads at the same time") func race() throws {
        let outcomes = Mutex<[Outcome]>([])
        DispatchQueue.concurrentPerform(iterations: 64) { index in
            let outcome = store.outcomes(of: [Callback("own \(index)"), Callback("same")]).last
            outcomes.withLock { $0.append(outcome ?? .unavailable) }
        }
        let all = outcomes.withLock { $0 }
        #expect(all.filter { $0 == .duplicate }.count == 63)
        #expect(try store.allEvents().filter { $0.nonce == "same" }.count == 1)
        #expect(try store.allEvents().map(\.sequence) == Array(1...65))
    }

    @Test("late, when it is outside the window and was never stored") func late() throws {
        let late = Callback("n").with {
            $0.signedAt -= 100_000
            $0.isLate = true
        }
        #expect(store.outcome(of: late) == .late)
        #expect(store.outcome(of: late) == .late, "being late does not take the nonce")
        #expect(store.newestSequence == 0)
        #expect(store.outcome(of: Callback("n")) == .stored(sequence: 1))
    }

    @Test("duplicate, when it is late and was stored in time") func lateRepeat() throws {
        let callback = Callback("n")
        let other = callback.with { $0.signer = 2 }
        #expect(store.outcome(of: callback) == .stored(sequence: 1))
        #expect(store.outcome(of: callback.with { $0.isLate = true }) == .duplicate)
        #expect(store.outcome(of: other.with { $0.isLate = true }) == .reusedNonce)
    }

    @Test("what its bytes are, odd ones too") func oddBytes() throws {
        let callbacks = [
            Callback("empty", ""),
            Callback("nul").with { $0.body = [0, 1, 0] },
            Callback("not-utf8").with { $0.body = [0xff, 0xc3, 0x28] },
            Callback("no-algorithm").with { $0.algorithm = "" },
            Callback("large").with { $0.body = (0..<1_000_000).map { UInt8($0 % 251) } },
        ]
        #expect(store.outcomes(of: callbacks).allSatisfy { $0 != .unavailable })
        let expected = callbacks.enumerated().map { Event($1, sequence: Int64($0) + 1) }
        #expect(try store.allEvents() == expected, "from memory")
        #expect(try EventReader(stateDirectory: directory.path).all == expected, "from disk")
    }

    @Test("nothing, when a batch is empty, but is answered") func emptyBatch() {
        #expect(store.outcomes(of: []) == [])
    }

    @Test("unavailable, once the store is closed") func closed() throws {
        #expect(store.outcome(of: Callback("n")) == .stored(sequence: 1))
        store.close()
        #expect(store.outcome(of: Callback("m")) == .unavailable)
        #expect(throws: StoreError.unavailable) { try store.moveCursors(["a": 1]) }
    }

    @Test("sinks are woken by what was stored, and by nothing else") func observers() {
        let wakes = Mutex(0)
        store.onCommit { wakes.withLock { $0 += 1 } }
        // Sinks are woken behind the answers: the next answer comes after the last wake.
        _ = store.outcome(of: Callback("n"))
        _ = store.outcome(of: Callback("n"))
        _ = store.outcome(of: Callback("n"))
        #expect(wakes.withLock { $0 } == 1)
        _ = store.outcomes(of: [Callback("m"), Callback("o"), Callback("n")])
        _ = store.outcome(of: Callback("n"))
        #expect(wakes.withLock { $0 } == 2)
    }
}

extension EventReader {
    /// All events that are on disk.
    var all: [Event] {
        get throws { try events(after: 0, limit: ReadLimit(events: .max, bytes: .max)).values }
    }
}
