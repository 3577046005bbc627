// What is in a daemon's database, read through SQLite itself and not through hookd.

import CSQLite
import Foundation

/// A row of the events table.
struct StoredEvent: Sendable {
    var sequence: Int64
    var endpoint: String
    var nonce: String
    var signedAt: Int64
    /// In hexadecimal.
    var id: String
    var body: [UInt8]
}

/// All events in the database, by their sequence. Works beside a running daemon, and after one that was killed.
func storedEvents(in home: DaemonHome) throws -> [StoredEvent] {
    var database: OpaquePointer?
    defer { sqlite3_close_v2(database) }
    guard sqlite3_open_v2(home.databasePath, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
        throw Failure("\(home.databasePath) cannot be opened")
    }
    sqlite3_busy_timeout(database, 10_000)
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    let sql = "SELECT sequence, endpoint, nonce, signed_at, id, body FROM events ORDER BY sequence"
    guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK else {
        throw Failure("reading events: \(String(cString: sqlite3_errmsg(database)))")
    }
    func bytes(_ column: Int32) -> [UInt8] {
        let start = sqlite3_column_blob(statement, column)
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }
    var events: [StoredEvent] = []
    while true {
        switch sqlite3_step(statement) {
        case SQLITE_ROW:
            events.append(
                StoredEvent(
                    sequence: sqlite3_column_int64(statement, 0),
                    endpoint: String(decoding: bytes(1), as: UTF8.self),
                    nonce: String(decoding: bytes(2), as: UTF8.self),
                    signedAt: sqlite3_column_int64(statement, 3),
                    id: bytes(4).map { String(format: "%02x", $0) }.joined(), body: bytes(5)))
        case SQLITE_DONE: return events
        default: throw Failure("reading events: \(String(cString: sqlite3_errmsg(database)))")
        }
    }
}

/// The rows of a query, as text. Works beside a running daemon.
func rows(of home: DaemonHome, _ sql: String) throws -> [[String]] {
    var database: OpaquePointer?
    defer { sqlite3_close_v2(database) }
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    guard sqlite3_open_v2(home.databasePath, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
        sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK
    else { throw Failure("\(sql): \(database.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "")") }
    var rows: [[String]] = []
    while sqlite3_step(statement) == SQLITE_ROW {
        rows.append(
            (0..<sqlite3_column_count(statement)).map { column in
                sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "NULL"
            })
    }
    return rows
}

/// Runs SQL on a database file that no daemon uses.
func execute(_ sql: String, on path: String) throws {
    var database: OpaquePointer?
    defer { sqlite3_close_v2(database) }
    guard sqlite3_open(path, &database) == SQLITE_OK, sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
        throw Failure("\(sql): \(database.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "no database")")
    }
}
