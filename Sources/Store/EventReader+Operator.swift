// What an operator asks of a store: quarantine, dead letters, redeliveries, and how large it is.

extension EventReader {
    /// The callbacks in quarantine behind the number `number`, oldest first.
    public func quarantined(after number: Int64 = 0, limit: Int) throws(StoreError) -> [QuarantinedCallback] {
        try quarantined("number > ?1 ORDER BY number LIMIT ?2", number, limit)
    }

    /// A callback in quarantine, and the whole of it as an event with the sequence 0; nil where there is none.
    public func quarantinedCallback(
        _ number: Int64
    ) throws(StoreError) -> (callback: QuarantinedCallback, event: EventBatch)? {
        guard let callback = try quarantined("number = ?1 LIMIT ?2", number, 1).first else { return nil }
        let select = try connection.prepare(
            "SELECT \(Schema.quarantineColumns) FROM quarantine WHERE number = ?", for: "reading the quarantine")
        select.bind(1, number)
        guard try select.step() else { return nil }
        defer { select.reset() }
        var batch = EventBatch()
        batch.append(EventValues(quarantined: select), sequence: 0, recordedAt: 0)
        batch.pad()
        return (callback, batch)
    }

    private func quarantined(_ condition: String, _ number: Int64, _ limit: Int) throws(StoreError)
        -> [QuarantinedCallback]
    {
        guard try Schema.hasOperatorTables(connection) else { return [] }
        let select = try connection.prepare(
            """
            SELECT number, received_at, last_received_at, times, signed_at, endpoint, length(body),
                EXISTS (SELECT 1 FROM facts
                        WHERE name = '\(Facts.Name.retiredSignedAt.rawValue)' AND value >= signed_at)
            FROM quarantine WHERE \(condition)
            """, for: "reading the quarantine")
        select.bind(1, number)
        select.bind(2, Int64(limit))
        var callbacks: [QuarantinedCallback] = []
        while try select.step() {
            callbacks.append(
                QuarantinedCallback(
                    number: select.number(0), receivedAt: select.number(1), lastReceivedAt: select.number(2),
                    times: select.number(3), signedAt: select.number(4), endpoint: select.text(5),
                    bodyBytes: Int(select.number(6)), mayBeRepeat: select.number(7) != 0))
        }
        return callbacks
    }

    /// The dead letters behind the number `number`, oldest first.
    ///
    /// - Parameter sink: the sink whose letters are wanted; nil for those of all.
    public func deadLetters(
        of sink: String? = nil, after number: Int64 = 0, limit: Int
    ) throws(StoreError) -> [DeadLetter] {
        guard try Schema.hasOperatorTables(connection) else { return [] }
        let select = try connection.prepare(
            """
            SELECT number, sink, sequence, id, attempts, status, error, buried_at FROM dead_letters
            WHERE number > ?1 \(sink == nil ? "" : "AND sink = ?3") ORDER BY number LIMIT ?2
            """, for: "reading the dead letters")
        select.bind(1, number)
        select.bind(2, Int64(limit))
        if let sink { select.bind(3, copying: sink) }
        var letters: [DeadLetter] = []
        while try select.step() {
            var letter = DeadLetter(
                sink: select.text(1), sequence: select.number(2), id: Array(select.bytes(3)),
                attempts: Int(select.number(4)), status: select.isNull(5) ? nil : Int(select.number(5)),
                error: select.text(6))
            letter.number = select.number(0)
            letter.buriedAt = select.number(7)
            letters.append(letter)
        }
        return letters
    }

    /// The sequence numbers of the events that `sink` is to take beside its cursor, lowest first.
    public func redeliveries(of sink: String, limit: Int) throws(StoreError) -> [Int64] {
        guard try Schema.hasOperatorTables(connection) else { return [] }
        let select = try connection.prepare(
            "SELECT sequence FROM redeliveries WHERE sink = ? ORDER BY sequence LIMIT ?", for: "reading redeliveries")
        select.bind(1, copying: sink)
        select.bind(2, Int64(limit))
        var sequences: [Int64] = []
        while try select.step() { sequences.append(select.number(0)) }
        return sequences
    }

    /// The bytes of the file, and those of it that hold something.
    public func sizes() throws(StoreError) -> (fileBytes: Int64, usedBytes: Int64) {
        let pages = try connection.number("PRAGMA page_count", for: "reading the size")
        let free = try connection.number("PRAGMA freelist_count", for: "reading the size")
        return (pages * Schema.pageBytes, (pages - free) * Schema.pageBytes)
    }
}
