// SQLite made safe: a connection and its statements, each for one queue at a time, with typed errors.

import CSQLite
import Glibc

/// A connection to a database file. Used from one queue at a time.
final class SQLiteConnection {
    /// The database file.
    let path: String
    fileprivate let handle: OpaquePointer

    /// How a database is opened.
    enum Mode {
        case readOnly
        case readWriteCreate

        fileprivate var flags: Int32 {
            switch self {
            case .readOnly: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
            case .readWriteCreate: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
            }
        }
    }

    /// How long a statement waits for another connection's lock, in milliseconds.
    private static let busyTimeout: Int32 = 2000

    /// Nobody reads SQLite's memory statistics, and keeping them takes a lock for each allocation.
    private static let withoutStatistics: Void = { _ = csqlite_disable_memory_statistics() }()

    init(path: String, mode: Mode) throws(StoreError) {
        _ = Self.withoutStatistics
        if mode == .readWriteCreate { Self.createPrivately(path) }
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, mode.flags, nil)
        guard code == SQLITE_OK, let handle else {
            let error = StoreError.sqlite(operation: "opening", path: path, handle: handle, code: code)
            sqlite3_close_v2(handle)
            logFrameCount.deallocate()
            throw error
        }
        self.handle = handle
        self.path = path
        logFrameCount.initialize(to: 0)
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, Self.busyTimeout)
    }

    /// Makes the file, if there is none, for nobody but its owner: SQLite would let everybody read it whom the umask
    /// lets. The log and its index get the permissions of the file. Where that fails SQLite says why.
    private static func createPrivately(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    deinit {
        sqlite3_close_v2(handle)
        logFrameCount.deallocate()
    }

    /// How many pages the write-ahead log held after the last commit of this connection.
    var logFrames: Int64 { Int64(logFrameCount.pointee) }
    private let logFrameCount = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    /// Has SQLite count what `logFrames` tells. It then no longer writes the log back by itself.
    func countLogFrames() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, frames in
                context?.assumingMemoryBound(to: Int32.self).pointee = frames
                return SQLITE_OK
            }, logFrameCount)
    }

    /// Writes the write-ahead log back into the database, as far as no reader needs it, and waits for nobody.
    ///
    /// - Returns: whether all of it was written back.
    func checkpoint() throws(StoreError) -> Bool {
        var frames: Int32 = 0
        var written: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &written)
        // Somebody else is writing it back: a shell, or a backup.
        if code & 0xff == SQLITE_BUSY { return false }
        guard code == SQLITE_OK else { throw error("writing the write-ahead log back", code) }
        return written >= frames
    }

    /// Runs SQL that returns nothing of interest.
    func execute(_ sql: String, for operation: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(operation, code) }
    }

    /// The first column of the first row, as a number; 0 where there is none.
    func number(_ sql: String, for operation: String) throws(StoreError) -> Int64 {
        let statement = try prepare(sql, for: operation)
        return try statement.step() ? statement.number(0) : 0
    }

    /// Prepares a statement that will be used again and again.
    func prepare(_ sql: String, for operation: String) throws(StoreError) -> SQLiteStatement {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else { throw error(operation, code) }
        return SQLiteStatement(handle: handle, connection: self, operation: operation)
    }

    fileprivate func error(_ operation: String, _ code: Int32) -> StoreError {
        .sqlite(operation: operation, path: path, handle: handle, code: code)
    }
}

/// A prepared statement. Values are bound without a copy: they must stay where they are until the statement was
/// stepped and reset.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let connection: SQLiteConnection
    private let operation: String

    fileprivate init(handle: OpaquePointer, connection: SQLiteConnection, operation: String) {
        self.handle = handle
        self.connection = connection
        self.operation = operation
    }

    deinit { sqlite3_finalize(handle) }

    func bind(_ index: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }

    func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
        sqlite3_bind_blob(handle, index, blob.baseAddress, Int32(blob.count), nil)
    }

    func bind(_ index: Int32, text: UnsafeRawBufferPointer) {
        let start = text.baseAddress?.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(handle, index, start, Int32(text.count), nil)
    }

    /// Binds a copy of `text`.
    func bind(_ index: Int32, copying text: String) {
        sqlite3_bind_text(handle, index, text, -1, Self.copied)
    }

    /// Binds a copy of `blob`.
    func bind(_ index: Int32, copying blob: [UInt8]) {
        sqlite3_bind_blob(handle, index, blob, Int32(blob.count), Self.copied)
    }

    /// SQLITE_TRANSIENT, a macro Swift cannot see.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    /// Binds NULL where there are no bytes.
    func bind(_ index: Int32, optionalText text: UnsafeRawBufferPointer) {
        if text.isEmpty { bindNull(index) } else { bind(index, text: text) }
    }

    /// Binds NULL where there are no bytes.
    func bind(_ index: Int32, optionalBlob blob: UnsafeRawBufferPointer) {
        if blob.isEmpty { bindNull(index) } else { bind(index, blob: blob) }
    }

    /// Binds NULL where there is no number.
    func bind(_ index: Int32, optional number: Int64?) {
        if let number { bind(index, number) } else { bindNull(index) }
    }

    /// Binds a copy of what `row` has in a column, whatever it is.
    func bind(_ index: Int32, _ column: Int32, of row: SQLiteStatement) {
        sqlite3_bind_value(handle, index, sqlite3_column_value(row.handle, column))
    }

    private func bindNull(_ index: Int32) {
        sqlite3_bind_null(handle, index)
    }

    /// Goes on to the next row.
    ///
    /// - Returns: false when there is none; the statement is then ready to be used again.
    @discardableResult
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        case let code:
            let error = connection.error(operation, code)
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Ends the reading of rows, and with it the read transaction that this statement held open.
    func reset() {
        sqlite3_reset(handle)
    }

    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// Whether the value is NULL.
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// The value as text; empty for NULL.
    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    /// The value's bytes, valid until the statement is stepped or reset; empty for NULL.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }
}

extension StoreError {
    fileprivate static func sqlite(operation: String, path: String, handle: OpaquePointer?, code: Int32) -> StoreError {
        let message = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
        let text = message.map { String(cString: $0) } ?? "unknown error"
        if code & 0xff == SQLITE_NOTADB { return .notAStore(path: path, reason: text) }
        if code & 0xff == SQLITE_CORRUPT { return .damaged(path: path, reason: text) }
        return .sqlite(operation: operation, path: path, code: code, message: text)
    }
}

extension StoreError {
    /// Whether the disk, or a quota on it, is full.
    var isFullDisk: Bool {
        guard case .sqlite(_, _, let code, _) = self else { return false }
        return code & 0xff == SQLITE_FULL
    }

    /// Whether what was read is not what was written: besides what SQLite calls corrupt, a row that claims to be longer
    /// than any may be.
    var isOfDamage: Bool {
        switch self {
        case .damaged: true
        case .sqlite(_, _, let code, _): code & 0xff == SQLITE_TOOBIG
        default: false
        }
    }

    /// Whether SQLite could not open or enlarge one of its files, for whatever reason: a full disk is one.
    var mayBeFullDisk: Bool {
        guard case .sqlite(_, _, let code, _) = self else { return false }
        return [SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_IOERR].contains(code & 0xff)
    }

    /// Whether a row is none that its table may have.
    var isConstraint: Bool {
        guard case .sqlite(_, _, let code, _) = self else { return false }
        return code & 0xff == SQLITE_CONSTRAINT
    }
}

/// SQLITE_CANTOPEN: the file is not there, or not to be read.
let sqliteCannotOpen = SQLITE_CANTOPEN
