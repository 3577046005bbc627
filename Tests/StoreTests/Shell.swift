// A second connection to the store's file, as anybody with the sqlite3 shell has one.

import CSQLite

/// SQLite failed on the test's own connection.
struct ShellError: Error {
    let code: Int32
    let message: String
}

/// Runs SQL on a database file through a connection of its own.
func runSQL(_ sql: String, on path: String) throws {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    var code = sqlite3_open(path, &handle)
    if code == SQLITE_OK {
        sqlite3_busy_timeout(handle, 5000)
        code = sqlite3_exec(handle, sql, nil, nil, nil)
    }
    guard code == SQLITE_OK else {
        throw ShellError(code: code, message: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")
    }
}

/// The first column of the first row, as a number; 0 where there is none.
func number(_ sql: String, on path: String) throws -> Int {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    guard sqlite3_open(path, &handle) == SQLITE_OK,
        sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK
    else {
        throw ShellError(
            code: sqlite3_errcode(handle), message: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")
    }
    return sqlite3_step(statement) == SQLITE_ROW ? Int(sqlite3_column_int64(statement, 0)) : 0
}
