// Copying the tables of a damaged store, row by row, into another one, or only reading them.

/// What is read, and where it goes.
final class TableCopy {
    private let old: SQLiteConnection
    private let new: SQLiteConnection?
    private let insertEvent: SQLiteStatement?
    private var rowsInTransaction = 0

    /// How many rows are committed together.
    private static let transactionRows = 4096

    /// - Parameter new: a store with empty tables and a transaction; nil where the rows are only read.
    init(from old: SQLiteConnection, to new: SQLiteConnection?) throws(StoreError) {
        self.old = old
        self.new = new
        insertEvent = try new?.prepare(
            "INSERT INTO events (\(Schema.eventColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            for: "copying an event")
    }

    // MARK: Events

    /// A walk through the events that takes each with `take`.
    func eventWalk(
        _ take: @escaping (SQLiteStatement) throws(StoreError) -> Bool
    ) throws(StoreError) -> RowWalk {
        let select = "SELECT \(try Schema.eventColumns(in: old)) FROM events WHERE sequence >= ? AND sequence <= ?"
        return RowWalk(
            rising: try old.prepare(select + " ORDER BY sequence", for: "reading events"),
            falling: try old.prepare(select + " ORDER BY sequence DESC", for: "reading events"), take: take)
    }

    /// Copies a row of `eventWalk`. Returns whether it is what was stored.
    func takeEvent(_ row: SQLiteStatement) throws(StoreError) -> Bool {
        let isIntact = EventValues(event: row).isIntact(
            sequence: row.number(0), recordedAt: row.number(1), checksum: row.isNull(11) ? nil : row.number(11))
        guard isIntact, let insertEvent else { return isIntact }
        return try insert(row, columns: 12, with: insertEvent)
    }

    /// Returns false for what is no row of such a table, which only damage can have made of it.
    private func insert(
        _ row: SQLiteStatement, columns: Int32, with insert: SQLiteStatement
    ) throws(StoreError) -> Bool {
        for column in 0..<columns { insert.bind(column + 1, column, of: row) }
        do throws(StoreError) {
            try insert.step()
        } catch  where error.isConstraint {
            return false
        }
        rowsInTransaction += 1
        if rowsInTransaction >= Self.transactionRows {
            rowsInTransaction = 0
            try new?.execute("COMMIT; BEGIN", for: "committing")
        }
        return true
    }

    // MARK: The other tables

    /// Copies a table from its beginning to what cannot be read, and from its end back to that.
    ///
    /// - Parameter isEndBelieved: whether there are no further rows where SQLite says so. If not, then only if it finds
    ///   no fault with this table.
    /// - Returns: how many rows could be read, and whether these are all.
    func table(
        _ name: String, key: String, isEndBelieved: Bool, _ look: (SQLiteStatement) -> Void
    ) throws(StoreError) -> (count: Int, isWhole: Bool) {
        let columns = try columnNames(of: name)
        let list = columns.joined(separator: ", ")
        let values = columns.map { _ in "?" }.joined(separator: ", ")
        let insert = try new?.prepare(
            "INSERT OR IGNORE INTO \(name) (\(list)) VALUES (\(values))", for: "copying a row")
        var count = 0
        for order in ["ASC", "DESC"] {
            let select = try old.prepare("SELECT \(list) FROM \(name) ORDER BY \(key) \(order)", for: "reading \(name)")
            while true {
                do throws(StoreError) {
                    guard try select.step() else {
                        guard order == "ASC", !isEndBelieved else { return (count, order == "ASC") }
                        return (count, try old.isSound(table: name))
                    }
                } catch  where error.isOfDamage {
                    break
                }
                look(select)
                count += 1
                if let insert { _ = try self.insert(select, columns: Int32(columns.count), with: insert) }
            }
        }
        return (count, false)
    }

    private func columnNames(of table: String) throws(StoreError) -> [String] {
        let select = try old.prepare("SELECT name FROM pragma_table_info(?)", for: "reading the columns")
        select.bind(1, copying: table)
        var names: [String] = []
        while try select.step() { names.append(select.text(0)) }
        return names
    }

    /// Numbers of dead letters and of the quarantine are never used again, even if their rows are gone.
    ///
    /// - Returns: whether they could be read. Where they could not, they go on far behind the rows that were copied.
    func keepCounters() throws(StoreError) -> Bool {
        let select = try old.prepare("SELECT name, seq FROM sqlite_sequence", for: "reading the counters")
        do throws(StoreError) {
            while try select.step() { try keepCounter(of: select.text(0), at: select.number(1)) }
            return true
        } catch  where error.isOfDamage {
            for name in ["dead_letters", "quarantine"] {
                let left = try new?.number("SELECT max(number) FROM \(name)", for: "reading \(name)") ?? 0
                try keepCounter(of: name, at: left + Self.counterJump)
            }
            return false
        }
    }

    /// How far a counter is set ahead where its last number cannot be read.
    private static let counterJump: Int64 = 1_000_000

    private func keepCounter(of table: String, at number: Int64) throws(StoreError) {
        guard let new else { return }
        let forget = try new.prepare("DELETE FROM sqlite_sequence WHERE name = ?", for: "keeping a counter")
        forget.bind(1, copying: table)
        try forget.step()
        let insert = try new.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", for: "keeping a counter")
        insert.bind(1, copying: table)
        insert.bind(2, number)
        try insert.step()
    }

    func setCursor(of sink: String, to sequence: Int64) throws(StoreError) {
        guard let insert = try new?.prepare("INSERT OR REPLACE INTO cursors VALUES (?, ?)", for: "setting a cursor")
        else { return }
        insert.bind(1, copying: sink)
        insert.bind(2, sequence)
        try insert.step()
    }
}

extension SQLiteConnection {
    /// Whether SQLite finds no fault with the file: that is with any of its trees, or with an index and its table.
    ///
    /// - Parameter table: the only table to look at, and its indices.
    func isSound(table: String? = nil) throws(StoreError) -> Bool {
        do throws(StoreError) {
            let check = try prepare("PRAGMA integrity_check(\(table ?? "1"))", for: "checking the file")
            guard try check.step() else { return false }
            defer { check.reset() }
            return check.text(0) == "ok"
        } catch  where error.isOfDamage {
            return false
        }
    }
}
