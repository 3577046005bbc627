// Single numbers that the store has to remember.

/// The table of facts. Confined to the store's queue.
final class Facts {
    /// What is remembered.
    enum Name: String {
        /// Events up to this sequence number were deleted, save those that something else needs.
        case retiredThrough = "retired_through"
        /// The highest signed timestamp of a deleted event: what is signed no later may be a repeat of one.
        case retiredSignedAt = "retired_signed_at"
        /// When it was last tried whether the store takes callbacks, in microseconds since 1970.
        case askedAt = "asked_at"
    }

    private let write: SQLiteStatement
    private let read: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(StoreError) {
        write = try connection.prepare(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            for: "remembering a number")
        read = try connection.prepare("SELECT value FROM facts WHERE name = ?", for: "reading a number")
    }

    func value(of name: Name) throws(StoreError) -> Int64? {
        read.bind(1, copying: name.rawValue)
        defer { read.reset() }
        return try read.step() ? read.number(0) : nil
    }

    func set(_ name: Name, to value: Int64) throws(StoreError) {
        write.bind(1, copying: name.rawValue)
        write.bind(2, value)
        try write.step()
    }
}
