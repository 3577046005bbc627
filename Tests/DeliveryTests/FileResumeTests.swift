// What a file tells at the start: how far it goes, and whether it is the file of this store at all.

import Dispatch
import Glibc
import Store
import Testing

@testable import Delivery

@Suite("A file tells how far it goes") struct FileResumeTests {
    private let directory: TemporaryDirectory
    private let store = InMemoryEventStore()
    private let notes = Notes()
    private var path: String { directory.file("events.jsonl") }

    init() throws { directory = try TemporaryDirectory() }

    /// Runs a dispatcher over a store of events "a" to "f" with a cursor, and returns what is in the file then.
    private func run(cursor: Int64?, _ rotation: FileRotation? = nil) throws -> String {
        store.state.withLock { $0.cursors["archive"] = cursor }
        store.append(["a", "b", "c", "d", "e", "f"])
        let sink = FileSink(name: "archive", path: path, rotation: rotation, renderer: PlainRenderer())
        let dispatcher = Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])], log: notes.log)
        try dispatcher.start()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(store.state.withLock { $0.cursors["archive"] == $0.newest })
        return try contents(of: path)
    }

    private static let whole = plainLines(["a", "b", "c", "d", "e", "f"])

    @Test(
        "so that every event is in it once",
        arguments: [
            ("", 0, "an empty file"), ("1 a\n2 b\n", 2, "as far as the cursor"), ("1 a\n2 b\n3 c\n4 d\n", 2, "further"),
            ("1 a\n2 b\n3 c\n4 ", 2, "further, and torn"), ("1 a\n2 b\n3 c\n4 d\n5 e\n6 f\n", 0, "all of it"),
        ])
    func once(before: String, cursor: Int64, why: String) throws {
        try write(before, to: path)
        #expect(try run(cursor: cursor) == Self.whole, "\(why)")
    }

    @Test("and an event that was sent again on demand does not turn it back")
    func redelivered() throws {
        try write("1 a\n2 b\n3 c\n4 d\n1 a\n", to: path)
        #expect(try run(cursor: 2) == "1 a\n2 b\n3 c\n4 d\n1 a\n5 e\n6 f\n")
    }

    @Test(
        "and is not believed where the store does not bear it out",
        arguments: [
            ("99 z\n", DeliveryNote.Level.critical, "acknowledged events were lost", "ahead of the store"),
            ("260 a\n", .critical, "acknowledged events were lost", "ahead, though the id would fit"),
        ])
    func ahead(before: String, level: DeliveryNote.Level, words: String, why: String) throws {
        try write(before, to: path)
        #expect(try run(cursor: 2) == before + plainLines(["c", "d", "e", "f"], from: 3), "\(why)")
        #expect(notes.all.contains { $0.level == level && $0.message.contains(words) }, "\(notes.all)")
    }

    @Test("and a number that is in a file is never another event's")
    func numbersOfWhatWasLost() throws {
        try write("1 a\n2 b\n3 c\n4 d\n5 e\n6 f\n7 lost\n8 lost\n", to: path)
        store.append(["a", "b", "c", "d", "e", "f"])
        store.state.withLock { $0.cursors = ["archive": 4, "hook": 6] }
        let sink = FileSink(name: "archive", path: path, renderer: PlainRenderer())
        let endpoints = [Array("/callbacks".utf8)]
        let hook = FileSink(name: "hook", path: directory.file("hook"), renderer: PlainRenderer())
        let dispatcher = Dispatcher(
            store: store,
            subscriptions: [Subscription(hook, endpoints: endpoints), Subscription(sink, endpoints: endpoints)],
            log: notes.log)
        try dispatcher.start()
        store.append(["new"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path).hasSuffix("7 lost\n8 lost\n5 e\n6 f\n9 new\n"))
        #expect(try contents(of: hook.path) == "9 new\n", "no sink gets two events of one number")
        #expect(dispatcher.status.allSatisfy { $0.lag == 0 }, "nobody waits for what will never come")
    }

    @Test("and lines of another store are left alone")
    func otherStore() throws {
        // In the store, number 300 has another id than the file's.
        store.append((1...298).map { "x\($0)" })
        store.state.withLock { state in
            for index in state.events.indices { state.events[index].event = TestEvent("x") }
        }
        let renderer = OtherIDs()
        try write("5 foreign\n", to: path)
        store.state.withLock { $0.cursors["archive"] = 2 }
        let sink = FileSink(name: "archive", path: path, renderer: renderer)
        let dispatcher = Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])], log: notes.log)
        try dispatcher.start()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path).hasPrefix("5 foreign\n3 x\n4 x\n5 x\n"))
        #expect(notes.messages(of: "archive").first?.contains("that is not the store's") == true)
    }

    /// Reads lines as if their ids were another store's.
    private final class OtherIDs: EventRenderer {
        private let plain = PlainRenderer()
        func appendLine(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
            plain.appendLine(event, in: bytes, to: &output)
        }
        func appendHeaderLines(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {}
        func orderNumber(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, by order: EventOrder) -> UInt64? {
            nil
        }
        func traits(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> EventTraits { EventTraits() }
        func place(ofLine line: UnsafeRawBufferPointer) -> LinePlace? {
            plain.place(ofLine: line).map { LinePlace(sequence: $0.sequence, id: "ff") }
        }
        func mayBegin(_ piece: UnsafeRawBufferPointer) -> Bool { plain.mayBegin(piece) }
    }

    @Test("and a sink that is new begins with what is stored from now on, whatever its file holds")
    func newSink() throws {
        try write("1 a\n", to: path)
        store.append(["old"])
        let sink = FileSink(name: "archive", path: path, renderer: PlainRenderer())
        let dispatcher = Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])], log: notes.log)
        try dispatcher.start()
        store.append(["new"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == "1 a\n2 new\n")
    }

    @Test(
        "even if it got another name a moment ago",
        arguments: ["events.jsonl.1", "events.jsonl-20261124", "events.jsonl.0000000000000000004"])
    func renamed(name: String) throws {
        try write("1 a\n2 b\n3 c\n4 d\n", to: directory.file(name))
        #expect(try run(cursor: 2) == "5 e\n6 f\n")
    }

    @Test("and lines of other programs in between do no harm")
    func foreignLines() throws {
        try write("1 a\n2 b\n3 c\nhello\n\n{}\n", to: path)
        #expect(try run(cursor: 0) == "1 a\n2 b\n3 c\nhello\n\n{}\n4 d\n5 e\n6 f\n")
    }

    @Test("though it is larger than what is looked at")
    func large() throws {
        let line = "7 " + String(repeating: "x", count: 3 << 20) + "\n"
        try write(line + line + "1 a\n2 b\n3 c\n", to: path)
        #expect(
            FileTail(path: path, length: Int64(line.utf8.count * 2 + 12), renderer: PlainRenderer()).places.map(
                \.sequence) == [7, 3])
        let long = "4 " + String(repeating: "x", count: 5 << 20)
        func tail(_ text: String) throws -> FileTail {
            try write(text, to: path)
            return FileTail(path: path, length: Int64(text.utf8.count), renderer: PlainRenderer())
        }
        let whole = try tail("3 c\n\(long)\n")
        #expect(whole.places.map(\.sequence) == [4], "one line is longer than that")
        let cut = try tail("3 c\n\(long)")
        #expect(cut.places.map(\.sequence) == [3])
        #expect(cut.tornAt == 4 && cut.isTornLineOurs)
        try write("x" + line.dropLast(), to: path)
        let torn = FileTail(path: path, length: Int64(line.utf8.count), renderer: PlainRenderer())
        #expect(torn.tornAt == 0 && !torn.isTornLineOurs)
    }
}

@Suite("The place of a line") struct LinePlaceTests {
    private func place(_ line: String) -> LinePlace? {
        Array(line.utf8).withUnsafeBytes { LinePlace(cloudEvent: $0) }
    }

    @Test(
        "is read from what the encoder writes",
        arguments: [
            "{}", #"{"sequence":"9","id":"x"}"#, "no JSON", #"{"message":{"id":"a\"b","conversation_id":"c\\"}}"#,
        ])
    func encoded(body: String) throws {
        var line: [UInt8] = []
        let batch = makeBatch([(1234, TestEvent(body))])
        let renderer = try CloudEventRenderer()
        batch.bytes.withUnsafeBytes { renderer.appendLine(batch.events[0], in: $0, to: &line) }
        line.removeLast()
        let expected = LinePlace(sequence: 1234, id: String(repeating: "d2", count: 16))
        #expect(line.withUnsafeBytes { renderer.place(ofLine: $0) } == expected)
        for count in 1..<line.count {
            line[..<count].withUnsafeBytes { piece in
                #expect(renderer.mayBegin(piece))
                if count < line.count {
                    #expect(renderer.place(ofLine: piece) == nil || piece.last == UInt8(ascii: "}"))
                }
            }
        }
    }

    @Test(
        "is that of no other line",
        arguments: [
            ("", "nothing"), ("{}", "no members"), (#"{"sequence":"1"}"#, "no id"), (#"{"id":"x"}"#, "no sequence"),
            (#"{"id":"x","sequence":1}"#, "a number"), (#"{"id":"x","sequence":"-1"}"#, "negative"),
            (#"{"id":"x","sequence":"99999999999999999999"}"#, "more than 64 bits"),
            (#"{"id":"x","sequence":"4611686018427387904"}"#, "no store has got there"),
            (#"{"data":{"id":"x","sequence":"1"}}"#, "inside the callback"), (#"{"id":"x","sequence":"1""#, "torn"),
            (#"{"id":"x\"#, "torn within an escape"), (#"["id","x"]"#, "a list"),
        ])
    func other(line: String, why: String) {
        #expect(place(line) == nil, "\(why)")
    }
}
