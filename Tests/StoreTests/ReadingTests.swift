// Events on their way to a sink: the same from memory and from disk, in order, within limits, and no damaged one.

import Store
import Testing

@Suite("Reading events") struct ReadingTests {
    let directory: TemporaryDirectory
    let notices = Notices()

    init() throws { directory = try TemporaryDirectory() }

    private func store(tailBytes: Int, _ callbacks: [Callback]) throws -> SQLiteEventStore {
        let store = try openStore(directory, .init(tailBytes: tailBytes), notices)
        for start in stride(from: 0, to: callbacks.count, by: 7) {
            _ = store.outcomes(of: Array(callbacks[start..<min(start + 7, callbacks.count)]))
        }
        return store
    }

    static let callbacks = (0..<100).map { number in
        Callback("n\(number)", "{\"n\":\(number)\(String(repeating: " ", count: number))}").with {
            $0.endpoint = "/e\(number % 3)"
            $0.algorithm = number.isMultiple(of: 2) ? "" : "hmacsha256"
            $0.signer = UInt8(number)
            $0.receivedAt += Int64(number)
            $0.signedAt -= Int64(number)
        }
    }

    static let expected = callbacks.enumerated().map { Event($1, sequence: Int64($0) + 1) }

    @Test("gives the same from memory, from disk, and from both", arguments: [0, 1, 2000, 8000, 1 << 24])
    func tailAndDisk(_ tailBytes: Int) throws {
        let store = try store(tailBytes: tailBytes, Self.callbacks)
        for count in [1, 3, 10, 1000] {
            #expect(try store.allEvents(atOnce: count) == Self.expected, "\(count) at once")
        }
        for start in 0...100 {
            let batch = try store.events(after: Int64(start), limit: ReadLimit(events: .max, bytes: .max))
            #expect(batch.values.first == (start < 100 ? Self.expected[start] : nil))
            #expect(batch.values == Array(Self.expected[start...].prefix(batch.values.count)), "without a gap")
        }
    }

    @Test("uses the memory of a batch again, and changes no copy of it", arguments: [0, 1 << 24])
    func readAgain(_ tailBytes: Int) throws {
        let store = try store(tailBytes: tailBytes, Self.callbacks)
        let limit = ReadLimit(events: 10, bytes: .max)
        var batch = EventBatch()
        try store.read(after: 80, limit: limit, into: &batch)
        let copy = batch
        try store.read(after: 3, limit: limit, into: &batch)
        #expect(copy.values == Array(Self.expected[80..<90]))
        #expect(batch.values == Array(Self.expected[3..<13]), "and nothing that was there before")
        try store.read(after: 100, limit: limit, into: &batch)
        #expect(batch.isEmpty)
    }

    @Test("keeps to the limit, but gives one event always", arguments: [0, 1 << 24]) func limits(_ tailBytes: Int)
        throws
    {
        let store = try store(tailBytes: tailBytes, Self.callbacks)
        func count(_ events: Int, _ bytes: Int, after sequence: Int64 = 0) throws -> Int {
            try store.events(after: sequence, limit: ReadLimit(events: events, bytes: bytes)).values.count
        }
        #expect(try count(5, .max) == 5)
        #expect(try count(1, .max, after: 50) == 1)
        #expect(try count(100, 1) == 1)
        #expect(try count(.max, 1, after: 99) == 1)
        let bytes = Self.callbacks[..<10].reduce(0) { $0 + $1.body.count }
        let found = try count(.max, bytes)
        #expect((2...10).contains(found), "about so many bytes, never an event more")
        #expect(try count(10, .max, after: 100) == 0)
        #expect(try count(10, .max, after: 1000) == 0)
    }

    @Test("leaves room behind the last byte", arguments: [0, 1 << 24]) func padding(_ tailBytes: Int) throws {
        let store = try store(tailBytes: tailBytes, Self.callbacks)
        for start in 0..<100 {
            let batch = try store.events(after: Int64(start), limit: ReadLimit(events: 3, bytes: .max))
            let end = try #require(batch.events.map(\.body.range.upperBound).max())
            #expect(batch.bytes.count >= end + EventBatch.padding)
        }
    }

    @Test("leaves out an event whose body was changed on disk, and says so") func damaged() throws {
        let store = try store(tailBytes: 0, Array(Self.callbacks[..<20]))
        try runSQL(
            """
            UPDATE events SET body = CAST('{"n":3' || '~' || substr(CAST(body AS TEXT), 8) AS BLOB) WHERE sequence = 4;
            UPDATE events SET id = zeroblob(16) WHERE sequence = 6;
            UPDATE events SET body = zeroblob(0) WHERE sequence = 7;
            """, on: directory.database)
        let events = try store.events(after: 0, limit: ReadLimit(events: 10, bytes: .max))
        #expect(events.values.map(\.sequence) == [1, 2, 3, 5, 8, 9, 10, 11, 12, 13])
        #expect(notices.texts == ["damaged 4", "damaged 6", "damaged 7"])
    }

    @Test(
        "leaves out an event of which any other value was changed on disk",
        arguments: [
            "recorded_at = recorded_at + 1", "received_at = received_at - 1", "signed_at = signed_at + 64",
            "endpoint = '/e9'", "nonce = 'n03'", "nonce = 'n'", "signature = zeroblob(32)", "algorithm = NULL",
            "algorithm = 'hmacsha257'", "client = x'c0000208'", "client = NULL", "checksum = checksum + 1",
            "endpoint = endpoint || 'n', nonce = substr(nonce, 2)",
        ]) func damagedValue(_ change: String) throws
    {
        let store = try store(tailBytes: 0, Array(Self.callbacks[..<20]))
        try runSQL("UPDATE events SET \(change) WHERE sequence = 4", on: directory.database)
        let events = try store.events(after: 0, limit: ReadLimit(events: 4, bytes: .max))
        #expect(events.values.map(\.sequence) == [1, 2, 3, 5])
        #expect(notices.texts == ["damaged 4"])
        #expect(store.statistics.damagedReads == 1)
    }

    @Test("finds the last event before a time") func recordedBefore() throws {
        let store = try store(tailBytes: 0, Self.callbacks)
        try runSQL("UPDATE events SET recorded_at = sequence * 10", on: directory.database)
        let reader = try EventReader(stateDirectory: directory.path)
        for sequence in 0...100 as ClosedRange<Int64> {
            #expect(try reader.newestSequence(recordedBefore: sequence * 10 + 1) == sequence)
            #expect(try reader.newestSequence(recordedBefore: sequence * 10) == max(0, sequence - 1))
        }
        #expect(try reader.newestSequence(recordedBefore: .max) == 100)
        try runSQL("DELETE FROM events WHERE sequence < 20 OR sequence BETWEEN 40 AND 60", on: directory.database)
        #expect(try reader.newestSequence(recordedBefore: 195) == 0, "none is older")
        #expect(try reader.newestSequence(recordedBefore: 500) == 39, "the one before the gap")
        #expect(try reader.newestSequence(recordedBefore: 615) == 61)
        #expect(try reader.newestSequence(recordedBefore: .max) == 100)
        withExtendedLifetime(store) {}
    }

    @Test("of an empty store gives nothing") func empty() throws {
        let store = try openStore(directory)
        #expect(try store.allEvents() == [])
        let reader = try EventReader(stateDirectory: directory.path)
        #expect(try reader.newestSequence() == 0)
        #expect(try reader.newestSequence(recordedBefore: .max) == 0)
        #expect(try reader.all == [])
        #expect(try reader.cursor(of: "a") == nil)
    }
}
