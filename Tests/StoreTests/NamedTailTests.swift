// Named tails: where they are, that they stay there, and how long events wait for them.

import Testing

@testable import Store

@Suite("Named tails in the store") struct NamedTailTests {
    let directory: TemporaryDirectory
    static let start: Int64 = 1_000_000

    init() throws { directory = try TemporaryDirectory() }

    @Test("a place is kept across a restart, and never goes back") func place() throws {
        do {
            let store = try openStore(directory)
            for index in 1...5 { #expect(store.outcome(of: Callback("n\(index)")) == .stored(sequence: Int64(index))) }
            #expect(try store.openTail("export", newFrom: 2) == .new(sequence: 2))
            #expect(try store.acknowledge("export", through: 4) == 4)
            #expect(try store.acknowledge("export", through: 3) == 4, "an answer that comes late takes nothing back")
            #expect(try store.acknowledge("other", through: 3) == nil, "there is no such name")
            store.close()
        }
        let store = try openStore(directory)
        #expect(try store.openTail("export", newFrom: 0) == .known(sequence: 4))
        #expect(try store.tails().map(\.name) == ["export"])
        #expect(try EventReader(stateDirectory: directory.path).tails().map(\.sequence) == [4])
        #expect(try store.dropTails(["export", "other"]) == 1)
        #expect(try store.tails() == [])
    }

    @Test("a sink of the same name is another thing") func names() throws {
        let store = try openStore(directory)
        for index in 1...3 { _ = store.outcome(of: Callback("n\(index)")) }
        try store.moveCursors(["crm": 3])
        #expect(try store.openTail("crm", newFrom: 1) == .new(sequence: 1))
        #expect(try store.acknowledge("crm", through: 2) == 2)
        #expect(try store.cursor(of: "crm") == 3)
        #expect(try store.dropTails(["crm"]) == 1)
        #expect(try store.cursor(of: "crm") == 3)
    }

    @Test("there are no more names than there may be") func tooMany() throws {
        let store = try openStore(directory)
        for index in 0..<NamedTail.limit {
            #expect(try store.openTail("t\(index)", newFrom: 0) == .new(sequence: 0))
        }
        #expect(try store.openTail("one-more", newFrom: 0) == .tooMany)
        #expect(try store.openTail("t0", newFrom: 0) == .known(sequence: 0))
    }

    /// Ten events a minute apart, a named tail that has read some, and what is left of the events at a later time.
    struct Case: CustomTestStringConvertible, Sendable {
        /// The last event that the tail acknowledged.
        var taken: Int64
        /// When that was, in seconds since the first event.
        var readAt: Int64
        var size: Int64?
        /// Seconds since the first event.
        var now: Int64
        var left: [Int64]
        var stop: RetirementStep.Stop
        /// Whether it is said that events went by the tail.
        var isPassed: Bool
        var why: String
        var testDescription: String { why }
    }

    static let cases: [Case] = [
        Case(
            taken: 4, readAt: 4199, now: 4200, left: Array(5...10), stop: .heldByTail("export"), isPassed: false,
            why: "what is read lately is waited for"),
        Case(taken: 10, readAt: 600, now: 4200, left: [10], stop: .done, isPassed: false, why: "it has read all"),
        Case(
            taken: 4, readAt: 601, now: 4200, left: Array(5...10), stop: .heldByTail("export"), isPassed: false,
            why: "for as long as events are kept"),
        Case(
            taken: 4, readAt: 600, now: 4200, left: [10], stop: .done, isPassed: true, why: "and then it is forgotten"),
        Case(
            taken: 4, readAt: 7440, now: 7440, left: Array(5...10), stop: .heldByTail("export"), isPassed: false,
            why: "an event may become twice as old for it"),
        Case(
            taken: 4, readAt: 7441, now: 7441, left: Array(6...10), stop: .heldByTail("export"), isPassed: true,
            why: "and no older, or a reader that is too slow would fill the disk"),
        Case(
            taken: 4, readAt: 4199, size: 1, now: 4200, left: [10], stop: .done, isPassed: true,
            why: "a bound in bytes is for the disk, whoever reads"),
    ]

    @Test("events wait for who reads, and not for ever", arguments: cases) func waits(_ c: Case) throws {
        let writer = try EventWriter(
            path: directory.database, setup: .init(toleranceSeconds: 300, nonceCapacity: 100_000), now: Self.start,
            lowestNextSequence: 1)
        for index in 0..<10 as Range<Int64> {
            let now = Self.start + 60 * index
            let callback = Callback("n\(index + 1)").with { $0.signedAt = now }
            _ = try writer.commit([CandidateBatch([callback])], now: now * 1_000_000)
        }
        try writer.transaction { () throws(StoreError) in
            _ = try writer.tails.open("export", newFrom: 0, now: 0)
            _ = try writer.tails.acknowledge(
                "export", through: c.taken, now: (Self.start + c.readAt) * 1_000_000)
        }
        let plan = RetirementPlan(
            Retention(ageSeconds: 3600, sizeBytes: c.size), SQLiteEventStore.Options(toleranceSeconds: 300),
            now: Self.start + c.now)
        let step = try writer.retire(plan, limit: ReadLimit(events: 100, bytes: .max))
        #expect(try EventReader(path: directory.database).all.map(\.sequence) == c.left)
        #expect(step.stop == c.stop)
        #expect(step.passedTails == (c.isPassed ? ["export"] : []))
        #expect(try writer.retire(plan, limit: ReadLimit(events: 100, bytes: .max)).passedTails == [], "said once")
        let tail = try EventReader(path: directory.database).tails().first
        #expect(tail?.missedThrough == (c.isPassed ? (c.left.first ?? 0) - 1 : nil))
    }
}
