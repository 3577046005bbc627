// Places of sinks and of named tails that cannot be: ahead of every event that was ever stored, or below the first. A
// flipped bit makes them, or a hand.

/// A place that the events do not bear out.
struct ImpossiblePlace {
    /// Whose it is.
    var name: String
    /// Whether that is a named tail, and not a sink.
    var isTail: Bool
    /// The place that was found.
    var found: Int64
    /// Where its owner goes on.
    var goesOn: Int64
    /// The newest event that is known to have been stored.
    var newest: Int64
}

extension EventWriter {
    /// No store gets there: places from here on are damage.
    private static let placeLimit: Int64 = 1 << 62
    /// Events may be numbered behind the highest place, and there must be room to count behind theirs.
    private static let numberLimit: Int64 = .max - (1 << 40)

    /// What the next event is numbered, and the places that the store does not bear out.
    ///
    /// What such a sink has taken, nobody can tell. A place that could be true in another store is kept, and no number
    /// up to it is used: whoever took events of those numbers never sees another under one of them. A number that no
    /// store gets to is put right, durably: to the newest event, and to the beginning where it is negative.
    static func places(
        _ connection: SQLiteConnection, lowestNextSequence: Int64
    ) throws(StoreError) -> (nextSequence: Int64, impossible: [ImpossiblePlace]) {
        let stored = try connection.number(
            "SELECT max(sequence) FROM events WHERE sequence < \(numberLimit)", for: "reading the newest event")
        let newest = max(0, stored, lowestNextSequence - 1)
        var (taken, found): (Int64, [ImpossiblePlace]) = (0, [])
        // In a store of an earlier version the row of no sink holds a time, and no place.
        let statement = try connection.prepare(
            """
            SELECT sink, 0, sequence FROM cursors WHERE sink <> '' AND (sequence < 0 OR sequence > ?1) UNION ALL
            SELECT name, 1, sequence FROM tails WHERE sequence < 0 OR sequence > ?1
            """, for: "reading the cursors")
        statement.bind(1, newest)
        while try statement.step() {
            let place = statement.number(2)
            if place < placeLimit { taken = max(taken, place) }
            found.append(
                ImpossiblePlace(
                    name: statement.text(0), isTail: statement.number(1) == 1, found: place, goesOn: place,
                    newest: newest))
        }
        let nextSequence = max(newest, taken) + 1
        for index in found.indices where found[index].found < 0 || found[index].found >= placeLimit {
            found[index].goesOn = found[index].found < 0 ? 0 : nextSequence - 1
            let place = found[index]
            let change = try connection.prepare(
                place.isTail
                    ? "UPDATE tails SET sequence = ? WHERE name = ?" : "UPDATE cursors SET sequence = ? WHERE sink = ?",
                for: "putting a cursor right")
            change.bind(1, place.goesOn)
            change.bind(2, copying: place.name)
            try change.step()
        }
        return (nextSequence, found)
    }
}
