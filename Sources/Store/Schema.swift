// The database: its tables, its settings, and how a file is told to be ours.

/// The layout of the store's file.
enum Schema {
    /// Written to `PRAGMA user_version`. A store with a higher one is refused untouched.
    static let version: Int64 = 1
    /// Written to `PRAGMA application_id`: "hook".
    static let applicationID: Int64 = 0x686f_6f6b

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
            body        BLOB NOT NULL      -- byte for byte as signed
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
        guard try connection.number("PRAGMA user_version", for: "reading the schema version") == 0 else { return }
        let create = """
            BEGIN IMMEDIATE;
            \(tables)
            PRAGMA application_id = \(applicationID);
            PRAGMA user_version = \(version);
            COMMIT;
            """
        try connection.execute(create, for: "creating the tables")
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
