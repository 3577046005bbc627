// The tables of the database, and what brings those of an earlier layout to the next one.

extension Schema {
    /// The columns of an event, in the order in which they are written and read.
    static let eventColumns = columnsOfVersion1 + ", client, checksum"
    private static let columnsOfVersion1 =
        "sequence, recorded_at, received_at, signed_at, endpoint, nonce, signature, algorithm, id, body"

    /// The columns of an event in a file that may be of an earlier version: one that is only read is read as it is.
    static func eventColumns(in connection: SQLiteConnection) throws(StoreError) -> String {
        switch try found(in: connection) {
        case ...1: columnsOfVersion1 + ", NULL, NULL"
        case 2: columnsOfVersion1 + ", client, NULL"
        default: eventColumns
        }
    }

    /// Whether a file that is only read has the tables besides events and cursors.
    static func hasOperatorTables(_ connection: SQLiteConnection) throws(StoreError) -> Bool {
        try found(in: connection) >= 3
    }

    /// Whether a file that is only read has the table of named tails.
    static func hasTails(_ connection: SQLiteConnection) throws(StoreError) -> Bool {
        try found(in: connection) >= 4
    }

    /// The columns of a callback in quarantine, in the order in which they are written and read.
    static let quarantineColumns =
        "received_at, signed_at, endpoint, nonce, signature, algorithm, id, body, client, last_received_at"

    /// What brings a file of each earlier version to the next one.
    static let migrations: [(from: Int64, sql: String)] = [
        (from: 1, sql: "ALTER TABLE events ADD COLUMN client BLOB"),
        (from: 2, sql: "ALTER TABLE events ADD COLUMN checksum INTEGER;\n" + tablesOfVersion3),
        (from: 3, sql: tablesOfVersion4),
    ]

    /// Rows are appended only. No column with random values has an index, because each insert would then change a
    /// random page; signed timestamps nearly rise, so their index is cheap. docs/decisions tells the figures.
    static let tables = """
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
            client      BLOB,              -- the client's address, 4 or 16 bytes; NULL where it is not known
            checksum    INTEGER            -- over all other columns but the body; NULL in rows of earlier versions
        ) STRICT;
        CREATE INDEX events_signed_at ON events (signed_at);
        CREATE TABLE cursors (
            sink     TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL      -- the last event that the sink has taken
        ) STRICT, WITHOUT ROWID;
        \(tablesOfVersion3)
        \(tablesOfVersion4)
        """

    /// These tables are small and bounded, or are written seldom: here a random column may have an index.
    private static let tablesOfVersion3 = """
        CREATE TABLE quarantine (          -- genuine callbacks outside the time window that were never stored
            number           INTEGER PRIMARY KEY AUTOINCREMENT,
            received_at      INTEGER NOT NULL,
            signed_at        INTEGER NOT NULL,
            endpoint         TEXT NOT NULL,
            nonce            TEXT NOT NULL,
            signature        BLOB NOT NULL,
            algorithm        TEXT,
            id               BLOB NOT NULL UNIQUE,
            body             BLOB NOT NULL,
            client           BLOB,
            last_received_at INTEGER NOT NULL,  -- when the same event came last
            times            INTEGER NOT NULL DEFAULT 1
        ) STRICT;
        CREATE TABLE dead_letters (        -- events that a sink was given up on
            number    INTEGER PRIMARY KEY AUTOINCREMENT,
            sink      TEXT NOT NULL,
            sequence  INTEGER NOT NULL,    -- the event, which is kept for as long
            id        BLOB NOT NULL,
            attempts  INTEGER NOT NULL,
            status    INTEGER,             -- of the last answer; NULL where there was none
            error     TEXT NOT NULL,
            buried_at INTEGER NOT NULL,    -- microseconds since 1970
            UNIQUE (sequence, sink)
        ) STRICT;
        CREATE TABLE redeliveries (        -- events that a sink is to take again, beside its cursor
            sink     TEXT NOT NULL,
            sequence INTEGER NOT NULL,     -- the event, which is kept for as long
            PRIMARY KEY (sink, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX redeliveries_sequence ON redeliveries (sequence);
        CREATE TABLE facts (
            name  TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    private static let tablesOfVersion4 = """
        CREATE TABLE tails (               -- readers that go on where they acknowledged last
            name     TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL,     -- the last event that was acknowledged
            read_at  INTEGER NOT NULL      -- microseconds since 1970: when somebody last read under the name
        ) STRICT, WITHOUT ROWID;
        """
}
