// Making a new store of what can be read of a damaged one. The daemon does not run meanwhile: the state directory is
// held. The damaged file stays, under another name.

import CLinux
import Glibc

/// A repair of the store in a state directory.
public final class StoreRepair {
    private let directory: StateDirectory
    private let sinks: [String]
    private var report = RepairReport()

    /// - Parameter sinks: the names of the sinks that are configured. One whose place cannot be read is not to miss
    ///   anything.
    public init(stateDirectory path: String, sinks: [String]) throws(StoreError) {
        let database = StateDirectory.databasePath(in: path)
        guard access(database, F_OK) == 0 else { throw .missing(path: database) }
        directory = try StateDirectory(path: path)
        self.sinks = sinks
    }

    /// Reads the store, and where something is damaged, puts a new one in its place.
    ///
    /// - Parameter isDryRun: only reads.
    public func run(isDryRun: Bool) throws(StoreError) -> RepairReport {
        if access(directory.repairedPath, F_OK) == 0 {
            guard !isDryRun else { throw .repairInterrupted(directory: directory.path) }
            report.isResumed = true
            report.damagedPath = try putInPlace()
            return report
        }
        do throws(StoreError) {
            try read(isDryRun: isDryRun)
        } catch {
            removeUnfinished()
            if case .damaged(_, let reason) = error { throw lostSchema(reason) }
            throw error
        }
        if report.isDamaged, !isDryRun { report.damagedPath = try putInPlace() }
        return report
    }

    /// Reads the store once to see what is damaged, and once more to copy it where that is so.
    private func read(isDryRun: Bool) throws(StoreError) {
        let old = try openDamaged()
        try copy(old, to: nil)
        report.isMalformed = try isMalformed(old)
        if report.isDamaged, !isDryRun { try makeNew(from: old) }
    }

    /// Whether SQLite finds fault with the file: that is with any of its trees, or with an index and its table.
    private func isMalformed(_ old: SQLiteConnection) throws(StoreError) -> Bool {
        do throws(StoreError) {
            let check = try old.prepare("PRAGMA integrity_check(1)", for: "checking the file")
            guard try check.step() else { return true }
            defer { check.reset() }
            return check.text(0) != "ok"
        } catch .damaged {
            return true
        }
    }

    // MARK: The new file

    private func makeNew(from old: SQLiteConnection) throws(StoreError) {
        removeUnfinished()
        let isMalformed = report.isMalformed
        report = RepairReport()
        report.isMalformed = isMalformed
        do {
            let new = try SQLiteConnection(path: directory.repairingPath, mode: .readWriteCreate)
            try Schema.prepare(new, logBytes: 16 << 20)
            try copy(old, to: new)
            guard try new.checkpoint() else { throw failed("its new file is in use") }
        }
        let mark = try StoredMark(directory: directory)
        mark.raise(to: report.nextSequence - 1)
        try synchronize(directory.repairingPath, O_RDWR)
        guard rename(directory.repairingPath, directory.repairedPath) == 0 else { throw failed(errno) }
    }

    private func removeUnfinished() {
        for ending in ["", "-wal", "-shm"] { unlink(directory.repairingPath + ending) }
    }

    /// Exchanges the files. Each step may be the last one before a crash: then a start is refused, and this is called
    /// again. Returns where the damaged file is.
    private func putInPlace() throws(StoreError) -> String {
        var status = stat()
        guard stat(directory.repairedPath, &status) == 0 else { throw failed(errno) }
        // By the new file's time, so that a second try comes to the same name.
        let damaged = directory.databasePath + ".damaged-\(status.st_mtim.tv_sec)"
        guard link(directory.databasePath, damaged) == 0 || errno == EEXIST else { throw failed(errno) }
        // The log of the damaged file must never be taken for the new one's.
        guard rename(directory.logPath, damaged + "-wal") == 0 || errno == ENOENT else { throw failed(errno) }
        unlink(directory.databasePath + "-shm")
        try synchronize(directory.path, O_RDONLY | O_DIRECTORY)
        guard rename(directory.repairedPath, directory.databasePath) == 0 else { throw failed(errno) }
        try synchronize(directory.path, O_RDONLY | O_DIRECTORY)
        return damaged
    }

    private func synchronize(_ path: String, _ flags: Int32) throws(StoreError) {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed(errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failed(errno) }
    }

    private func failed(_ code: Int32) -> StoreError { failed(StoreError.text(ofErrorNumber: code)) }

    private func failed(_ reason: String) -> StoreError { .repairFailed(path: directory.databasePath, reason: reason) }

    // MARK: What is read

    private func copy(_ old: SQLiteConnection, to new: SQLiteConnection?) throws(StoreError) {
        let copy = try TableCopy(from: old, to: new)
        try new?.execute("BEGIN", for: "beginning a transaction")
        var cursors: [String: Int64] = [:]
        try copyTable(copy, "cursors", key: "sink") { cursors[$0.text(0)] = $0.number(1) }
        var places = Array(cursors.values)
        if try Schema.hasTails(old) { try copyTable(copy, "tails", key: "name") { places.append($0.number(1)) } }
        let known = max(try StoredMark(directory: directory).sequence, places.max() ?? 0)
        let (oldest, newest) = try copyEvents(copy, known: known)
        report.nextSequence = max(known, newest) + 1
        if try Schema.hasOperatorTables(old) {
            try copyTable(copy, "dead_letters", key: "number")
            try copyTable(copy, "quarantine", key: "number")
            try copyTable(copy, "redeliveries", key: "sink")
            try copyTable(copy, "facts", key: "name")
            if try !copy.keepCounters() { report.incomplete.append("sqlite_sequence") }
        }
        if report.incomplete.contains("cursors") {
            report.restarted = sinks.filter { cursors[$0] == nil }
            for sink in report.restarted { try copy.setCursor(of: sink, to: (oldest ?? report.nextSequence) - 1) }
        }
        try new?.execute("COMMIT", for: "committing")
    }

    private func openDamaged() throws(StoreError) -> SQLiteConnection {
        do throws(StoreError) {
            let old = try SQLiteConnection(path: directory.databasePath, mode: .readOnly)
            try Schema.check(old, mayBeEmpty: false)
            return old
        } catch .sqlite(_, let path, let code, _) where code & 0xff == sqliteCannotOpen {
            throw .missing(path: path)
        } catch .damaged(_, let reason) {
            throw lostSchema(reason)
        } catch .notAStore(_, let reason) {
            throw lostSchema(reason)
        }
    }

    private func lostSchema(_ reason: String) -> StoreError {
        failed("\(reason), in that part of the file where it says what its tables are. Restore it from a backup")
    }

    /// Returns the lowest number of a whole event, and the highest.
    private func copyEvents(_ copy: TableCopy, known: Int64) throws(StoreError) -> (oldest: Int64?, newest: Int64) {
        var (oldest, newest) = (nil as Int64?, 0 as Int64)
        let walk = try copy.eventWalk()
        let take: (SQLiteStatement) throws(StoreError) -> Void = { row throws(StoreError) in
            newest = max(newest, row.number(0))
            if try copy.takeEvent(row) {
                oldest = oldest ?? row.number(0)
                self.report.events += 1
            } else {
                self.report.lose(row.number(0))
            }
        }
        try walk.read(1, through: known, lost: { self.report.lose($0) }, take: take)
        // The mark is behind after a power cut, and gone where a bit of it flipped: what may follow is tried as well.
        var low = known + 1
        var maybeLost: [Int64] = []
        while newest >= low - 1 || low == known + 1 {
            let before = newest
            try walk.read(low, through: low + Self.furtherNumbers, lost: { maybeLost.append($0) }, take: take)
            if newest == before { break }
            low = newest + 1
        }
        for number in maybeLost where number < newest { report.lose(number) }
        return (oldest, newest)
    }

    /// How many numbers are tried behind the last one that is known of.
    private static let furtherNumbers: Int64 = 4096

    private func copyTable(
        _ copy: TableCopy, _ table: String, key: String, _ look: (SQLiteStatement) -> Void = { _ in }
    ) throws(StoreError) {
        let (count, isWhole) = try copy.table(table, key: key, look)
        report.rows[table] = count
        if !isWhole { report.incomplete.append(table) }
    }
}
