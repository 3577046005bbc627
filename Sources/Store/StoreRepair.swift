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
        // A repair that was interrupted may have left the new file only.
        guard access(database, F_OK) == 0 || access(StateDirectory.repairedPath(in: path), F_OK) == 0 else {
            throw .missing(path: database)
        }
        directory = try StateDirectory(path: path)
        self.sinks = sinks
    }

    /// Reads the store, and where something is damaged, puts a new one in its place.
    ///
    /// - Parameter isDryRun: only reads.
    public func run(isDryRun: Bool) throws(StoreError) -> RepairReport {
        // Where root runs this in a directory that lacks them, they are made: the daemon has to be able to write them.
        defer { for path in [directory.lockPath, directory.markPath] { try? giveToOwner(path) } }
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
        report.isMalformed = try !old.isSound()
        try copy(old, to: nil)
        if report.isDamaged, !isDryRun { try makeNew(from: old) }
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
        try giveToOwner(directory.repairingPath)
        let mark = try StoredMark(directory: directory)
        mark.raise(to: report.nextSequence - 1)
        try synchronize(directory.repairingPath, O_RDWR)
        guard rename(directory.repairingPath, directory.repairedPath) == 0 else { throw failed(errno) }
    }

    private func removeUnfinished() {
        for ending in ["", "-wal", "-shm"] { unlink(directory.repairingPath + ending) }
    }

    /// Gives a new file the owner, the group and the mode of the damaged one: root may run this, and the daemon, which
    /// does not, has to be able to write it.
    private func giveToOwner(_ path: String) throws(StoreError) {
        var (old, new) = (stat(), stat())
        guard stat(directory.databasePath, &old) == 0 else { throw failed(errno) }
        let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed(errno) }
        defer { close(descriptor) }
        guard fstat(descriptor, &new) == 0 else { throw failed(errno) }
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid), fchown(descriptor, old.st_uid, old.st_gid) != 0 {
            throw failed(
                "its new file cannot be given to user \(old.st_uid) and group \(old.st_gid). Repair it as root, or as "
                    + "that user")
        }
        guard fchmod(descriptor, old.st_mode & 0o777) == 0 else { throw failed(errno) }
    }

    /// Exchanges the files. Each step may be the last one before a crash: then a start is refused, and this is called
    /// again. Returns where the damaged file is.
    private func putInPlace() throws(StoreError) -> String {
        var status = stat()
        guard stat(directory.repairedPath, &status) == 0 else { throw failed(errno) }
        // By the new file's time, so that a second try comes to the same name.
        let damaged = directory.databasePath + ".damaged-\(status.st_mtim.tv_sec)"
        if link(directory.databasePath, damaged) != 0, errno != EEXIST {
            // Not every file system has links. Between this and the next renaming there is no database, which a start
            // refuses as an interrupted repair.
            guard rename(directory.databasePath, damaged) == 0 || errno == ENOENT else {
                let code = errno
                unlink(directory.repairedPath)
                throw failed(code)
            }
        }
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
        try copyTable(copy, "cursors", key: "sink") { row in
            // In a store of an earlier version the row of no sink holds a time, and no place.
            if !row.text(0).isEmpty { cursors[row.text(0)] = row.number(1) }
        }
        var places = Array(cursors.values)
        if try Schema.hasTails(old) { try copyTable(copy, "tails", key: "name") { places.append($0.number(1)) } }
        var retention = RetentionTraces()
        if try Schema.hasOperatorTables(old) {
            try copyTable(copy, "dead_letters", key: "number") { retention.needed.insert($0.number(2)) }
            try copyTable(copy, "quarantine", key: "number")
            try copyTable(copy, "redeliveries", key: "sink") { retention.needed.insert($0.number(1)) }
            try copyTable(copy, "facts", key: "name") { retention.look(at: $0) }
            if try !copy.keepCounters() { report.incomplete.append("sqlite_sequence") }
        }
        retention.isThroughKnown = !report.incomplete.contains("facts")
        retention.isNeededKnown = !report.incomplete.contains { ["dead_letters", "redeliveries"].contains($0) }
        let mark = try StoredMark(directory: directory).sequence
        // A damaged place may be anything; numbers go on behind it.
        let known = min(max(mark, places.max() ?? 0), .max / 2)
        // A place far behind the mark is a damaged one: to ask for each number up to there would take for ever.
        let reach = mark > 0 ? min(known, mark + Self.furthestBehindMark) : known
        let events = EventCopy(copy, isMalformed: report.isMalformed, known: reach, mark: mark)
        let found = try events.run(retention)
        (report.events, report.lost) = (found.count, found.lost)
        report.nextSequence = max(known, found.newest) + 1
        if report.incomplete.contains("cursors") {
            report.restarted = sinks.filter { cursors[$0] == nil }
            for sink in report.restarted { try copy.setCursor(of: sink, to: (found.oldest ?? report.nextSequence) - 1) }
        }
        try new?.execute("COMMIT", for: "committing")
    }

    /// How many events may have been stored that the mark does not tell of: it is not synced, so a power cut takes what
    /// it was told in half a minute.
    private static let furthestBehindMark: Int64 = 10_000_000

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

    private func copyTable(
        _ copy: TableCopy, _ table: String, key: String, _ look: (SQLiteStatement) -> Void = { _ in }
    ) throws(StoreError) {
        let (count, isWhole) = try copy.table(table, key: key, isEndBelieved: !report.isMalformed, look)
        report.rows[table] = count
        if !isWhole { report.incomplete.append(table) }
    }
}
