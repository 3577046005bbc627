// Dead letters and redeliveries: nothing falls between a cursor and a letter, and what is released begins anew.

import Foundation
import Synchronization
import Testing

@testable import Store

@Suite("Dead letters") struct DeadLetterTests {
    let directory: TemporaryDirectory
    let disk: FaultyDisk
    let store: SQLiteEventStore

    init() throws {
        directory = try TemporaryDirectory()
        disk = FaultyDisk(database: directory.database)
        store = try openStore(directory)
        _ = store.outcomes(of: (1...6).map { Callback("n\($0)", "{\"n\":\($0)}") })
        // Answers come before wakes: the wake of this commit is over when the queue is free.
        store.queue.sync {}
    }

    private func letter(_ sequence: Int64, _ sink: String = "crm", attempts: Int = 7) -> DeadLetter {
        DeadLetter(
            sink: sink, sequence: sequence, id: [UInt8](repeating: UInt8(sequence), count: 16), attempts: attempts,
            status: 410, error: "gone")
    }

    private func record(
        _ cursors: [String: Int64] = [:], buried: [DeadLetter] = [], redelivered: [Redelivery] = []
    ) throws {
        var progress = DeliveryProgress()
        progress.cursors = cursors
        progress.buried = buried
        progress.redelivered = redelivered
        try store.record(progress)
    }

    @Test("are buried in the transaction that moves the cursor") func buried() throws {
        try record(["crm": 3], buried: [letter(3)])
        #expect(try store.cursor(of: "crm") == 3)
        let letters = try store.deadLetters(limit: 10)
        #expect(letters.count == 1)
        let found = try #require(letters.first)
        var expected = letter(3)
        expected.number = 1
        expected.buriedAt = found.buriedAt
        #expect(found == expected)
        #expect(found.buriedAt > 1_700_000_000_000_000)
        #expect(try store.events(sequences: [3]).values.map(\.nonce) == ["n3"], "the event is shown as it was stored")
    }

    @Test("neither cursor nor letter is there when the commit fails") func together() throws {
        disk.set { $0.isFull = true }
        #expect(throws: StoreError.self) { try record(["crm": 3], buried: [letter(3)]) }
        disk.set { $0.isFull = false }
        _ = try store.outcomeAfterRecovery(of: Callback("after"))
        #expect(try store.cursor(of: "crm") == nil)
        #expect(try store.deadLetters(limit: 10).isEmpty)
        #expect(store.statistics.deadLetters == [:])
    }

    @Test("are listed by sink and page by page, and counted across a restart") func listed() throws {
        try record(buried: [letter(1), letter(2, "archive"), letter(3), letter(4)])
        #expect(try store.deadLetters(limit: 2).map(\.sequence) == [1, 2])
        #expect(try store.deadLetters(after: 2, limit: 10).map(\.sequence) == [3, 4])
        #expect(try store.deadLetters(of: "crm", limit: 2).map(\.sequence) == [1, 3])
        #expect(try store.deadLetters(of: "crm", after: 3, limit: 2).map(\.sequence) == [4])
        #expect(try store.deadLetters(of: "nobody", limit: 2).isEmpty)
        #expect(store.statistics.deadLetters == ["crm": 3, "archive": 1])
        #expect(try openStore(directory.copied()).statistics.deadLetters == ["crm": 3, "archive": 1])
    }

    @Test("B28: go back to their sink when they are released, and begin to count anew") func released() throws {
        let wakes = Mutex(0)
        store.onCommit { wakes.withLock { $0 += 1 } }
        try record(["crm": 5], buried: [letter(4), letter(2)])
        #expect(try store.redeliveries(of: "crm", limit: 10).isEmpty)
        // The commit that made the events may have had its sinks woken after it was waited for.
        let before = wakes.withLock { $0 }
        #expect(try store.releaseDeadLetters([1, 2, 3]) == 2)
        #expect(wakes.withLock { $0 } == before + 1, "the sink is woken")
        #expect(try store.deadLetters(limit: 10).isEmpty)
        #expect(try store.redeliveries(of: "crm", limit: 10) == [2, 4], "lowest first")
        #expect(try store.redeliveries(of: "crm", limit: 1) == [2])
        #expect(try store.redeliveries(of: "archive", limit: 10).isEmpty)
        #expect(store.statistics.redeliveries == ["crm": 2])
        // One is taken, the other fails for good a second time: its letter tells of the second time alone.
        try record(buried: [letter(4, attempts: 1)], redelivered: [Redelivery(sink: "crm", sequence: 2)])
        #expect(try store.redeliveries(of: "crm", limit: 10).isEmpty)
        let letters = try store.deadLetters(limit: 10)
        #expect(letters.map(\.sequence) == [4])
        #expect(letters.map(\.attempts) == [1])
        #expect(letters.map(\.number) == [3], "a number is not used again")
        #expect(store.statistics.redeliveries == [:])
        #expect(try store.cursor(of: "crm") == 5)
    }

    @Test("are one for each event and sink") func once() throws {
        try record(buried: [letter(4), letter(4, "archive"), letter(4, attempts: 9)])
        #expect(try store.deadLetters(limit: 10).map(\.sink) == ["archive", "crm"])
        #expect(try store.deadLetters(of: "crm", limit: 10).map(\.attempts) == [9])
        #expect(store.statistics.deadLetters == ["crm": 1, "archive": 1])
    }

    @Test("are gone when they are dropped") func dropped() throws {
        try record(buried: [letter(4), letter(5)])
        #expect(try store.dropDeadLetters([1, 8]) == 1)
        #expect(try store.deadLetters(limit: 10).map(\.sequence) == [5])
        #expect(try store.redeliveries(of: "crm", limit: 10).isEmpty)
        #expect(try store.events(sequences: [4]).values.map(\.nonce) == ["n4"], "the event is not old yet")
    }

    @Test("keep an error of 4 KiB, cut between characters or not") func longError() throws {
        for text in [String(repeating: "x", count: 10_000), "x" + String(repeating: "é", count: 10_000)] {
            var long = letter(4)
            long.error = text
            try record(buried: [long])
            let kept = try #require(try store.deadLetters(limit: 10).first).error
            #expect((4090...4096).contains(kept.utf8.count))
            #expect(kept.hasPrefix(String(text.prefix(2000))))
        }
    }

    @Test("events are sent again as asked for, once each, and only those that are there") func replay() throws {
        let wakes = Mutex(0)
        store.onCommit { wakes.withLock { $0 += 1 } }
        #expect(try store.replay([5, 3, 99], to: "crm") == 2)
        #expect(try store.replay([3, 4], to: "crm") == 1)
        #expect(wakes.withLock { $0 } == 2)
        #expect(try store.replay([3], to: "crm") == 0)
        #expect(wakes.withLock { $0 } == 2, "nobody is woken for nothing")
        let sequences = try store.redeliveries(of: "crm", limit: 10)
        #expect(sequences == [3, 4, 5])
        #expect(try store.events(sequences: sequences).values.map(\.nonce) == ["n3", "n4", "n5"])
        #expect(try store.events(sequences: [5, 77, 1]).values.map(\.nonce) == ["n5", "n1"])
        let again = try openStore(directory.copied())
        #expect(try again.redeliveries(of: "crm", limit: 10) == [3, 4, 5], "after a restart")
    }
}
