// SQLite's own access to files with faults at chosen moments: a full disk, a failing sync, a sync that hangs. Only the
// files of a test that asks for faults are concerned, so tests run side by side.

import CSQLite
import Glibc
import Synchronization

/// SQLITE_IOERR_FSYNC and SQLITE_IOERR_WRITE: made of other macros, so that Swift does not see them.
private let syncFailed = SQLITE_IOERR | 4 << 8
private let writeFailed = SQLITE_IOERR | 3 << 8

/// The faults of one database: its file and its write-ahead log.
final class FaultyDisk: Sendable {
    /// What goes wrong.
    struct Faults: Sendable {
        /// Every write finds the disk full.
        var isFull = false
        /// So many of the next syncs fail.
        var failingSyncs = 0
        /// Called in each sync, before the disk is asked.
        var onSync: (@Sendable () -> Void)?
    }

    private let faults = Mutex(Faults())

    /// Takes over the files of the database at `path`. Before it is opened for the first time.
    init(database path: String) {
        _ = theShim
        disks.withLock { $0[path] = self }
    }

    func set(_ change: (inout Faults) -> Void) { faults.withLock { change(&$0) } }

    fileprivate func write() -> Int32 { faults.withLock { $0.isFull ? SQLITE_FULL : SQLITE_OK } }

    fileprivate func sync() -> Int32 {
        let (isFailing, onSync) = faults.withLock { faults in
            defer { faults.failingSyncs = max(0, faults.failingSyncs - 1) }
            return (faults.failingSyncs > 0, faults.onSync)
        }
        onSync?()
        return isFailing ? syncFailed : SQLITE_OK
    }
}

/// An open file with faults, and the functions that SQLite has for it.
private struct OpenFile: @unchecked Sendable {  // the methods are constants of SQLite's
    let disk: FaultyDisk
    let methods: UnsafePointer<sqlite3_io_methods>
}

private let disks = Mutex<[String: FaultyDisk]>([:])
private let openFiles = Mutex<[UInt: OpenFile]>([:])

private func openFile(_ file: UnsafeMutablePointer<sqlite3_file>?) -> OpenFile? {
    openFiles.withLock { $0[UInt(bitPattern: file)] }
}

/// SQLite's default access to files, and in front of it ours, which is the default from now on.
private struct Shim: @unchecked Sendable {  // made once, never written after
    let original: UnsafeMutablePointer<sqlite3_vfs>?

    init() {
        original = sqlite3_vfs_find(nil)
        guard let original else { return }
        let shim = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        shim.initialize(to: original.pointee)
        shim.pointee.zName = UnsafePointer(strdup("faulty"))
        shim.pointee.pNext = nil
        shim.pointee.xOpen = { _, name, file, flags, outFlags in
            guard let original = theShim.original, let open = original.pointee.xOpen else { return SQLITE_CANTOPEN }
            let code = open(original, name, file, flags, outFlags)
            if code == SQLITE_OK, let name, let file { takeOver(file, String(cString: name)) }
            return code
        }
        sqlite3_vfs_register(shim, 1)
    }
}

private let theShim = Shim()

private func takeOver(_ file: UnsafeMutablePointer<sqlite3_file>, _ name: String) {
    let database = name.hasSuffix("-wal") ? String(name.dropLast(4)) : name
    guard let disk = disks.withLock({ $0[database] }), let methods = file.pointee.pMethods else { return }
    openFiles.withLock { $0[UInt(bitPattern: file)] = OpenFile(disk: disk, methods: methods) }
    file.pointee.pMethods = faultyMethods(in: methods)
}

/// The tables made so far, by those they stand for: SQLite has one for databases and another for logs.
private let tables = Mutex<[UInt: UInt]>([:])

/// The functions of `methods` with ours in three places.
private func faultyMethods(in methods: UnsafePointer<sqlite3_io_methods>) -> UnsafePointer<sqlite3_io_methods>? {
    let address = tables.withLock { tables in
        let key = UInt(bitPattern: methods)
        if let known = tables[key] { return known }
        let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        table.initialize(to: methods.pointee)
        table.pointee.xWrite = { file, bytes, count, offset in
            guard let open = openFile(file) else { return writeFailed }
            let fault = open.disk.write()
            return fault == SQLITE_OK ? open.methods.pointee.xWrite(file, bytes, count, offset) : fault
        }
        table.pointee.xSync = { file, flags in
            guard let open = openFile(file) else { return syncFailed }
            let fault = open.disk.sync()
            return fault == SQLITE_OK ? open.methods.pointee.xSync(file, flags) : fault
        }
        table.pointee.xClose = { file in
            guard let open = openFiles.withLock({ $0.removeValue(forKey: UInt(bitPattern: file)) }) else {
                return SQLITE_OK
            }
            return open.methods.pointee.xClose(file)
        }
        tables[key] = UInt(bitPattern: table)
        return UInt(bitPattern: table)
    }
    return UnsafePointer(bitPattern: address)
}
