// Opening a store again: nonces, numbers and cursors are what they were.

import Foundation
import Store
import Testing

@Suite("After a restart") struct RestartTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Opens the store, does something with it, and closes it.
    private func run<R>(_ notices: Notices = Notices(), _ body: (SQLiteEventStore) throws -> R) throws -> R {
        let store = try openStore(directory, .init(), notices)
        defer { store.close() }
        return try body(store)
    }

    @Test("B6: nonces are still taken") func nonces() throws {
        try run { #expect($0.outcome(of: Callback("n")) == .stored(sequence: 1)) }
        for _ in 0..<2 {
            try run { store in
                #expect(store.outcome(of: Callback("n")) == .duplicate)
                #expect(store.outcome(of: Callback("n", "{}").with { $0.signer = 2 }) == .reusedNonce)
            }
        }
    }

    @Test("numbers go on") func numbers() throws {
        try run { _ = $0.outcomes(of: [Callback("a"), Callback("b")]) }
        try run { store in
            #expect(store.newestSequence == 2)
            #expect(store.outcome(of: Callback("c")) == .stored(sequence: 3))
            let nonces = try store.allEvents().map(\.nonce)
            #expect(nonces == ["a", "b", "c"])
        }
    }

    @Test("numbers go on, whoever asked if callbacks are taken") func numbersAfterReadiness() throws {
        try run { store in
            #expect(store.outcome(of: Callback("a")) == .stored(sequence: 1))
            #expect((try? store.takesCallbacks()) == true)
        }
        try run { store in
            #expect(store.newestSequence == 1 && store.statistics.storedEvents == 1)
            #expect(store.outcome(of: Callback("b")) == .stored(sequence: 2))
        }
    }

    @Test("a sink goes on where it was") func cursors() throws {
        try run { store in
            _ = store.outcomes(of: (0..<9).map { Callback("n\($0)") })
            #expect(try store.cursor(of: "a") == nil, "never seen")
            try store.moveCursors(["a": 3, "b": 5])
            try store.moveCursors(["a": 7])
        }
        try run { store in
            #expect(try store.cursor(of: "a") == 7)
            #expect(try store.cursor(of: "b") == 5)
            #expect(try store.cursor(of: "c") == nil)
            try store.moveCursors(["a": 2])
            #expect(try store.cursor(of: "a") == 2, "an operator may take a sink back")
        }
    }

    @Test("events that were stored and that are gone are noticed, and their numbers not used again") func lost()
        throws
    {
        try run { store in
            _ = store.outcomes(of: (0..<5).map { Callback("n\($0)") })
            try store.moveCursors(["a": 4])
        }
        for name in ["hookd.db", "hookd.db-wal", "hookd.db-shm"] {
            try? FileManager.default.removeItem(atPath: directory.path + "/" + name)
        }
        let notices = Notices()
        try run(notices) { store in
            #expect(notices.texts == ["lost from 0 to 5"], "the fifth, too, which no sink had taken")
            #expect(store.newestSequence == 5)
            #expect(store.outcome(of: Callback("new")) == .stored(sequence: 6))
            let events = try store.events(after: 4, limit: ReadLimit(events: 10, bytes: 1 << 20))
            #expect(events.values.map(\.nonce) == ["new"], "the sink that has taken 4 goes on behind it")
        }
        let later = Notices()
        try run(later) { _ in #expect(later.texts == [], "once is enough") }
    }

    @Test(
        "a place that no event bears out is said, and kept or put right; and no number is given twice",
        arguments: [
            (2, nil, 2, 3, "an event's"), (3, nil, 3, 3, "the newest's"),
            (65_536 + 2, "at 65538 of 3, goes on behind 65538", 65_538, 65_538, "a flipped bit"),
            (
                (1 << 62) - 1, "at 4611686018427387903 of 3, goes on behind 4611686018427387903", (1 << 62) - 1,
                (1 << 62) - 1, "the highest that could be"
            ),
            (1 << 62, "at 4611686018427387904 of 3, goes on behind 3", 3, 3, "a number of no store"),
            (.max, "at 9223372036854775807 of 3, goes on behind 3", 3, 3, "behind which no number is"),
            (.min, "at -9223372036854775808 of 3, goes on behind 0", 0, 3, "no number at all"),
        ] as [(Int64, String?, Int64, Int64, String)])
    func impossiblePlaces(place: Int64, said: String?, kept: Int64, newest: Int64, why: String) throws {
        try run { store in
            _ = store.outcomes(of: (0..<3).map { Callback("n\($0)") })
            try store.moveCursors(["crm": 1])
        }
        // The lowest number has no literal in SQL.
        try runSQL(
            "UPDATE cursors SET sequence = \(place == .min ? "-9223372036854775807 - 1" : "\(place)")",
            on: directory.path + "/hookd.db")
        let notices = Notices()
        try run(notices) { store in
            let (cursor, expected) = (try store.cursor(of: "crm"), said.map { "sink crm \($0)" })
            #expect(notices.texts == [expected].compactMap(\.self) && cursor == kept, "\(notices.texts): \(why)")
            #expect(store.newestSequence == newest, "\(why)")
            #expect(store.outcome(of: Callback("new")) == .stored(sequence: newest + 1), "\(why)")
        }
        let again = try run { try $0.cursor(of: "crm") }
        #expect(again == kept, "for good: \(why)")
    }

    @Test("numbers that somebody has seen are passed over for good") func skipped() throws {
        try run { store in
            #expect(store.outcome(of: Callback("a")) == .stored(sequence: 1))
            try store.skip(through: 7)
            #expect(store.newestSequence == 7)
            #expect(store.outcome(of: Callback("b")) == .stored(sequence: 8))
            try store.skip(through: 5)
            #expect(store.outcome(of: Callback("c")) == .stored(sequence: 9))
            try store.skip(through: 20)
        }
        let notices = Notices()
        try run(notices) { store in
            #expect(notices.texts == ["lost from 9 to 20"])
            #expect(store.outcome(of: Callback("d")) == .stored(sequence: 21))
        }
    }

    @Test("nothing is noticed when nothing is lost") func notLost() throws {
        try run { store in
            _ = store.outcomes(of: [Callback("a"), Callback("b")])
            try store.moveCursors(["a": 2])
        }
        let notices = Notices()
        try run(notices) { _ in #expect(notices.texts == []) }
    }

    @Test(
        "a mark that nothing can be told from is no mark",
        arguments: [
            [UInt8](repeating: 0x7f, count: 16), [UInt8](repeating: 0xff, count: 16), [0x7f], [],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ]) func damagedMark(_ bytes: [UInt8]) throws
    {
        try run { _ = $0.outcome(of: Callback("a")) }
        try Data(bytes).write(to: URL(fileURLWithPath: directory.path + "/hookd.mark"))
        try run { #expect($0.outcome(of: Callback("b")) == .stored(sequence: 2)) }
    }

    @Test("the mark is that of the newest event, whatever the sinks have taken") func markRises() throws {
        try run { store in
            _ = store.outcomes(of: (0..<9).map { Callback("n\($0)") })
            try store.moveCursors(["fast": 9])
            try store.moveCursors(["slow": 2])
        }
        for name in ["hookd.db", "hookd.db-wal", "hookd.db-shm"] {
            try? FileManager.default.removeItem(atPath: directory.path + "/" + name)
        }
        try run { #expect($0.newestSequence == 9) }
    }
}
