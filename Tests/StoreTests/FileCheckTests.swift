// Files and directories that the store must not take, told so that an operator knows what to do.

import Foundation
import Store
import Testing

@Suite("The store refuses") struct FileCheckTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func refusal() -> StoreError? {
        do {
            _ = try openStore(directory)
            return nil
        } catch {
            return error as? StoreError
        }
    }

    @Test("a newer schema, and leaves every byte of it") func newerSchema() throws {
        do {
            let store = try openStore(directory)
            _ = store.outcome(of: Callback("n"))
            store.close()
        }
        try runSQL("PRAGMA user_version = 99; PRAGMA journal_mode = DELETE", on: directory.database)
        let before = try #require(directory.contents(of: "hookd.db"))
        #expect(refusal() == .schemaTooNew(path: directory.database, found: 99, supported: 4))
        #expect(directory.contents(of: "hookd.db") == before)
        #expect(throws: StoreError.self) { try EventReader(stateDirectory: directory.path) }
    }

    @Test("to be read by others, whoever made its directory") func filePermissions() throws {
        #expect(chmod(directory.path, 0o755) == 0)
        let store = try openStore(directory)
        _ = store.outcome(of: Callback("n"))
        for name in ["hookd.db", "hookd.db-wal", "hookd.db-shm"] {
            var status = stat()
            try #require(stat("\(directory.path)/\(name)", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "\(name)")
        }
        store.close()
    }

    @Test("another program's database, and leaves every byte of it") func foreignDatabase() throws {
        try runSQL("CREATE TABLE t (a); INSERT INTO t VALUES (1)", on: directory.database)
        let before = try #require(directory.contents(of: "hookd.db"))
        guard case .notAStore(let path, _) = try #require(refusal()) else {
            Issue.record("not told as what it is")
            return
        }
        #expect(path == directory.database)
        #expect(directory.contents(of: "hookd.db") == before)
    }

    @Test(
        "a file that is no database, and leaves every byte of it",
        arguments: ["hello", String(repeating: "no database ", count: 1000)])
    func garbage(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.database))
        guard case .notAStore(_, let reason) = try #require(refusal()) else {
            Issue.record("not told as what it is")
            return
        }
        #expect(!reason.isEmpty)
        #expect(directory.contents(of: "hookd.db") == Data(text.utf8))
    }

    @Test("nothing of an empty file: a crash may have left it") func emptyFile() throws {
        try Data().write(to: URL(fileURLWithPath: directory.database))
        #expect(try openStore(directory).outcome(of: Callback("n")) == .stored(sequence: 1))
    }

    @Test("a directory that another daemon holds, and names that one") func locked() throws {
        let held = try StateDirectory(path: directory.path)
        #expect(refusal() == .locked(directory: directory.path, pid: getpid()))
        #expect("\(try #require(refusal()))".contains("\(getpid())"))
        withExtendedLifetime(held) {}
    }

    @Test("a directory no longer than it is held") func released() throws {
        do { _ = try StateDirectory(path: directory.path) }
        #expect(refusal() == nil)
    }

    @Test("a file in the directory's place") func fileAsDirectory() throws {
        try Data().write(to: URL(fileURLWithPath: directory.path + "/file"))
        #expect(throws: StoreError.self) { try StateDirectory(path: directory.path + "/file") }
        #expect(throws: StoreError.self) { try StateDirectory(path: directory.path + "/no/such/parent") }
    }

    @Test("to show a store that is not there, and makes none") func missing() throws {
        #expect(throws: StoreError.missing(path: directory.database)) {
            try EventReader(stateDirectory: directory.path)
        }
        #expect(directory.contents(of: "hookd.db") == nil)
    }

    @Test("nobody else: the directory it makes is for its owner alone") func permissions() throws {
        _ = try StateDirectory(path: directory.path + "/state")
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/state")
        #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
    }

    @Test("in sentences that name the file and what to do") func sentences() {
        let errors: [StoreError] = [
            .locked(directory: "/d", pid: 7), .locked(directory: "/d", pid: nil),
            .directoryUnusable(path: "/d", reason: "r"), .schemaTooNew(path: "/d", found: 2, supported: 1),
            .notAStore(path: "/d", reason: "r"), .missing(path: "/d"),
            .sqlite(operation: "o", path: "/d", code: 1, message: "m"),
        ]
        for error in errors { #expect("\(error)".contains("/d")) }
    }
}
