// A store of which a part was overwritten: all that can be read is in the new one, the rest is told of, and no number
// is used again.

import Foundation
import Store
import Testing

@Suite("The repair of a damaged store") struct RepairTests {
    private static let count: Int64 = 600
    private static let pageBytes = 16_384
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A store with something in every table, all of it in the database file.
    private func fill() throws {
        let store = try openStore(directory)
        let events = (1...Self.count).map { Callback("n\($0)", "{\"n\":\($0),\"x\":\"\(text(400))\"}") }
        _ = store.outcomes(of: events + [Callback("large", text(100_000))])
        let late = Callback("late").with {
            ($0.signedAt, $0.isLate, $0.lateTreatment) = ($0.signedAt - 10_000, true, .quarantine)
        }
        #expect(store.outcome(of: late) == .quarantined)
        var progress = DeliveryProgress()
        progress.cursors = ["archive": 590, "crm": 7]
        progress.buried = [3, 5, 6].map {
            DeadLetter(sink: "crm", sequence: $0, id: [], attempts: 10, status: 422, error: "no")
        }
        try store.record(progress)
        #expect(try store.replay([2, 4], to: "archive") == 2)
        #expect(try store.dropDeadLetters([3]) == 1)
        #expect(try store.openTail("export", newFrom: 11) == .new(sequence: 11))
        store.close()
    }

    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    private func repair(_ directory: TemporaryDirectory, isDryRun: Bool = false) throws -> RepairReport {
        try StoreRepair(stateDirectory: directory.path, sinks: ["archive", "crm"]).run(isDryRun: isDryRun)
    }

    /// Overwrites a page of the database, which count from 1.
    private func destroy(_ page: Int, in directory: TemporaryDirectory) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.database))
        try file.seek(toOffset: UInt64((page - 1) * Self.pageBytes))
        try file.write(contentsOf: Data(repeating: 0xA5, count: Self.pageBytes))
        try file.close()
    }

    private func whole(in directory: TemporaryDirectory) throws -> [Event] {
        let store = try openStore(directory)
        defer { store.close() }
        return try store.allEvents()
    }

    @Test("keeps what is whole, tells what is not, and uses no number again, whichever page is destroyed")
    func everyPage() throws {
        try fill()
        let events = try whole(in: directory.copied())
        let pages = (directory.contents(of: "hookd.db")?.count ?? 0) / Self.pageBytes
        #expect(pages > 30)
        var (lostOfAPage, wholeAgain) = ([Int](), 0)
        for page in 2...pages {
            let copy = try directory.copied()
            try destroy(page, in: copy)
            let report = try repair(copy)
            guard report.isDamaged else { continue }  // a page that holds nothing
            let lost = Set(report.lost.joined())
            let kept = try whole(in: copy)
            #expect(kept == events.filter { !lost.contains($0.sequence) }, "page \(page)")
            #expect(report.events == kept.count && kept.count + lost.count == events.count, "page \(page)")
            lostOfAPage.append(lost.count)
            let store = try openStore(copy)
            defer { store.close() }
            #expect(store.outcome(of: Callback("new")) == .stored(sequence: Self.count + 2), "page \(page)")
            if let known = kept.first {
                let again = Callback(known.nonce, String(decoding: known.body, as: UTF8.self))
                #expect(store.outcome(of: again.with { $0.signedAt = known.signedAt }) == .duplicate, "page \(page)")
            }
            let oldest = (kept.first?.sequence ?? Self.count + 2) - 1
            for (sink, place) in [("archive", 590), ("crm", 7)] as [(String, Int64)] {
                let found = try store.cursor(of: sink)
                #expect(found == (report.restarted.contains(sink) ? oldest : place), "page \(page)")
            }
            let isElsewhereWhole = report.incomplete.allSatisfy { $0 == "sqlite_sequence" }
            if isElsewhereWhole {
                #expect(try store.deadLetters(limit: 9).map(\.sequence) == [3, 5], "page \(page)")
                #expect(try store.quarantined(limit: 9).count == 1, "page \(page)")
                #expect(try store.tails().map(\.sequence) == [11], "page \(page)")
                #expect(try store.redeliveries(of: "archive", limit: 9) == [2, 4], "page \(page)")
                var more = DeliveryProgress()
                more.buried = [DeadLetter(sink: "a", sequence: 9, id: [], attempts: 1, status: nil, error: "")]
                try store.record(more)
                let numbers = try store.deadLetters(limit: 9).map(\.number)
                // 3 was that of a letter which is gone.
                #expect(numbers == [1, 2, report.incomplete.isEmpty ? 4 : 1_000_003], "page \(page)")
            }
            if lost.isEmpty, isElsewhereWhole { wholeAgain += 1 }
            #expect(FileManager.default.fileExists(atPath: try #require(report.damagedPath)))
        }
        #expect(lostOfAPage.count { $0 > 40 } <= 1, "but for the root, a page hides no more than what is on it")
        #expect(wholeAgain > 0, "an index is made anew")
    }

    @Test("says so where nothing can be found any more, and changes nothing") func firstPage() throws {
        try fill()
        try destroy(1, in: directory)
        let before = directory.contents(of: "hookd.db")
        #expect { try repair(directory) } throws: { "\($0)".contains("Restore it from a backup") }
        #expect(directory.contents(of: "hookd.db") == before)
    }

    @Test("changes nothing where nothing is damaged, or only asked") func untouched() throws {
        try fill()
        let before = directory.contents(of: "hookd.db")
        let report = try repair(directory)
        #expect(!report.isDamaged && report.events == Int(Self.count) + 1 && report.damagedPath == nil)
        #expect(directory.contents(of: "hookd.db") == before)
        try destroy(20, in: directory)
        let damaged = directory.contents(of: "hookd.db")
        let asked = try repair(directory, isDryRun: true)
        #expect(asked.isDamaged && asked.damagedPath == nil)
        #expect(directory.contents(of: "hookd.db") == damaged)
        let made = try repair(directory)
        #expect(made.lost == asked.lost && made.events == asked.events && made.rows == asked.rows)
    }

    @Test("is not made beside a daemon, which names it in its refusal to start") func beside() throws {
        try fill()
        let store = try openStore(directory)
        #expect(throws: StoreError.locked(directory: directory.path, pid: getpid())) { try repair(directory) }
        store.close()
        withExtendedLifetime(store) {}
        let copy = try directory.copied()
        for page in 2...30 { try destroy(page, in: copy) }
        #expect { _ = try openStore(copy) } throws: { "\($0)".contains("hookd store repair") }
        #expect(throws: StoreError.missing(path: copy.path + "/none/hookd.db")) {
            try StoreRepair(stateDirectory: copy.path + "/none", sinks: [])
        }
    }

    @Test("goes on where it was interrupted, and until then nothing starts on half of it", arguments: [false, true])
    func interrupted(isLogMoved: Bool) throws {
        try fill()
        let other = try directory.copied()
        try destroy(20, in: other)
        let report = try repair(other)
        // As if it had ended between two of its last steps.
        let files = FileManager.default
        try files.moveItem(atPath: other.database, toPath: other.database + ".repaired")
        let damaged = try #require(report.damagedPath)
        try files.moveItem(atPath: damaged, toPath: other.database)
        let log = Data("log of the damaged store".utf8)
        try log.write(to: URL(filePath: (isLogMoved ? damaged : other.database) + "-wal"))
        #expect(throws: StoreError.repairInterrupted(directory: other.path)) { try openStore(other) }
        let resumed = try repair(other)
        #expect(resumed.isResumed && resumed.damagedPath == damaged)
        #expect(files.contents(atPath: damaged + "-wal") == log, "it is the damaged one's, and must not be the other's")
        #expect(try whole(in: other).count == report.events)
    }
}
