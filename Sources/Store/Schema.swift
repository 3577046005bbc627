// The database: its tables, its settings, and how a file is told to be ours.

/// The layout of the store's file.
enum Schema {
    /// Written to `PRAGMA user_version`. A store with a higher one is refused untouched.
    static let version: Int64 = 2
    /// Written to `PRAGMA application_id`: "hook".
    static let applicationID: Int64 = 0x686f_6f6b

    /// The columns of an event, in the order in which they are written and read.
    static let eventColumns = eventColumnsOfVersion1 + ", client"
    private static let eventColumnsOfVersion1 =
        "sequence, recorded_at, received_at, signed_at, endpoint, nonce, signature, algorithm, id, body"

    /// The columns of an event where the file may be of an earlier version: it is then read as it is.
    static func eventColumns(in connection: SQLiteConnection) throws(StoreError) -> String {
        let found = try connection.number("PRAGMA user_version", for: "reading the schema version")
        return found < 2 ? eventColumnsOfVersion1 + ", NULL" : eventColumns
    }

    /// What brings a file of each earlier version to the next one.
    private static let migrations: [Int64: String] = [
        1: "ALTER TABLE events ADD COLUMN client BLOB"
    ]

    /// Rows are appended only. No column with random values has an index, because each insert would then change a
    /// random page; signed timestamps nearly rise, so their index is cheap. docs/decisions tells the figures.
    private static let tables = """
        CREATE TABLE events (
            sequence    INTEGER PRIMARY KEY,
            recorded_at INTEGER NOT NULL,  -- microseconds since 1970: when it was stored
            received_at INTEGER NOT NULL,  -- microseconds since 1970: when its callback was read
            signed_at   INTEGER NOT NULL,  -- seconds since 1970: the signed timestamp
            endpoint    TEXT NOT NULL,     -- the path it came to
            nonce       TEXT NOT NULL,
            signature   BLOB NOT NULL,     -- 32 bytes
            algorithm   TEXT,              -- as sent; NULL where the header was missing
            id          BLOB NOT NULL,     -- the first 16 bytes of SHA-256(body)
            body        BLOB NOT NULL,     -- byte for byte as signed
            client      BLOB               -- the client's address, 4 or 16 bytes; NULL where it is not known
        ) STRICT;
        CREATE INDEX events_signed_at ON events (signed_at);
        CREATE TABLE cursors (
            sink     TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL      -- the last event that the sink has taken
        ) STRICT, WITHOUT ROWID;
        """

    /// Settings of a writing connection: a commit is on disk when it returns (`synchronous=FULL`), and the write-ahead
    /// log is copied into the database every 8 MiB, so it stays small, and with it what a flipped bit can take away.
    private static let writerSettings = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 512;
        PRAGMA journal_size_limit = 16777216;
        """

    /// Makes an empty file a store, or checks that a file is one that this version can use.
    static func prepare(_ connection: SQLiteConnection) throws(StoreError) {
        try connection.execute("PRAGMA page_size = 16384", for: "setting the page size")
        try check(connection, mayBeEmpty: true)
        try connection.execute(writerSettings, for: "setting up the write-ahead log")
        let found = try connection.number("PRAGMA user_version", for: "reading the schema version")
        if found == 0 {
            try change(connection, by: tables, to: version, for: "creating the tables")
        }
        for (earlier, migration) in migrations.sorted(by: { $0.key < $1.key }) where found != 0 && earlier >= found {
            try change(connection, by: migration, to: earlier + 1, for: "bringing the tables up to date")
        }
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
        let found = try connection.number("PRAGMA user_version", for: "reading the schema version")
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
