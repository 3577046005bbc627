// Which events `tail` chooses.

@testable import Store
import Testing

@testable import hookd

@Suite("tail") struct TailTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let type: String?, lines: Int?, sequences: [Int64], why: String
        var testDescription: String { why }

        init(_ type: String?, _ lines: Int?, _ sequences: some Sequence<Int64>, _ why: String) {
            (self.type, self.lines, self.sequences, self.why) = (type, lines, Array(sequences), why)
        }
    }

    static let cases = [
        Case(nil, 10, 491...500, "the last ten"),
        Case(nil, 0, [], "none"),
        Case(nil, 5000, 1...500, "more than there are"),
        Case(nil, nil, 1...500, "all, in more than one piece"),
        Case("opt_in", 3, [480, 490, 500], "the last three of a type"),
        Case("opt_in", 30, stride(from: 210, through: 500, by: 10), "of a type, over several windows"),
        Case("opt_in", 51, stride(from: 10, through: 500, by: 10), "more of a type than there are"),
        Case("com.sinch.conversation.opt_in", 1, [500], "a type in full"),
        Case("opt_out", 10, [], "a type that never came"),
        Case("in", 10, [], "the end of a type is no type"),
    ]

    @Test("prints", arguments: cases) func selects(_ c: Case) throws {
        let fixture = try StoreFixture()
        try fixture.add(500)
        let selection = EventSelection(since: nil, lines: c.lines)
        #expect(try sequences(of: fixture, type: c.type, selection) == c.sequences)
    }

    @Test("--since begins with what was stored at that time") func since() throws {
        let fixture = try StoreFixture()
        try fixture.add(20)
        let since = WallTime.now().microseconds
        try fixture.add(5)
        #expect(try sequences(of: fixture, EventSelection(since: since, lines: nil)) == Array(21...25))
        #expect(try sequences(of: fixture, EventSelection(since: since, lines: 10)) == Array(21...25))
        #expect(try sequences(of: fixture, EventSelection(since: since, lines: 2)) == [24, 25])
        #expect(try sequences(of: fixture, EventSelection(since: 0, lines: nil)).count == 25)
        let future = since + 3_600_000_000
        #expect(try sequences(of: fixture, EventSelection(since: future, lines: nil)) == [])
    }

    @Test("an empty store has nothing to print") func empty() throws {
        #expect(try sequences(of: StoreFixture(), EventSelection(since: nil, lines: 10)) == [])
    }

    @Test("goes on behind what it read") func continues() throws {
        let fixture = try StoreFixture()
        try fixture.add(3)
        let tail = try self.tail(of: EventReader(stateDirectory: fixture.directory))
        let position = try #require(try tail.read(after: 0) { _, _ in true })
        try fixture.add(2)
        var sequences: [Int64] = []
        _ = try tail.read(after: position) { event, _ in
            sequences.append(event.sequence)
            return true
        }
        #expect(sequences == [4, 5])
    }

    @Test("stops when nobody reads any more") func stops() throws {
        let fixture = try StoreFixture()
        try fixture.add(5)
        var shown = 0
        let position = try tail(of: EventReader(stateDirectory: fixture.directory)).read(after: 0) { _, _ in
            shown += 1
            return shown < 2
        }
        #expect(position == nil && shown == 2)
    }

    @Test("damaged events are told of once, and passed", .timeLimit(.minutes(1)))
    func damaged() throws {
        var damaged: [Int64] = []
        let tail = Tail(
            events: DamagedEvents(newest: 600, damaged: [5, 300, 600]), matches: { _, _ in true },
            damaged: { damaged.append($0) })
        var shown = 0
        let start = try tail.start(of: EventSelection(since: nil, lines: 600))
        let position = try tail.read(after: start) { _, _ in
            shown += 1
            return true
        }
        #expect(shown == 597 && position == 600 && damaged == [5, 300, 600])
    }

    // MARK: -

    private func tail<Events>(of events: Events) -> Tail<Events> {
        Tail(events: events, matches: { _, _ in true }, damaged: { Issue.record("event \($0) is not damaged") })
    }

    private func sequences(
        of fixture: StoreFixture, type: String? = nil, _ selection: EventSelection
    ) throws -> [Int64] {
        let printer = try EventPrinter(.json)
        let tail = Tail(
            events: try EventReader(stateDirectory: fixture.directory),
            matches: { event, batch in type.map { printer.isType($0, event, in: batch) } ?? true },
            damaged: { Issue.record("event \($0) is not damaged") })
        var sequences: [Int64] = []
        _ = try tail.read(after: tail.start(of: selection)) { event, _ in
            sequences.append(event.sequence)
            return true
        }
        return sequences
    }
}

/// A store whose disk has lost some bodies.
private struct DamagedEvents: EventReading {
    let newest: Int64
    let damaged: Set<Int64>

    func newestSequence() -> Int64 { newest }
    func newestSequence(recordedBefore time: Int64) -> Int64 { 0 }

    func events(
        after sequence: Int64, limit: ReadLimit, damaged tell: (Int64) -> Void
    ) -> EventBatch {
        var batch = EventBatch()
        for number in (sequence + 1)...newest where batch.events.count < limit.events {
            guard !damaged.contains(number) else {
                tell(number)
                continue
            }
            let none = ByteRange(offset: 0, count: 0)
            batch.events.append(
                StoredEvent(
                    sequence: number, recordedAt: 0, receivedAt: 0, signedAt: 0, endpoint: none, client: none,
                    nonce: none,
                    signature: none, algorithm: none, id: none, body: none))
        }
        return batch
    }
}
