// The write-ahead log stays small, a reader that keeps it from that is told of, and a backup is a whole store.

import CSQLite
import Dispatch
import Foundation
import Testing

@testable import Store

@Suite("The write-ahead log") struct LogTests {
    let directory: TemporaryDirectory
    let notices = Notices()

    init() throws { directory = try TemporaryDirectory() }

    private func fill(_ store: SQLiteEventStore, rounds: Range<Int>) {
        for round in rounds {
            let callbacks = (0..<64).map { index in
                Callback("n\(round)-\(index)").with { $0.body = [UInt8](repeating: 0x20, count: 16_000) }
            }
            #expect(store.outcomes(of: callbacks).contains(.unavailable) == false)
        }
    }

    private var logBytes: Int64 { sizeOfFile(directory.database + "-wal") }

    @Test("stays small, whatever is stored") func smallLog() throws {
        let store = try openStore(directory)
        var largest: Int64 = 0
        for round in 0..<40 {
            fill(store, rounds: round..<round + 1)
            // What follows a commit is done when the queue is free.
            store.queue.sync {}
            largest = max(largest, logBytes)
        }
        #expect((1...24 << 20).contains(largest), "40 MB went through it")
        #expect(store.statistics.walBytes == logBytes)
    }

    @Test("grows while another connection reads one state, which is said, and is small again behind it")
    func heldSnapshot() throws {
        let store = try openStore(directory, .init(), notices)
        store.queue.sync { store.upkeep.logPatience = 0 }
        fill(store, rounds: 0..<1)
        let shell = try HeldSnapshot(directory.database)
        fill(store, rounds: 1..<40)
        store.queue.sync { store.doUpkeep() }
        #expect(notices.texts == ["snapshot held"], "once")
        #expect(store.snapshotHolders().map(\.pid) == [getpid()], "where nobody else reads, it is one of our own")
        #expect(store.statistics.walBytes > 30 << 20)
        shell.release()
        store.queue.sync { store.doUpkeep() }
        #expect(notices.texts == ["snapshot held", "snapshot released"])
        fill(store, rounds: 40..<41)
        store.queue.sync {}
        #expect(logBytes <= 17 << 20, "it begins anew, and is cut back")
        #expect(try store.allEvents(atOnce: 100).count == 41 * 64)
    }

    struct Lock: CustomTestStringConvertible, Sendable {
        let line: String, expected: [Int32], why: String
        var testDescription: String { "\(why): \(line)" }
        init(_ line: String, _ expected: [Int32], _ why: String) {
            (self.line, self.expected, self.why) = (line, expected, why)
        }
    }

    @Test(
        "who reads it is told by the kernel's list of locks",
        arguments: [
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:1234 124 124", [4711], "a snapshot"),
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:1234 123 123", [4711], "one that needs nothing of the log"),
            Lock("17: POSIX  ADVISORY  READ 4711 00:2a:1234 127 128", [4711], "locks that touch are shown as one"),
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:1234 0 EOF", [4711], "all of the file"),
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:1234 128 128", [], "somebody who has the file open"),
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:1234 122 122", [], "a recovery"),
            Lock("1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 123 123", [], "whoever writes the log back"),
            Lock("1: POSIX  ADVISORY  READ 4711 fe:00:12345 124 124", [], "another file"),
            Lock("1: FLOCK  ADVISORY  READ 4711 fe:00:1234 124 124", [], "a lock of another kind"),
            Lock("1: -> POSIX  ADVISORY  READ 4711 fe:00:1234 124 124", [], "somebody who waits"),
            Lock("1: OFDLCK ADVISORY  READ -1 fe:00:1234 124 124", [], "a lock of no process"),
            Lock("nonsense", [], "no lock at all"),
        ])
    func holders(_ lock: Lock) {
        #expect(processes(readingWith: 1234, inLocks: lock.line + "\n") == lock.expected)
        #expect(processes(readingWith: 1234, inLocks: lock.line + "\n" + lock.line) == lock.expected, "once")
    }

    @Test("a reader that comes and goes is nobody's business") func shortReads() throws {
        let store = try openStore(directory, .init(), notices)
        for round in 0..<3 {
            let shell = try HeldSnapshot(directory.database)
            fill(store, rounds: 20 * round..<20 * round + 10)
            store.queue.sync { #expect(store.upkeep.logHeldSince != nil) }
            shell.release()
            fill(store, rounds: 20 * round + 10..<20 * round + 20)
            store.queue.sync { #expect(store.upkeep.logHeldSince == nil) }
        }
        #expect(notices.texts == [])
    }
}

/// A shell with a transaction that was forgotten.
final class HeldSnapshot {
    private var handle: OpaquePointer?

    init(_ path: String) throws {
        guard sqlite3_open(path, &handle) == SQLITE_OK,
            sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM events", nil, nil, nil) == SQLITE_OK
        else { throw ShellError(code: sqlite3_errcode(handle), message: "no snapshot") }
    }

    func release() {
        sqlite3_close(handle)
        handle = nil
    }

    deinit { release() }
}

@Suite("A backup") struct BackupTests {
    let directory: TemporaryDirectory
    let other: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        other = try TemporaryDirectory()
    }

    @Test("is a whole store of one moment, made while callbacks are stored") func whole() throws {
        let store = try openStore(directory)
        let first = (0..<500).map { Callback("n\($0)", "{\"n\":\($0)}") }
        _ = store.outcomes(of: first)
        try store.moveCursors(["crm": 400])
        let storing = DispatchGroup()
        DispatchQueue.global().async(group: storing) {
            for index in 500..<800 { _ = store.outcome(of: Callback("n\(index)")) }
        }
        try store.backup(to: other.database)
        storing.wait()
        let copy = try EventReader(stateDirectory: other.path).all
        #expect(copy.count >= 500)
        #expect(try Array(store.allEvents().prefix(copy.count)) == copy)
        let restored = try openStore(other)
        #expect(restored.outcome(of: first[0]) == .duplicate, "nonces and all")
        #expect(try restored.cursor(of: "crm") == 400)
        #expect(try number("PRAGMA page_size", on: other.database) == 16_384)
    }

    @Test("holds the event that was stored a moment ago") func newest() throws {
        let store = try openStore(directory)
        for count in 1...20 {
            #expect(store.outcome(of: Callback("n\(count)")) == .stored(sequence: Int64(count)))
            let path = other.path + "/\(count)"
            try store.backup(to: path)
            #expect(try number("SELECT max(sequence) FROM events", on: path) == count)
        }
    }

    @Test("is for its owner alone") func permissions() throws {
        let store = try openStore(directory)
        try store.backup(to: other.path + "/backup")
        let attributes = try FileManager.default.attributesOfItem(atPath: other.path + "/backup")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("overwrites nothing") func overwrites() throws {
        let store = try openStore(directory)
        let path = other.path + "/backup"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreError.backupFailed(path: path, reason: "File exists")) { try store.backup(to: path) }
        #expect(other.contents(of: "backup") == Data("precious".utf8))
        #expect(throws: StoreError.self) { try store.backup(to: directory.database) }
        #expect(throws: StoreError.self) { try store.backup(to: other.path + "/no/such/directory") }
    }

    @Test("that fails leaves nothing behind") func fails() throws {
        let disk = FaultyDisk(database: other.database)
        let store = try openStore(directory)
        _ = store.outcome(of: Callback("n"))
        disk.set { $0.isFull = true }
        #expect(throws: StoreError.self) { try store.backup(to: other.database) }
        #expect(other.contents(of: "hookd.db") == nil)
        disk.set { $0.isFull = false }
        try store.backup(to: other.database)
        #expect(try EventReader(stateDirectory: other.path).all.count == 1)
    }
}
