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

    /// The offset of the first byte of each leaf page of the table of events.
    private func leaves(in directory: TemporaryDirectory) -> [Int] {
        let file = [UInt8](directory.contents(of: "hookd.db") ?? Data())
        return stride(from: Self.pageBytes, to: file.count, by: Self.pageBytes).filter { page in
            // 13: a leaf of a table by numbers. Dead letters and the quarantine have such leaves, too, and here few rows.
            file[page] == 13 && Int(file[page + 3]) << 8 | Int(file[page + 4]) > 3
        }
    }

    /// Where the numbers of a leaf's rows begin, each two bytes long or more, by their places in the page.
    private func numbers(at page: Int, in file: [UInt8]) -> [Int] {
        let cells = Int(file[page + 3]) << 8 | Int(file[page + 4])
        return (0..<cells).map { cell in
            var place = page + (Int(file[page + 8 + 2 * cell]) << 8 | Int(file[page + 9 + 2 * cell]))
            while file[place] & 0x80 != 0 { place += 1 }
            return place + 1
        }
    }

    private func change(_ directory: TemporaryDirectory, _ change: (inout [UInt8]) -> Void) throws {
        var file = [UInt8](directory.contents(of: "hookd.db") ?? Data())
        change(&file)
        try Data(file).write(to: URL(fileURLWithPath: directory.database))
    }

    /// Repairs a store that had `events`: each one is either there as it was, or lost.
    private func expectAllToldOf(
        _ events: [Event], in directory: TemporaryDirectory, atMostLost most: Int, _ comment: Comment
    ) throws {
        let report = try repair(directory)
        let kept = try whole(in: directory)
        let lost = report.lost.flatMap { range in events.map(\.sequence).filter(range.contains) }
        #expect(kept == events.filter { !lost.contains($0.sequence) }, comment)
        #expect(kept.count + lost.count == events.count && report.events == kept.count, comment)
        #expect(lost.count <= most, comment)
        #expect(report.nextSequence > Self.count + 1, comment)
    }

    @Test("a number that is damaged in a page hides no other row, whichever bit of it flipped")
    func flippedNumber() throws {
        try fill()
        let events = try whole(in: directory.copied())
        let file = [UInt8](directory.contents(of: "hookd.db") ?? Data())
        for page in leaves(in: directory) {
            let numbers = numbers(at: page, in: file)
            for (cell, bit) in [(0, 0), (numbers.count / 2, 6), (numbers.count / 2, 2), (numbers.count - 1, 5)] {
                let copy = try directory.copied()
                try change(copy) { $0[numbers[cell]] ^= 1 << bit }
                try expectAllToldOf(events, in: copy, atMostLost: 1, "page at \(page), row \(cell), bit \(bit)")
            }
        }
    }

    @Test("of a page of which a part was overwritten, each event is kept or told of", arguments: [1, 2] as [UInt64])
    func partOfAPage(seed: UInt64) throws {
        try fill()
        let events = try whole(in: directory.copied())
        var chance = Chance(state: seed)
        for page in leaves(in: directory) {
            for start in [0, Int.random(in: 0..<Self.pageBytes - 512, using: &chance)] {
                let copy = try directory.copied()
                try change(copy) { file in
                    for place in page + start..<page + start + 512 {
                        file[place] = .random(in: 0...255, using: &chance)
                    }
                }
                try expectAllToldOf(events, in: copy, atMostLost: 50, "page at \(page), from \(start)")
            }
        }
    }

    /// Chance that comes again.
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    @Test("what retention deleted is not lost, though it left some of it behind") func retired() throws {
        try fill()
        try runSQL(
            """
            DELETE FROM events WHERE sequence <= 300 AND sequence NOT IN (2, 4, 5, 6);
            DELETE FROM dead_letters WHERE sequence = 3;
            INSERT INTO facts VALUES ('retired_through', 300);
            PRAGMA wal_checkpoint(TRUNCATE);
            """, on: directory.database)
        let events = try whole(in: directory.copied())
        #expect(events.prefix(5).map(\.sequence) == [2, 4, 5, 6, 301])
        let file = [UInt8](directory.contents(of: "hookd.db") ?? Data())
        for page in leaves(in: directory) {
            let numbers = numbers(at: page, in: file)
            let copy = try directory.copied()
            try change(copy) { $0[numbers[numbers.count / 2]] ^= 0x40 }
            let report = try repair(copy)
            let lost = Array(report.lost.joined())
            #expect(try whole(in: copy) == events.filter { !lost.contains($0.sequence) }, "page at \(page)")
            #expect(lost.count <= 2 && report.events + 1 >= events.count, "\(report.lost)")
        }
    }

    @Test("gives what it makes to who owned the damaged store", .enabled(if: getuid() == 0, "needs root"))
    func owner() throws {
        try fill()
        try destroy(20, in: directory)
        unlink(directory.path + "/hookd.mark")
        #expect(chown(directory.database, 4711, 4712) == 0 && chmod(directory.database, 0o640) == 0)
        #expect(try repair(directory).damagedPath != nil)
        for name in ["hookd.db", "hookd.mark", "hookd.lock"] {
            var status = stat()
            #expect(stat(directory.path + "/" + name, &status) == 0)
            #expect(status.st_uid == 4711 && status.st_gid == 4712 && status.st_mode & 0o777 == 0o640, "\(name)")
        }
        #expect(!FileManager.default.fileExists(atPath: directory.database + "-wal"))
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
