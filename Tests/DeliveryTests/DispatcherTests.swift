// The dispatcher with real sinks: order, cursors, sinks that fail beside sinks that work, and the stop.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Dispatcher") struct DispatcherTests {
    private let directory: TemporaryDirectory
    private let store = InMemoryEventStore()
    private let notes = Notes()
    private static let everything = [Array("/callbacks".utf8)]
    private static let quickPace = SinkPace(
        limit: ReadLimit(events: 10, bytes: 1000), pauseMicroseconds: 0, retry: quickRetry)
    private static let quickRetry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 4000)

    init() throws { directory = try TemporaryDirectory() }

    private func dispatcher(
        _ sinks: [any Sink], _ couriers: [any Courier] = [], endpoints: [[UInt8]] = everything,
        cursorIntervalMicroseconds: Int = 1000
    ) -> Dispatcher {
        Dispatcher(
            store: store,
            subscriptions: sinks.map { Subscription($0, endpoints: endpoints) }
                + couriers.map { Subscription($0, endpoints: endpoints) },
            cursorIntervalMicroseconds: cursorIntervalMicroseconds, log: notes.log)
    }

    private var path: String { directory.file("events.jsonl") }

    private func file(_ name: String = "archive") -> FileSink {
        FileSink(name: name, path: directory.file("events.jsonl"), renderer: PlainRenderer())
    }

    private func forward(_ url: String, retry: RetryPolicy = quickRetry) throws -> ForwardSink {
        // A timeout that no test waits for: what ends before it was ended by somebody.
        var settings = ForwardSettings(url: url, userAgent: "hookd/test")
        settings.timeoutMilliseconds = 600_000
        settings.retry = retry
        return try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
    }

    private func stdout(_ pipe: Pipe, pace: SinkPace = StdoutSink.defaultPace) throws -> StdoutSink {
        try StdoutSink(name: "journal", descriptor: pipe.writing, renderer: PlainRenderer(), pace: pace)
    }

    // MARK: Order and cursors

    @Test("hands over what is stored while it runs, in order")
    func order() throws {
        let bodies = (0..<5000).map { "event \($0)" }
        let dispatcher = dispatcher([file()])
        try dispatcher.start()
        for start in stride(from: 0, to: bodies.count, by: 10) {
            store.append(Array(bodies[start..<(start + 10)]))
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == plainLines(bodies))
        #expect(store.state.withLock { $0.cursors } == ["archive": 5000])
    }

    @Test("wakes for a single event")
    func single() throws {
        let pipe = try Pipe()
        let dispatcher = dispatcher([try stdout(pipe)])
        try dispatcher.start()
        for number in 1...50 {
            store.append(["\(number)"])
            let line = "\(number) \(number)\n"
            #expect(String(decoding: read(line.utf8.count, from: pipe.reading), as: UTF8.self) == line)
        }
        #expect(dispatcher.stop(deadline: farAway))
    }

    @Test("misses no event that is stored while it falls asleep")
    func lostWake() throws {
        let pipe = try Pipe()
        let dispatcher = dispatcher([try stdout(pipe, pace: Self.quickPace)])
        try dispatcher.start()
        store.append(["a"])
        #expect(read(4, from: pipe.reading) == Array("1 a\n".utf8))
        store.state.withLock { $0.betweenLookAndAnswer = { [store] in store.append(["b"]) } }
        store.append([String]())  // wakes it for nothing, and the wake for b comes while it is awake
        var poller = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
        try #require(poll(&poller, 1, 30_000) == 1)
        #expect(read(4, from: pipe.reading) == Array("2 b\n".utf8))
        #expect(dispatcher.stop(deadline: farAway))
    }

    @Test("moves on where no event is for it")
    func skipsAll() throws {
        let dispatcher = dispatcher([file()], endpoints: [Array("/other".utf8)])
        try dispatcher.start()
        store.append(["a", "b"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(store.state.withLock { $0.cursors } == ["archive": 2])
    }

    @Test("resumes behind its cursor: no event twice, none lost")
    func resume() throws {
        let first = dispatcher([file()])
        try first.start()
        store.append(["a", "b"])
        #expect(first.stop(deadline: farAway))
        store.append(["c", "d"])
        let second = dispatcher([file()])
        try second.start()
        store.append(["e"])
        #expect(second.stop(deadline: farAway))
        #expect(try contents(of: path) == plainLines(["a", "b", "c", "d", "e"]))
    }

    @Test("gives a sink that is added later the events stored after it was added")
    func added() throws {
        store.append(["before"])
        store.state.withLock { $0.cursors = ["archive": 0] }
        let pipe = try Pipe()
        let dispatcher = dispatcher([file(), try stdout(pipe)])
        try dispatcher.start()
        #expect(store.state.withLock { $0.moves.first } == ["journal": 1], "durable at once")
        store.append(["after"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == plainLines(["before", "after"]))
        pipe.closeWriting()
        #expect(String(decoding: readToEnd(pipe.reading), as: UTF8.self) == plainLines(["after"], from: 2))
    }

    @Test("begins at 0 in an empty store, durably")
    func firstStart() throws {
        let dispatcher = dispatcher([file()])
        try dispatcher.start()
        #expect(store.state.withLock { $0.cursors } == ["archive": 0])
        #expect(dispatcher.stop(deadline: farAway))
    }

    @Test("skips what other endpoints took, and moves on behind it")
    func routing() throws {
        let pipe = try Pipe()
        let sinks = [
            Subscription(file(), endpoints: [Array("/a".utf8), Array("/c".utf8)]),
            Subscription(try stdout(pipe), endpoints: [Array("/aa".utf8)]),
        ]
        let dispatcher = Dispatcher(store: store, subscriptions: sinks, log: notes.log)
        try dispatcher.start()
        let events = ["/a", "/b", "/c", "/aa", "/b", "/a", "/"].map { endpoint in
            var event = TestEvent("to \(endpoint)")
            event.endpoint = endpoint
            return event
        }
        store.append(events)
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == "1 to /a\n3 to /c\n6 to /a\n")
        pipe.closeWriting()
        #expect(String(decoding: readToEnd(pipe.reading), as: UTF8.self) == "4 to /aa\n")
        #expect(store.state.withLock { $0.cursors } == ["archive": 7, "journal": 7])
    }

    @Test("makes cursors durable while it runs, all in one commit")
    func durableCursors() throws {
        let pipe = try Pipe()
        let dispatcher = dispatcher([file(), try stdout(pipe)])
        try dispatcher.start()
        try store.moved.await("the new sinks' cursors")
        store.append(["a"])
        while store.state.withLock({ $0.cursors }) != ["archive": 1, "journal": 1] {
            try store.moved.await("the cursors")
        }
        #expect(dispatcher.stop(deadline: farAway))
        let moves = store.state.withLock { $0.moves.count }
        #expect(moves <= 3, "one for the new sinks, then at most one for each of two sinks")
    }

    @Test("lets a slow commit of cursors hold up no sink")
    func slowCommit() throws {
        let pipe = try Pipe()
        let dispatcher = dispatcher([try stdout(pipe)])
        try dispatcher.start()
        try store.moving.await("the new sink's cursor")
        let hold = DispatchSemaphore(value: 0)
        store.state.withLock { $0.holdMoves = hold }
        store.append(["a"])
        try store.moving.await("a commit that hangs")
        store.append(["b"])
        #expect(read(8, from: pipe.reading) == Array("1 a\n2 b\n".utf8))
        store.state.withLock { $0.holdMoves = nil }
        hold.signal()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(store.state.withLock { $0.cursors } == ["journal": 2])
    }

    @Test("lets a disk that hangs keep back the place of its own sink alone, also at the stop")
    func hangingDisk() throws {
        let hold = DispatchSemaphore(value: 0)
        let hanging = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(), pace: Self.quickPace,
            writeThrough: { descriptor in
                hold.wait()
                return fdatasync(descriptor)
            })
        let other = FileSink(
            name: "copy", path: directory.file("copy.jsonl"), renderer: PlainRenderer(), pace: Self.quickPace)
        let dispatcher = dispatcher([hanging, other])
        try dispatcher.start()
        func cursor(of name: String) -> Int64? { store.state.withLock { $0.cursors[name] } }
        for count in 1...3 as ClosedRange<Int64> {
            store.append(["a"])
            try until("the other's place, \(count)") { cursor(of: "copy") == count }
        }
        #expect(cursor(of: "archive") == 0)
        store.append(["b"])
        #expect(!dispatcher.stop(deadline: farAway), "not everything is durable")
        #expect(store.state.withLock { $0.cursors } == ["archive": 0, "copy": 4])
        // All that wait, and all that will.
        for _ in 0..<8 { hold.signal() }
    }

    @Test("keeps the place of a sink whose disk was slow") func slowDisk() throws {
        let (begun, hold) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let slow = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(), pace: Self.quickPace,
            writeThrough: { descriptor in
                begun.signal()
                hold.wait()
                return fdatasync(descriptor)
            })
        let dispatcher = dispatcher([slow])
        try dispatcher.start()
        for count in 1...3 as ClosedRange<Int64> {
            store.append(["a"])
            try begun.await("the disk is asked")
            hold.signal()
            try until("the place, \(count)") { store.state.withLock { $0.cursors["archive"] == count } }
        }
        store.append(["b"])
        try begun.await("the disk is asked")
        let stopped = inBackground { #expect(dispatcher.stop(deadline: farAway)) }
        hold.signal()
        try stopped.await("the stop")
        #expect(store.state.withLock { $0.cursors["archive"] } == 4)
    }

    // MARK: Failures

    @Test("sends again what failed, in order, before what came later")
    func retry() throws {
        let target = try HTTPTarget([
            .hangUp, .answer(500), .answer(503), .answer(200), .answer(200), .answer(429), .answer(302),
        ])
        defer { target.close() }
        let dispatcher = dispatcher([], [try forward(target.url)])
        try dispatcher.start()
        store.append(["a", "b", "c"])
        for _ in 0..<8 { try target.arrived.await("the next attempt") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == ["a", "a", "a", "a", "b", "c", "c", "c"])
        let said = notes.messages(of: "crm")
        #expect(said.count == 4, "the first failure, the pause, and the end of each: \(said)")
        #expect(said.first?.contains("gave no answer") == true)
        #expect(said.dropFirst().first == "works again after 3 failed attempts.")
    }

    @Test("lets a sink that fails harm no other: each event reaches the others once")
    func partialFanOut() throws {
        let pipe = try Pipe()
        let target = try HTTPTarget { _, _ in .answer(500) }
        defer { target.close() }
        let bodies = (0..<100).map { "event \($0)" }
        let dispatcher = dispatcher([file(), try stdout(pipe)], [try forward(target.url)])
        try dispatcher.start()
        store.append(bodies)
        let expected = plainLines(bodies)
        #expect(read(expected.utf8.count, from: pipe.reading) == Array(expected.utf8))
        try target.arrived.await("an attempt")
        try target.arrived.await("another attempt")

        let status = dispatcher.status
        #expect(status.map(\.name) == ["archive", "journal", "crm"])
        #expect(status[2].cursor == 0 && status[2].lag == 100)
        #expect(status[2].lastError?.contains("answered 500") == true && status[2].retryingSince != nil)
        #expect(!dispatcher.stop(deadline: farAway), "a sink is behind")
        #expect(try contents(of: path) == expected)
        #expect(store.state.withLock { $0.cursors } == ["archive": 100, "crm": 0, "journal": 100])
        pipe.closeWriting()
        #expect(readToEnd(pipe.reading).isEmpty)
    }

    @Test("lets a reader of stdout that stopped harm no other")
    func stalledReader() throws {
        let pipe = try Pipe()
        let target = try HTTPTarget([])
        defer { target.close() }
        let big = String(repeating: "x", count: 200_000)
        let dispatcher = dispatcher([try stdout(pipe)], [try forward(target.url)])
        try dispatcher.start()
        store.append([big, "b", "c"])
        while store.state.withLock({ $0.cursors["crm"] }) != 3 {
            try store.moved.await("the other sink's cursor")
        }
        #expect(!dispatcher.stop(deadline: .now()))
        #expect(store.state.withLock { $0.cursors } == ["crm": 3, "journal": 0])
    }

    @Test("goes on where a file could not be opened at first")
    func fileLater() throws {
        let sink = FileSink(name: "archive", path: path, renderer: PlainRenderer(), pace: Self.quickPace)
        try #require(mkfifo(path, 0o600) == 0)
        let dispatcher = dispatcher([sink])
        try dispatcher.start()
        store.append(["a", "b"])
        try notes.noted.await("the failure is said")
        try #require(unlink(path) == 0)
        try notes.noted.await("the recovery is said")
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == plainLines(["a", "b"]))
        #expect(dispatcher.status.first?.lastError == nil && dispatcher.status.first?.retryingSince == nil)
    }

    @Test("tries again where the store cannot be read or written")
    func storeFails() throws {
        let pipe = try Pipe()
        let dispatcher = dispatcher([try stdout(pipe, pace: Self.quickPace)])
        try dispatcher.start()
        store.state.withLock {
            $0.failingReads = 3
            $0.failingMoves = 2
        }
        store.append(["a"])
        #expect(read(4, from: pipe.reading) == Array("1 a\n".utf8))
        while store.state.withLock({ $0.cursors }) != ["journal": 1] {
            try store.moved.await("the cursor")
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(notes.messages(of: "journal").first?.contains("reading its events failed") == true)
        #expect(notes.messages(of: nil).count == 2, "the failure to keep cursors, and its end")
    }

    @Test("never keeps a cursor ahead of what is on disk")
    func synchronizeFails() throws {
        let failures = Mutex(3)
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(), pace: Self.quickPace,
            writeThrough: { [store] descriptor in
                let isFailing = failures.withLock { count in
                    count -= 1
                    return count >= 0
                }
                guard isFailing else { return fdatasync(descriptor) }
                if store.state.withLock({ $0.cursors["archive"] }) != 0 { Issue.record("the cursor was moved") }
                errno = EIO
                return -1
            })
        let dispatcher = dispatcher([sink])
        try dispatcher.start()
        try store.moved.await("the new sink's cursor")
        store.append(["a", "b"])
        try store.moved.await("the cursor, after three failures")
        #expect(failures.withLock { $0 } < 0)
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try contents(of: path) == plainLines(["a", "b"]), "written again, and not twice")
        #expect(notes.messages(of: "archive").first?.contains("through to the disk failed") == true)
        #expect(dispatcher.status.first?.lastError == nil)
    }

    // MARK: The stop

    @Test("stops while a target hangs; the event is sent again after the next start")
    func stopWhileHanging() throws {
        let target = try HTTPTarget([.answer(200), .stall])
        defer { target.close() }
        let first = dispatcher([], [try forward(target.url)])
        try first.start()
        store.append(["a", "b"])
        try target.arrived.await("a")
        try target.arrived.await("b, which hangs")
        #expect(!first.stop(deadline: .now()))
        try target.stallEnded.await("the request is aborted")
        #expect(store.state.withLock { $0.cursors } == ["crm": 1])

        let second = dispatcher([], [try forward(target.url)])
        try second.start()
        #expect(second.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == ["a", "b", "b"])
        #expect(store.state.withLock { $0.cursors } == ["crm": 2])
    }

    @Test("waits for no sink that is waiting for its retry")
    func stopWhileRetrying() throws {
        let target = try HTTPTarget { _, _ in .answer(500) }
        defer { target.close() }
        // The first wait may be up to an hour; the stop must not be.
        let hour: Int64 = 3_600_000_000
        let retry = RetryPolicy(initialMicroseconds: hour, maximumMicroseconds: hour)
        let dispatcher = dispatcher([file()], [try forward(target.url, retry: retry)])
        try dispatcher.start()
        store.append(["a"])
        try notes.noted.await("the failure is said")
        let hasStopped = inBackground {
            #expect(!dispatcher.stop(deadline: .distantFuture))
        }
        try hasStopped.await("the stop")
        #expect(try contents(of: path) == plainLines(["a"]))
    }

    @Test("keeps cursors at the stop that moved since the last commit")
    func lastCommit() throws {
        let dispatcher = dispatcher([file()], cursorIntervalMicroseconds: 3_600_000_000)
        try dispatcher.start()
        store.append(["a"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(store.state.withLock { $0.cursors } == ["archive": 1])
    }

    @Test("says at the stop that cursors could not be kept")
    func lastCommitFails() throws {
        let dispatcher = dispatcher([file()], cursorIntervalMicroseconds: 3_600_000_000)
        try dispatcher.start()
        store.state.withLock { $0.failingMoves = 1 }
        store.append(["a"])
        #expect(!dispatcher.stop(deadline: farAway))
    }

    @Test("takes nothing more after the stop")
    func afterStop() throws {
        let dispatcher = dispatcher([file()])
        try dispatcher.start()
        #expect(dispatcher.stop(deadline: farAway))
        store.append(["a"])
        #expect(dispatcher.stop(deadline: farAway), "a second stop is none")
        #expect(dispatcher.status.first?.cursor == 0)
    }
}
