// The database: its settings, how a file is told to be ours, and how one of an earlier layout is brought up to date.

/// The layout of the store's file. Its tables are in Schema+Tables.swift.
enum Schema {
    /// Written to `PRAGMA user_version`. A store with a higher one is refused untouched.
    static let version: Int64 = 4
    /// Written to `PRAGMA application_id`: "hook".
    static let applicationID: Int64 = 0x686f_6f6b
    /// The bytes of a page: with 16 KiB a row costs the least (docs/decisions tells the figures).
    static let pageBytes: Int64 = 16_384

    /// Settings of a writing connection: a commit is on disk when it returns (`synchronous=FULL`), and a write-ahead
    /// log that has grown is cut back to `logBytes` when it begins anew.
    private static func writerSettings(logBytes: Int64) -> String {
        """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA journal_size_limit = \(logBytes);
        """
    }

    /// Makes an empty file a store, or brings one of an earlier layout up to date, or checks that it is one that this
    /// version can use.
    static func prepare(_ connection: SQLiteConnection, logBytes: Int64) throws(StoreError) {
        try connection.execute("PRAGMA page_size = \(pageBytes)", for: "setting the page size")
        try check(connection, mayBeEmpty: true)
        try connection.execute(writerSettings(logBytes: logBytes), for: "setting up the write-ahead log")
        let found = try Self.found(in: connection)
        if found == 0 {
            try change(connection, by: tables, to: version, for: "creating the tables")
        } else {
            for step in migrations where step.from >= found {
                try change(connection, by: step.sql, to: step.from + 1, for: "bringing the tables up to date")
            }
        }
    }

    /// The version of the layout that a file has; 0 where it is empty.
    static func found(in connection: SQLiteConnection) throws(StoreError) -> Int64 {
        try connection.number("PRAGMA user_version", for: "reading the schema version")
    }

    /// Changes the layout in one transaction, so that a crash leaves the old one or the new one.
    private static func change(
        _ connection: SQLiteConnection, by sql: String, to version: Int64, for operation: String
    ) throws(StoreError) {
        try connection.execute("BEGIN IMMEDIATE", for: operation)
        let statements = """
            \(sql);
            PRAGMA application_id = \(applicationID);
            PRAGMA user_version = \(version);
            COMMIT;
            """
        do throws(StoreError) {
            try connection.execute(statements, for: operation)
        } catch {
            try? connection.execute("ROLLBACK", for: operation)
            throw error
        }
    }

    /// Refuses a file that is not a store, or one of a newer version.
    static func check(_ connection: SQLiteConnection, mayBeEmpty: Bool) throws(StoreError) {
        let found = try Self.found(in: connection)
        let application = try connection.number("PRAGMA application_id", for: "reading the application id")
        let objects = try connection.number("SELECT count(*) FROM sqlite_schema", for: "reading the schema")
        if objects == 0, found == 0, mayBeEmpty { return }
        guard application == applicationID else {
            throw .notAStore(path: connection.path, reason: "it is another program's SQLite database")
        }
        guard found <= version else {
            throw .schemaTooNew(path: connection.path, found: Int(found), supported: Int(version))
        }
    }
}
