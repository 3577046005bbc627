// Other sinks while events are stored: nothing twice, nothing left out, in order.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("An exchange of sinks") struct ExchangeTests {
    private let directory: TemporaryDirectory
    private let store = InMemoryEventStore()
    private let notes = Notes()
    private static let callbacks = [Array("/callbacks".utf8)]
    private static let patience = DispatchTimeInterval.seconds(30)

    init() throws { directory = try TemporaryDirectory() }

    private func dispatcher(_ subscriptions: [Subscription]) -> Dispatcher {
        Dispatcher(store: store, subscriptions: subscriptions, cursorIntervalMicroseconds: 1000, log: notes.log)
    }

    private func file(
        _ name: String, _ fileName: String? = nil, endpoints: [[UInt8]] = callbacks
    ) -> Subscription {
        let path = directory.file(fileName ?? name)
        return Subscription(FileSink(name: name, path: path, renderer: PlainRenderer()), endpoints: endpoints)
    }

    private func keep(_ name: String, endpoints: [[UInt8]] = callbacks) -> SinkChange {
        .keep(name: name, endpoints: endpoints)
    }

    /// The sequence numbers of a file's lines.
    private func numbers(_ name: String) throws -> [Int] {
        try contents(of: directory.file(name)).split(separator: "\n").map { line in
            try #require(line.split(separator: " ").first.flatMap { Int($0) }, "\(line)")
        }
    }

    /// Stores `count` events, a few at a time, while `body` runs, with what `event` makes of each.
    private func storing(
        _ count: Int, _ event: @escaping @Sendable (Int) -> TestEvent = { TestEvent("\($0)") },
        while body: (_ isDone: () -> Bool) throws -> Void
    ) throws {
        let isDone = Flag()
        let done = inBackground { [store] in
            for start in stride(from: 0, to: count, by: 5) {
                store.append((start..<(start + 5)).map(event))
                pause(microseconds: 50)
            }
            isDone.raise()
        }
        try body { isDone.isRaised }
        try done.await("all events are stored")
    }

    @Test("of a file's name: each event is in one of the files, once, and another sink notices nothing")
    func files() throws {
        let dispatcher = dispatcher([file("moving", "0"), file("staying")])
        try dispatcher.start()
        var count = 0
        try storing(4000) { isDone in
            repeat {
                count += 1
                try dispatcher.exchange(
                    [.begin(file("moving", "\(count % 3)")), keep("staying")], patience: Self.patience)
            } while !isDone() || count < 12
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(count >= 12)
        #expect(try numbers("staying") == Array(1...4000))
        let moved = try (0..<min(3, count)).map { try numbers("\($0)") }
        #expect(moved.allSatisfy { $0 == $0.sorted() }, "each is in order")
        #expect(moved.joined().sorted() == Array(1...4000))
        #expect(dispatcher.status.map(\.counts.delivered) == [4000, 4000], "what was counted before still counts")
        #expect(store.state.withLock { $0.cursors } == ["moving": 4000, "staying": 4000])
    }

    @Test(
        "of a target's settings: it gets no event twice, although several are under way; also where it fails",
        arguments: [1, 8], [false, true])
    func forward(concurrency: Int, fails: Bool) throws {
        let random = Mutex(SplitMix(state: 7))
        let target = try HTTPTarget { _, _ in
            // The target's own slowness, and not a wait of the test.
            pause(microseconds: random.withLock { UInt64.random(in: 0...800, using: &$0) })
            return .answer(200)
        }
        defer { target.close() }
        func sink() throws -> Subscription {
            var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
            settings.timeoutMilliseconds = 600_000
            settings.concurrency = concurrency
            settings.order = .none
            settings.mode = .structured
            let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
            return Subscription(sink, endpoints: Self.callbacks)
        }
        let dispatcher = dispatcher([try sink()])
        try dispatcher.start()
        store.state.withLock { $0.hidesCursors = fails }
        var count = 0
        try storing(600) { isDone in
            repeat {
                count += 1
                guard fails else {
                    try dispatcher.exchange([.begin(try sink())], patience: Self.patience)
                    continue
                }
                #expect(throws: ExchangeError.self) {
                    try dispatcher.exchange([.begin(try sink()), .begin(file("more"))], patience: Self.patience)
                }
            } while !isDone() || count < 12
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(count >= 12)
        let taken = target.state.withLock({ $0.requests }).compactMap {
            $0.text.split(separator: " ").first.flatMap { Int($0) }
        }
        #expect(taken.sorted() == Array(1...600))
        if concurrency == 1 { #expect(taken == Array(1...600), "and in order") }
    }

    @Test(
        "what a target has taken ahead of an event that it refuses is not sent again; nor where the exchange fails",
        arguments: [false, true])
    func takenAhead(fails: Bool) throws {
        let refused = Mutex(Set([1]))
        @Sendable func number(_ text: String) -> Int? { text.split(separator: " ").first.flatMap { Int($0) } }
        let target = try HTTPTarget { _, request in
            .answer(refused.withLock { number(request.text).map($0.contains) ?? true } ? 503 : 200)
        }
        defer { target.close() }
        func sink() throws -> Subscription {
            var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
            settings.concurrency = 8
            settings.order = .none
            settings.mode = .structured
            // Nothing is tried again before the exchange.
            settings.retry = RetryPolicy(initialMicroseconds: 600_000_000, maximumMicroseconds: 600_000_000)
            let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
            return Subscription(sink, endpoints: Self.callbacks)
        }
        let dispatcher = dispatcher([try sink()])
        try dispatcher.start()
        store.append(["1", "2", "3", "4", "5"])
        for _ in 1...5 { try target.arrived.await("each event is tried once") }
        refused.withLock { $0 = [] }
        if fails {
            store.state.withLock { $0.hidesCursors = true }
            #expect(throws: ExchangeError.self) {
                try dispatcher.exchange([.begin(try sink()), .begin(file("more"))], patience: Self.patience)
            }
        } else {
            try dispatcher.exchange([.begin(try sink())], patience: Self.patience)
        }
        #expect(dispatcher.stop(deadline: farAway))
        let taken = target.state.withLock({ $0.requests }).compactMap { number($0.text) }
        #expect(taken.sorted() == [1, 1, 2, 3, 4, 5])
    }

    @Test("of endpoints: each event goes to one of two sinks, as was in force when it was stored")
    func endpoints() throws {
        let (a, b) = ([Array("/a".utf8)], [Array("/b".utf8)])
        let dispatcher = dispatcher([file("one", endpoints: a), file("two", endpoints: b)])
        try dispatcher.start()
        var count = 0
        let event = { @Sendable (index: Int) in
            var event = TestEvent("\(index)")
            event.endpoint = index % 2 == 0 ? "/a" : "/b"
            return event
        }
        try storing(4000, event) { isDone in
            repeat {
                count += 1
                let (first, second) = count % 2 == 0 ? (a, b) : (b, a)
                // Now and then one of them is another one besides.
                try dispatcher.exchange(
                    [
                        count % 5 == 0 ? .begin(file("one", endpoints: first)) : keep("one", endpoints: first),
                        keep("two", endpoints: second),
                    ], patience: Self.patience)
            } while !isDone() || count < 12
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(count >= 12)
        let (one, two) = (try numbers("one"), try numbers("two"))
        #expect(one == one.sorted() && two == two.sorted())
        #expect((one + two).sorted() == Array(1...4000))
    }

    @Test("a sink that comes begins with what is stored then, and one that comes back where it stopped")
    func comingAndGoing() throws {
        let dispatcher = dispatcher([file("always")])
        try dispatcher.start()
        store.append(["1", "2"])
        try dispatcher.exchange([keep("always"), .begin(file("sometimes"))], patience: Self.patience)
        store.append(["3", "4"])
        while store.state.withLock({ $0.cursors["sometimes"] }) != 4 { try store.moved.await("its cursor") }
        try dispatcher.exchange([keep("always")], patience: Self.patience)
        #expect(dispatcher.status.map(\.name) == ["always"])
        store.append(["5", "6"])
        try dispatcher.exchange([.begin(file("sometimes")), keep("always")], patience: Self.patience)
        #expect(dispatcher.status.map(\.name) == ["sometimes", "always"])
        store.append(["7"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try numbers("always") == Array(1...7))
        #expect(try numbers("sometimes") == Array(3...7))
    }

    @Test("a line that its reader has half of is ended by the sink that follows") func halfALine() throws {
        let pipe = try Pipe()
        func stdout() throws -> Subscription {
            let sink = try StdoutSink(name: "journal", descriptor: pipe.writing, renderer: PlainRenderer())
            return Subscription(sink, endpoints: Self.callbacks)
        }
        let dispatcher = dispatcher([try stdout()])
        try dispatcher.start()
        // More than a pipe holds.
        let body = String(repeating: "x", count: 300_000)
        store.append([body, "after"])
        var entry = pollfd(fd: pipe.writing, events: Int16(POLLOUT), revents: 0)
        while poll(&entry, 1, 0) > 0 { pause(microseconds: 100) }
        try dispatcher.exchange([.begin(try stdout())], patience: .milliseconds(1))
        let expected = plainLines([body, "after"])
        #expect(String(decoding: read(expected.utf8.count, from: pipe.reading), as: UTF8.self) == expected)
        #expect(dispatcher.stop(deadline: farAway))
    }

    /// Takes nothing until it is let.
    private final class StuckSink: Sink {
        let name = "stuck"
        let pace = StdoutSink.defaultPace
        let begun = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let taken = Mutex<[Int64]>([])

        func take(_ batch: EventBatch, from first: Int) -> Taken {
            begun.signal()
            mayGoOn.wait()
            taken.withLock { $0 += batch.events[first...].map(\.sequence) }
            return Taken(batch.events.count - first)
        }

        func interrupt() {}
    }

    @Test("does not take place where a sink does not let go, and all go on as before") func stuck() throws {
        let stuck = StuckSink()
        let dispatcher = dispatcher([file("file"), Subscription(stuck, endpoints: Self.callbacks)])
        try dispatcher.start()
        store.append(["1"])
        try stuck.begun.await("it has begun")
        #expect(throws: ExchangeError.self) {
            try dispatcher.exchange([.begin(file("file", "other"))], patience: .milliseconds(1))
        }
        store.append(["2"])
        for _ in 0..<10 { stuck.mayGoOn.signal() }
        while store.state.withLock({ $0.cursors }) != ["file": 2, "stuck": 2] { try store.moved.await("both go on") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try numbers("file") == [1, 2])
        #expect(stuck.taken.withLock { $0 } == [1, 2])
        #expect(!directory.names.contains("other"))
    }

    @Test("that is under way at the stop leaves no sink that is waited for, and none that is revived behind it")
    func stopMeanwhile() throws {
        let (log, endpoints) = (notes.log, Self.callbacks)
        let target = try HTTPTarget([])
        defer { target.close() }
        let settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        let forward = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
        for subscription in [file("file"), Subscription(forward, endpoints: endpoints)] {
            let lane = subscription.makeLane(store: store, log: log)
            lane.progress.begin(at: 0, durable: 0) {}
            let (left, drained) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let isCaughtUp = Flag()
            lane.leave { _ in left.signal() }
            try left.await("the exchange has ended it")
            lane.drain { caughtUp in
                if caughtUp { isCaughtUp.raise() }
                drained.signal()
            }
            try drained.await("the stop does not wait for it")
            lane.goOn()
            #expect(lane.progress.isFinished && !isCaughtUp.isRaised)
        }
    }

    @Test("is refused once the stop has begun, and where that begins meanwhile") func stopping() throws {
        let stuck = StuckSink()
        let dispatcher = dispatcher([Subscription(stuck, endpoints: Self.callbacks)])
        try dispatcher.start()
        store.append(["1"])
        try stuck.begun.await("it has begun")
        let other = file("other")
        let refusals = Mutex<[String]>([])
        let exchange = { @Sendable in
            do throws(ExchangeError) {
                try dispatcher.exchange([.begin(other)], patience: Self.patience)
                refusals.withLock { $0.append("none") }
            } catch {
                let isStopping = if case .stopping = error { true } else { false }
                refusals.withLock { $0.append(isStopping ? "stopping" : "\(error)") }
            }
        }
        let exchanged = inBackground(exchange)
        try until("the exchange waits for the sink") { dispatcher.crew.lanes.first?.progress.phase == .leaving }
        let stopped = inBackground { _ = dispatcher.stop(deadline: farAway) }
        try until("the stop has begun") { dispatcher.hasStopped.isRaised }
        stuck.mayGoOn.signal()
        try exchanged.await("the exchange is refused")
        try stopped.await("and the stop is not held up")
        exchange()
        #expect(refusals.withLock { $0 } == ["stopping", "stopping"])
        #expect(!directory.names.contains("other"))
        #expect(store.state.withLock { $0.cursors } == ["stuck": 1])
    }

    /// Takes nothing, ever. It is tried again soon at first, and as good as never once `isRevived`.
    private final class FailingSink: Sink {
        let name = "failing"
        let isRevived = Flag()
        /// Signalled when it is tried, from then on.
        let tried = DispatchSemaphore(value: 0)

        var pace: SinkPace {
            let microseconds: Int64 = isRevived.isRaised ? 1 << 50 : 100_000
            return SinkPace(
                limit: StdoutSink.defaultPace.limit, pauseMicroseconds: 0,
                retry: RetryPolicy(initialMicroseconds: microseconds, maximumMicroseconds: microseconds))
        }

        func take(_ batch: EventBatch, from first: Int) -> Taken {
            if isRevived.isRaised { tried.signal() }
            return Taken(0, failure: .readerGone)
        }

        func interrupt() {}
    }

    @Test("that fails while sinks wait for their retries leaves each of them one loop, and not two")
    func retryMeanwhile() throws {
        store.append(["1"])
        // A retry comes at any moment up to the longest wait, now and then at once: of many, most wait at the exchange.
        let lanes = (0..<40).map { _ in
            let sink = FailingSink()
            let lane = Subscription(sink, endpoints: Self.callbacks).makeLane(store: store, log: notes.log)
            lane.progress.begin(at: 0, durable: 0) {}
            return (sink: sink, lane: lane)
        }
        for (sink, lane) in lanes {
            let left = DispatchSemaphore(value: 0)
            lane.wake()
            try until("it fails") { lane.progress.status(newest: 1).counts.failures > 0 }
            lane.leave { _ in left.signal() }
            try left.await("the exchange has ended it")
            sink.isRevived.raise()
            lane.goOn()
            try sink.tried.await("it is tried as it goes on")
        }
        // A second loop shows when the retry from before comes, in most of them. It may also come just as the lane goes
        // on, in front of that, and is then the one try more that it looks like. A slow machine can only hide a loop.
        _ = lanes[0].sink.tried.wait(timeout: .now() + .milliseconds(300))
        let triedAgain = lanes.dropFirst().count { $0.sink.tried.wait(timeout: .now()) == .success }
        #expect(triedAgain < lanes.count / 2)
        for (_, lane) in lanes { lane.giveUp() }
    }

    @Test("does not take place where the store cannot keep a new sink's cursor") func storeFails() throws {
        let dispatcher = dispatcher([file("file")])
        try dispatcher.start()
        store.state.withLock { $0.failingMoves = 1 }
        #expect(throws: ExchangeError.self) {
            try dispatcher.exchange([keep("file"), .begin(file("more"))], patience: Self.patience)
        }
        #expect(dispatcher.status.map(\.name) == ["file"])
        store.append(["1"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(try numbers("file") == [1])
    }

    @Test(
        "of a file's settings, or a stop, leaves no cursor over lines that are not on disk", arguments: [false, true])
    func unsyncedFile(isStopped: Bool) throws {
        let failed = DispatchSemaphore(value: 0)
        let path = directory.file("events")
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(),
            writeThrough: { _ in
                failed.signal()
                errno = EIO
                return -1
            })
        let first = dispatcher([Subscription(sink, endpoints: Self.callbacks)])
        try first.start()
        store.append(["a", "b", "c"])
        try failed.await("a failure")
        let synced = Mutex<[String]>([])
        let other = FileSink(
            name: "archive", path: path, rotation: FileRotation(sizeBytes: 1 << 20), renderer: PlainRenderer(),
            writeThrough: { descriptor in
                synced.withLock { $0.append((try? contents(of: path)) ?? "") }
                return fdatasync(descriptor)
            })
        if isStopped {
            #expect(!first.stop(deadline: farAway), "not durable")
        } else {
            try first.exchange([.begin(Subscription(other, endpoints: Self.callbacks))], patience: Self.patience)
        }
        if isStopped {
            #expect(try contents(of: path) == "", "the next start must not take the lines for kept")
            let second = dispatcher([Subscription(other, endpoints: Self.callbacks)])
            try second.start()
            #expect(second.stop(deadline: farAway))
        } else {
            #expect(first.stop(deadline: farAway))
        }
        #expect(try contents(of: path) == plainLines(["a", "b", "c"]), "written again, and not twice")
        #expect(synced.withLock { $0.last } == plainLines(["a", "b", "c"]), "and on disk before the cursor counts")
        #expect(!notes.messages(of: "archive").contains { $0.contains("holds events") }, "no line was believed")
    }

    @Test("what a target was given up on is kept, and counted on") func deadLetters() throws {
        let status = Mutex(400)
        let target = try HTTPTarget { _, _ in .answer(status.withLock { $0 }) }
        defer { target.close() }
        func sink() throws -> Subscription {
            var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
            settings.retry = RetryPolicy(initialMicroseconds: 500, maximumMicroseconds: 1000)
            settings.attempts = 2
            let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
            return Subscription(sink, endpoints: Self.callbacks)
        }
        let dispatcher = dispatcher([try sink()])
        try dispatcher.start()
        store.append(["1"])
        while store.state.withLock({ $0.cursors["crm"] }) != 1 { try store.moved.await("it is given up") }
        status.withLock { $0 = 200 }
        try dispatcher.exchange([.begin(try sink())], patience: Self.patience)
        store.append(["2"])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(store.state.withLock { $0.buried.map(\.sequence) } == [1])
        let counts = try #require(dispatcher.status.first?.counts)
        #expect(counts.buried == 1 && counts.delivered == 1)
    }
}
