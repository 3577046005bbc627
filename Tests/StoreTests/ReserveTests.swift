// A disk that gets full: callbacks are turned away before it is, everything else goes on, and room that comes back is
// used. On a file system of its own, where this test may mount one.

import Foundation
import Glibc
import Testing

@testable import Store

@Suite("When the disk has no room", .serialized) struct ReserveTests {
    /// A tmpfs of so many bytes, gone with the object.
    private final class SmallDisk {
        let path: String

        init(bytes: Int) throws {
            var template = Array("\(FileManager.default.temporaryDirectory.path)/hookd-disk-XXXXXX".utf8CString)
            guard let made = mkdtemp(&template) else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            path = String(cString: made)
            guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes),mode=0700") == 0 else {
                rmdir(path)
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
        }

        deinit {
            umount2(path, Int32(MNT_DETACH))
            rmdir(path)
        }

        /// Fills all that is left.
        func fill() {
            // A daemon that another test starts meanwhile must not keep the room.
            let descriptor = Glibc.open(path + "/filler", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            defer { close(descriptor) }
            for size in [1 << 20, 1 << 16, 1 << 12] {
                let bytes = [UInt8](repeating: 1, count: size)
                while write(descriptor, bytes, size) == size {}
            }
        }

        func free() { unlink(path + "/filler") }
    }

    /// Whether this test may mount a file system. It tries.
    private static let mayMount: Bool = (try? SmallDisk(bytes: 1 << 20)) != nil

    private static let size = 32 << 20

    private func openStore(on disk: SmallDisk, _ notices: Notices = Notices(), retention: Retention? = nil) throws
        -> SQLiteEventStore
    {
        var options = SQLiteEventStore.Options(toleranceSeconds: 1)
        options.retention = retention
        return try SQLiteEventStore(
            directory: StateDirectory(path: disk.path + "/state"), options: options, notify: { notices.add($0) })
    }

    @Test("another reserve, or another bound of the quarantine, is in force at once") func reconfigured() throws {
        let directory = try TemporaryDirectory()
        var options = SQLiteEventStore.Options()
        options.reserveBytes = 1 << 50
        let store = try SQLiteEventStore(
            directory: StateDirectory(path: directory.path), options: options, notify: { _ in })
        defer { store.close() }
        #expect(store.outcome(of: Callback("a")) == .unavailable, "no disk has that much")
        options.reserveBytes = 1 << 20
        options.quarantine.count = 1
        store.reconfigure(options)
        #expect(store.outcome(of: Callback("a")) == .stored(sequence: 1))
        for number in 0..<3 {
            let late = Callback("l\(number)", "{\"n\":\(number)}").with {
                ($0.signedAt, $0.isLate, $0.lateTreatment) = ($0.signedAt - 10_000, true, .quarantine)
            }
            #expect(store.outcome(of: late) == .quarantined)
        }
        #expect(try store.quarantined(limit: 9).map(\.number) == [3])
    }

    private func callbacks(_ round: Int) -> [Callback] {
        (0..<16).map { index in
            Callback("n\(round)-\(index)").with {
                $0.signedAt -= 1000
                $0.isLate = true
                $0.lateTreatment = .accept
                $0.body = [UInt8](repeating: 0x20, count: 8000)
            }
        }
    }

    /// Stores until the store turns callbacks away. Returns how many events it took.
    private func fill(_ store: SQLiteEventStore, from round: Int) -> Int {
        for next in round..<round + 10_000 {
            let outcomes = store.outcomes(of: callbacks(next))
            if outcomes.contains(.unavailable) {
                #expect(outcomes.allSatisfy { $0 == .unavailable })
                return next
            }
        }
        Issue.record("it never stops")
        return .max
    }

    @Test("budgets suit the disk") func budgets() {
        let large = DiskBudget(totalBytes: 1 << 40)
        #expect(large.checkpointBytes == 8 << 20)
        #expect(large.reserveBytes == 32 << 20)
        #expect(large.ballastBytes == 64 << 20)
        let small = DiskBudget(totalBytes: 64 << 20)
        #expect(small.checkpointBytes == 1 << 20)
        #expect(small.reserveBytes + small.ballastBytes < 16 << 20)
        let tiny = DiskBudget(totalBytes: 4 << 20)
        #expect(tiny.reserveBytes + tiny.ballastBytes == 1 << 20)
        #expect(DiskBudget(totalBytes: 1 << 40, reserveBytes: 0).ballastBytes == 0)
        #expect(DiskBudget(totalBytes: 1 << 40, reserveBytes: 5).reserveBytes == 5)
    }

    @Test(
        "callbacks are turned away before it is full, cursors move, and room that comes back is used",
        .enabled(if: mayMount, "needs the right to mount a file system"))
    func reserve() throws {
        let disk = try SmallDisk(bytes: Self.size)
        let notices = Notices()
        let store = try openStore(on: disk, notices)
        store.queue.sync {}
        #expect(sizeOfFile(disk.path + "/state/hookd.ballast") == 4 << 20)
        let rounds = fill(store, from: 0)
        #expect(rounds > 20)
        let free = try #require(DiskSpace(path: disk.path)).freeBytes
        #expect(free >= 1 << 20, "there is a reserve left: \(free)")
        try store.moveCursors(["crm": 5])
        #expect(try store.cursor(of: "crm") == 5)
        #expect(store.outcomes(of: callbacks(rounds)).allSatisfy { $0 == .unavailable })
        #expect(notices.texts == ["below reserve"], "and no commit failed")
        // Room comes back from elsewhere: here by a larger disk.
        #expect(mount("tmpfs", disk.path, "tmpfs", UInt(MS_REMOUNT), "size=\(2 * Self.size)") == 0)
        let outcomes = store.outcomes(of: callbacks(rounds))
        #expect(outcomes.contains(.unavailable) == false, "nothing was spent by the refusal")
        #expect(notices.texts == ["below reserve", "room again"])
        #expect(try store.allEvents(atOnce: 100).count == (rounds + 1) * 16)
    }

    @Test(
        "a log that a reader holds leaves the room that it needs to be written back",
        .enabled(if: mayMount, "needs the right to mount a file system"))
    func heldLog() throws {
        let disk = try SmallDisk(bytes: Self.size)
        let notices = Notices()
        let store = try openStore(on: disk, notices)
        store.queue.sync {}
        #expect(store.outcomes(of: callbacks(0)).contains(.unavailable) == false)
        let shell = try HeldSnapshot(disk.path + "/state/hookd.db")
        let rounds = fill(store, from: 1)
        #expect(rounds > 20)
        let log = sizeOfFile(disk.path + "/state/hookd.db-wal")
        let free = try #require(DiskSpace(path: disk.path)).freeBytes
        #expect(free >= log, "\(log) bytes have to find room in the database")
        shell.release()
        store.queue.sync { store.doUpkeep() }
        #expect(store.outcomes(of: callbacks(rounds)).contains(.unavailable) == false)
        #expect(
            notices.texts.filter { $0 != "snapshot held" && $0 != "snapshot released" } == [
                "below reserve", "room again",
            ])
        #expect(sizeOfFile(disk.path + "/state/hookd.db-wal") <= 2 << 20)
        #expect(try store.allEvents(atOnce: 100).count == (rounds + 1) * 16)
    }

    @Test(
        "20 times filled by another and freed again: the ballast keeps it going, and is taken back",
        .enabled(if: mayMount, "needs the right to mount a file system"))
    func ballast() throws {
        let disk = try SmallDisk(bytes: Self.size)
        let notices = Notices()
        let store = try openStore(on: disk, notices)
        _ = store.outcomes(of: callbacks(0))
        for cycle in 1...20 {
            disk.fill()
            #expect(store.outcomes(of: callbacks(cycle)).allSatisfy { $0 == .unavailable })
            // Where the log has to grow, the disk is found full, and the ballast makes room for the next try.
            for sequence in 1...200 as ClosedRange<Int64> {
                if (try? store.moveCursors(["crm": sequence])) == nil { try store.moveCursors(["crm": sequence]) }
            }
            #expect(try store.cursor(of: "crm") == 200)
            #expect(store.outcomes(of: callbacks(cycle)).allSatisfy { $0 == .unavailable }, "what was freed is no room")
            disk.free()
            store.queue.sync { store.doUpkeep() }
            #expect(sizeOfFile(disk.path + "/state/hookd.ballast") == 4 << 20)
            #expect(store.outcomes(of: callbacks(cycle)).contains(.unavailable) == false, "cycle \(cycle)")
        }
        #expect(notices.texts.contains("ballast released"))
        #expect(notices.texts.last == "room again")
        #expect(try store.allEvents(atOnce: 100).count == 21 * 16)
    }

    @Test(
        "what retention deletes is room, though the file stays as large as it is",
        .enabled(if: mayMount, "needs the right to mount a file system"))
    func retentionMakesRoom() throws {
        let disk = try SmallDisk(bytes: Self.size)
        let notices = Notices()
        let store = try openStore(on: disk, notices, retention: Retention(sizeBytes: 2 << 20))
        store.queue.sync { store.upkeep.clock.confirm(wallMicroseconds: 0, monotonicNanoseconds: 0) }
        let rounds = fill(store, from: 0)
        #expect(notices.texts == ["retention paused", "below reserve"])
        store.queue.sync {
            store.upkeep.clock = Upkeep(directory: store.directory, options: store.options).clock
            for _ in 0..<500 { store.doUpkeep() }
        }
        #expect(store.statistics.storedBytes <= 2 << 20, "deleted on a full disk")
        #expect(sizeOfFile(disk.path + "/state/hookd.db") > 10 << 20)
        let taken = store.outcomes(of: callbacks(rounds))
        #expect(taken.contains(.unavailable) == false, "\(notices.texts)")
    }

    @Test("a store that cannot be opened for another reason leaves the ballast") func ballastStays() throws {
        let directory = try TemporaryDirectory()
        let notices = Notices()
        func open() throws -> SQLiteEventStore {
            var options = SQLiteEventStore.Options()
            options.reserveBytes = 1 << 20
            return try SQLiteEventStore(
                directory: StateDirectory(path: directory.path), options: options, notify: { notices.add($0) })
        }
        do {
            let store = try open()
            store.queue.sync {}
            store.close()
        }
        let ballast = directory.path + "/hookd.ballast"
        let size = sizeOfFile(ballast)
        #expect(size > 0)
        let database = directory.database
        try Data(repeating: 0xA5, count: 1 << 16).write(to: URL(filePath: database))
        #expect(throws: StoreError.self, "it is damaged") { _ = try open() }
        try FileManager.default.removeItem(atPath: database)
        try FileManager.default.createDirectory(atPath: database, withIntermediateDirectories: false)
        #expect(throws: StoreError.self, "it cannot be opened") { _ = try open() }
        #expect(notices.texts.isEmpty)
        #expect(sizeOfFile(ballast) == size)
    }

    @Test(
        "a start on a full disk gives up the ballast, and serves",
        .enabled(if: mayMount, "needs the right to mount a file system"))
    func startsFull() throws {
        let disk = try SmallDisk(bytes: Self.size)
        do {
            let store = try openStore(on: disk)
            _ = store.outcomes(of: callbacks(0))
            store.close()
        }
        disk.fill()
        let notices = Notices()
        let store = try openStore(on: disk, notices)
        #expect(notices.texts.first == "ballast released")
        #expect(store.outcomes(of: callbacks(1)).allSatisfy { $0 == .unavailable })
        try store.moveCursors(["crm": 3])
        #expect(try store.allEvents(atOnce: 100).count == 16)
        disk.free()
        store.queue.sync { store.doUpkeep() }
        #expect(store.outcomes(of: callbacks(1)).contains(.unavailable) == false)
    }
}
