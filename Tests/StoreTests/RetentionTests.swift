// Deleting old events: what goes, what stays and for whom, and that the file stays as large as it should.

import Foundation
import Testing

@testable import Store

@Suite("Retention") struct RetentionTests {
    let directory: TemporaryDirectory
    static let start: Int64 = 1_000_000

    init() throws { directory = try TemporaryDirectory() }

    /// A writer as after a start at `now`, in seconds, with a window of 300 seconds.
    private func writer(now: Int64 = start) throws -> EventWriter {
        try EventWriter(
            path: directory.database, setup: .init(toleranceSeconds: 300, nonceCapacity: 100_000), now: now,
            lowestNextSequence: 1)
    }

    private func callback(_ nonce: String, at signedAt: Int64, _ change: (inout Callback) -> Void = { _ in })
        -> Callback
    {
        Callback(nonce).with {
            $0.signedAt = signedAt
            change(&$0)
        }
    }

    @discardableResult
    private func store(_ writer: EventWriter, _ callbacks: [Callback], now: Int64) throws -> [Outcome] {
        try writer.commit([CandidateBatch(callbacks)], now: now * 1_000_000).outcomes.flatMap { $0 }
    }

    /// Ten events, a minute apart.
    private func fill(_ writer: EventWriter) throws {
        for index in 0..<10 as Range<Int64> {
            let now = Self.start + 60 * index
            try store(writer, [callback("n\(index + 1)", at: now)], now: now)
        }
    }

    private func plan(
        age: Int64? = 3600, size: Int64? = nil, now: Int64, sinks: [String] = [], lateWindow: Int64 = 0
    ) -> RetirementPlan {
        var options = SQLiteEventStore.Options(toleranceSeconds: 300)
        options.sinks = sinks
        options.lateWindowSeconds = lateWindow
        return RetirementPlan(Retention(ageSeconds: age, sizeBytes: size), options, now: now)
    }

    private func sequences() throws -> [Int64] { try EventReader(path: directory.database).all.map(\.sequence) }

    private func cursor(_ sink: String, _ sequence: Int64) -> EventWriter.Change {
        { writer, _ throws(StoreError) in
            var progress = DeliveryProgress()
            progress.cursors = [sink: sequence]
            try writer.record(progress, now: 0)
        }
    }

    private func bury(_ sequence: Int64) -> EventWriter.Change {
        { writer, _ throws(StoreError) in
            var progress = DeliveryProgress()
            progress.buried = [DeadLetter(sink: "crm", sequence: sequence, id: [], attempts: 1, status: nil, error: "")]
            try writer.record(progress, now: 0)
        }
    }

    private func dropLetter(_ number: Int64) -> EventWriter.Change {
        { writer, _ throws(StoreError) in _ = try writer.dropDeadLetter(number) }
    }

    private func releaseLetter(_ number: Int64) -> EventWriter.Change {
        { writer, _ throws(StoreError) in _ = try writer.releaseDeadLetter(number) }
    }

    private func releaseQuarantined(_ number: Int64) -> EventWriter.Change {
        { writer, now throws(StoreError) in _ = try writer.releaseFromQuarantine(number, now: now) }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var cursors: [String: Int64] = [:]
        var sinks: [String] = []
        var buried: [Int64] = []
        var age: Int64? = 3600
        var size: Int64?
        var lateWindow: Int64 = 0
        /// Seconds since the first event.
        var now: Int64
        var left: [Int64]
        var stop: RetirementStep.Stop
        var why: String
        var testDescription: String { why }
    }

    static let cases: [Case] = [
        Case(now: 3600, left: Array(1...10), stop: .done, why: "the oldest is as old as it may be"),
        Case(now: 3601, left: Array(2...10), stop: .done, why: "one second more"),
        Case(now: 3840, left: Array(5...10), stop: .done, why: "those that are too old"),
        Case(now: 999_999, left: [10], stop: .done, why: "the newest stays, for the next number is told from it"),
        Case(
            cursors: ["crm": 4], sinks: ["crm"], now: 999_999, left: Array(5...10), stop: .heldBySink("crm"),
            why: "a sink has not taken them"),
        Case(
            cursors: ["crm": 9, "log": 2], sinks: ["crm", "log"], now: 999_999, left: Array(3...10),
            stop: .heldBySink("log"), why: "the slowest sink decides"),
        Case(
            cursors: ["old": 2], sinks: [], now: 999_999, left: [10], stop: .done,
            why: "a sink that is no longer configured does not"),
        Case(
            cursors: ["crm": 9], sinks: ["crm", "new"], now: 999_999, left: Array(1...10), stop: .heldBySink("new"),
            why: "a sink that has yet to begin does"),
        Case(buried: [3, 7], now: 999_999, left: [3, 7, 10], stop: .done, why: "dead letters keep theirs"),
        Case(age: 60, now: 590, left: Array(1...10), stop: .heldByWindow, why: "a repeat must still be recognised"),
        Case(age: 60, now: 661, left: Array(3...10), stop: .heldByWindow, why: "for twice the tolerance"),
        Case(
            age: 60, lateWindow: 7200, now: 7261, left: Array(3...10), stop: .heldByWindow,
            why: "for the late window, where it is accepted"),
        Case(age: nil, now: 999_999, left: Array(1...10), stop: .done, why: "no bound"),
        Case(age: nil, size: 1, now: 999_999, left: [10], stop: .done, why: "too large, however young"),
        Case(age: nil, size: 1 << 30, now: 999_999, left: Array(1...10), stop: .done, why: "not too large"),
        Case(
            age: nil, size: 1, now: 620, left: Array(2...10), stop: .heldByWindow,
            why: "too large, and still never what may be repeated"),
    ]

    @Test("deletes what is old, and nothing that is needed", arguments: cases) func deletes(_ c: Case) throws {
        let writer = try writer()
        try fill(writer)
        let changes = c.cursors.map { cursor($0.key, $0.value) } + c.buried.map { bury($0) }
        _ = try writer.commit([], changes: changes, now: 0)
        let step = try writer.retire(
            plan(age: c.age, size: c.size, now: Self.start + c.now, sinks: c.sinks, lateWindow: c.lateWindow),
            limit: ReadLimit(events: 100, bytes: .max))
        #expect(try sequences() == c.left)
        #expect(step.deleted == 10 - c.left.count)
        #expect(step.stop == c.stop)
    }

    @Test("goes on where the last step stopped, across a restart") func steps() throws {
        do {
            let writer = try writer()
            try fill(writer)
            #expect(
                try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 4, bytes: .max))
                    == RetirementStep(
                        deleted: 4, stop: .none, usedBytes: try writer.retirement.usedBytes()))
        }
        let writer = try writer(now: 9_999_999)
        #expect(writer.retirement.through == 4)
        #expect(try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 4, bytes: .max)).deleted == 4)
        #expect(try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 4, bytes: .max)).deleted == 1)
        #expect(try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 4, bytes: .max)).deleted == 0)
        #expect(try sequences() == [10])
    }

    @Test("a step deletes about as many bytes as it may") func bytes() throws {
        let writer = try writer()
        try fill(writer)
        #expect(try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 100, bytes: 1)).deleted == 1)
        #expect(try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 100, bytes: 15)).deleted == 3)
        let rest = try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 100, bytes: 1000))
        #expect(rest.deleted == 5)
        #expect(rest.stop == .done)
    }

    @Test("a number is not used again after everything is gone") func numbers() throws {
        do {
            let writer = try writer()
            try fill(writer)
            _ = try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 100, bytes: .max))
        }
        let writer = try writer(now: 9_999_999)
        #expect(try store(writer, [callback("new", at: 9_999_999)], now: 9_999_999) == [.stored(sequence: 11)])
    }

    @Test("what a dead letter kept goes with the letter, and what was sent again with the redelivery") func leftBehind()
        throws
    {
        let writer = try writer()
        try fill(writer)
        _ = try writer.commit([], changes: [bury(3), bury(5), bury(10)], now: 0)
        _ = try writer.retire(plan(now: 9_999_999), limit: ReadLimit(events: 100, bytes: .max))
        #expect(writer.retirement.leftBehind == 2)
        _ = try writer.commit(
            [], changes: [dropLetter(1)], now: 0)
        #expect(try sequences() == [5, 10])
        _ = try writer.commit(
            [], changes: [releaseLetter(2)], now: 0)
        #expect(try sequences() == [5, 10], "it is yet to be sent again")
        let taken: EventWriter.Change = { writer, _ throws(StoreError) in
            var progress = DeliveryProgress()
            progress.redelivered = [Redelivery(sink: "crm", sequence: 5)]
            try writer.record(progress, now: 0)
        }
        _ = try writer.commit([], changes: [taken], now: 0)
        #expect(try sequences() == [10])
        #expect(writer.retirement.leftBehind == 0)
        _ = try writer.commit(
            [], changes: [dropLetter(3)], now: 0)
        #expect(try sequences() == [10], "the newest was not passed by")
    }

    @Test("what was deleted is not taken for new, however it comes again") func horizon() throws {
        let writer = try writer()
        try fill(writer)
        let now = Self.start + 9999
        _ = try writer.retire(plan(now: now), limit: ReadLimit(events: 100, bytes: .max))
        let old = callback("n2", at: Self.start + 60)
        func late(_ treatment: LateTreatment) -> Callback {
            old.with {
                $0.isLate = true
                $0.lateTreatment = treatment
            }
        }
        #expect(try store(writer, [late(.accept)], now: now) == [.quarantined], "whether it is new cannot be told")
        #expect(try store(writer, [late(.quarantine), late(.refuse)], now: now) == [.quarantined, .late])
        #expect(
            try EventReader(path: directory.database).quarantined(limit: 9).map(
                \.mayBeRepeat) == [true])
        // The clock is set back by hours: the old callback is within the window again.
        #expect(try store(writer, [old], now: Self.start + 60) == [.late])
        #expect(try store(writer, [callback("other", at: Self.start + 480)], now: Self.start + 480) == [.late])
        let younger = callback("young", at: Self.start + 481).with {
            $0.isLate = true
            $0.lateTreatment = .accept
        }
        #expect(try store(writer, [younger], now: now) == [.stored(sequence: 11)], "signed after all that was deleted")
        #expect(try sequences() == [10, 11])
    }

    @Test("what an operator released, signed far ahead, holds nothing up") func signedAhead() throws {
        let writer = try writer()
        let ahead = callback("ahead", at: 99_999_999) {
            $0.isLate = true
            $0.lateTreatment = .quarantine
        }
        try store(writer, [callback("a", at: Self.start), ahead], now: Self.start)
        _ = try writer.commit(
            [], changes: [releaseQuarantined(1)],
            now: Self.start * 1_000_000)
        try store(writer, [callback("b", at: Self.start), callback("c", at: Self.start)], now: Self.start)
        _ = try writer.retire(plan(now: Self.start + 9999), limit: ReadLimit(events: 100, bytes: .max))
        #expect(try sequences() == [2, 4], "the nonce of the second must be known until its time has come")
        #expect(try store(writer, [ahead], now: Self.start + 9999) == [.duplicate])
        #expect(
            try store(writer, [callback("d", at: Self.start + 9999)], now: Self.start + 9999) == [.stored(sequence: 5)])
    }

    @Test("B24: a store through which many times its size goes stays as large as it may be") func staysSmall() throws {
        var options = SQLiteEventStore.Options(toleranceSeconds: 1)
        options.retention = Retention(sizeBytes: 2 << 20)
        let notices = Notices()
        let store = try openStore(directory, options, notices)
        // Signed when it was in the window of no clock: old enough to go at once.
        let signedAt = Int64(time(nil)) - 1000
        var largest: Int64 = 0
        for round in 0..<40 {
            let callbacks = (0..<64).map { index in
                Callback("n\(round)-\(index)").with {
                    $0.signedAt = signedAt + Int64(round)
                    $0.isLate = true
                    $0.lateTreatment = .accept
                    $0.body = [UInt8](repeating: 0x20, count: 8000)
                }
            }
            #expect(store.outcomes(of: callbacks).last == .stored(sequence: Int64(round + 1) * 64))
            store.queue.sync {
                for _ in 0..<100 where store.upkeep.lastStop == .none || store.isTooLarge { store.doUpkeep() }
            }
            largest = max(largest, sizeOfFile(directory.database))
        }
        // 20 MB went through it.
        #expect(store.statistics.storedBytes <= 2 << 20)
        #expect(largest < 4 << 20, "pages are used again; the bound, and what came between two steps")
        #expect(try store.allEvents(atOnce: 10).last?.sequence == 40 * 64)
        #expect(store.statistics.storedEvents == Int64(try store.allEvents(atOnce: 100).count))
        store.close()
        #expect(try EventReader(path: directory.database).all.last?.sequence == 40 * 64)
    }

    @Test("says who holds events back, once") func saysWhoHolds() throws {
        var options = SQLiteEventStore.Options(toleranceSeconds: 1)
        options.retention = Retention(sizeBytes: 1)
        options.sinks = ["crm"]
        let notices = Notices()
        let store = try openStore(directory, options, notices)
        _ = store.outcomes(of: [Callback("a"), Callback("b"), Callback("c")])
        store.queue.sync { for _ in 0..<3 { store.doUpkeep() } }
        #expect(notices.texts == ["held back by crm"])
    }

    @Test("goes by other bounds and other sinks from one moment to the next") func otherBounds() throws {
        var options = SQLiteEventStore.Options(toleranceSeconds: 300)
        options.sinks = ["crm"]
        options.retention = Retention(sizeBytes: 1 << 40)
        let store = try openStore(directory, options)
        let signedAt = Int64(time(nil)) - 1000
        let callbacks = (0..<10).map { index in
            Callback("n\(index)").with {
                ($0.signedAt, $0.isLate, $0.lateTreatment) = (signedAt, true, .accept)
            }
        }
        #expect(store.outcomes(of: callbacks).last == .stored(sequence: 10))
        func left() throws -> Int {
            // A slow disk makes a step look at a single event.
            store.queue.sync { for _ in 0..<20 { store.doUpkeep() } }
            return try sequences().count
        }
        #expect(try left() == 10)
        options.retention = Retention(sizeBytes: 1)
        store.reconfigure(options)
        #expect(try left() == 10, "the sink has yet to take them")
        options.sinks = []
        store.reconfigure(options)
        #expect(try left() == 1, "a sink that is gone holds nothing back; and the newest stays")
        store.close()
    }
}

extension SQLiteEventStore {
    /// Whether the store uses more than it may. On its queue.
    fileprivate var isTooLarge: Bool {
        guard let size = options.retention?.sizeBytes, let used = try? writer?.retirement.usedBytes() else {
            return false
        }
        return used > size
    }
}
