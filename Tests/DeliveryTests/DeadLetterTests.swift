// What a target refuses for good, and what it turns away: dead letters, pauses, and what an operator is told.

import Dispatch
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Refused and turned away") struct DeadLetterTests {
    private let store = InMemoryEventStore()
    private let notes = Notes()

    private func settings(_ target: HTTPTarget) -> ForwardSettings {
        var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        settings.timeoutMilliseconds = 600_000
        settings.retry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 4000)
        settings.attempts = 3
        return settings
    }

    private func dispatcher(_ settings: ForwardSettings, cursorIntervalMicroseconds: Int = 1000) throws -> Dispatcher {
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
        return Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])],
            cursorIntervalMicroseconds: cursorIntervalMicroseconds, log: notes.log)
    }

    private var buried: [DeadLetter] { store.state.withLock { $0.buried } }

    private func awaitBuried(_ count: Int) throws {
        while buried.count < count { try store.moved.await("burial \(count)") }
    }

    @Test("an event that is refused too often goes to the dead letters, and the line moves on", arguments: [400, 422])
    func poison(status: Int) throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(status, body: "no \u{7}") })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append(["a", "b"])
        try awaitBuried(1)
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == ["a", "a", "a", "b"])
        let letter = try #require(buried.first)
        #expect(letter.sink == "crm" && letter.sequence == 1 && letter.attempts == 3)
        #expect(letter.status == status && letter.id == [UInt8](repeating: 1, count: 16))
        #expect(letter.error.contains("answered \(status): \"no \\x07\""))
        #expect(store.state.withLock { $0.cursors["crm"] } == 2)
        let status = try #require(dispatcher.status.first)
        #expect(status.counts.buried == 1 && status.counts.delivered == 1)
        let said = notes.all.filter { $0.level == .error }
        #expect(said.count == 1 && said[0].message.contains("goes to the dead letters"))
    }

    @Test(
        "a target that answers before it has read the event: a refusal counts, a success does not",
        arguments: [(413, true), (200, false), (503, false)])
    func early(status: Int, isRefused: Bool) throws {
        let target = try HTTPTarget(early: .answer(status)) { _, _ in .answer(200) }
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append([String(repeating: "x", count: 8 << 20)])
        if isRefused {
            try awaitBuried(1)
            #expect(buried.first?.status == status && buried.first?.attempts == 3)
        } else {
            for _ in 0..<5 { try target.arrived.await("an attempt") }
        }
        _ = dispatcher.stop(deadline: farAway)
        #expect(store.state.withLock { $0.cursors["crm"] } == (isRefused ? 1 : 0))
        #expect(dispatcher.status.first?.counts.delivered == 0 && buried.count == (isRefused ? 1 : 0))
    }

    @Test("the cursor does not pass an event that could not be buried")
    func burialFails() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        try store.moved.await("the new sink's cursor")
        store.state.withLock { $0.failingMoves = 3 }
        store.append(["a"])
        try awaitBuried(1)
        #expect(dispatcher.stop(deadline: farAway))
        #expect(buried.map(\.sequence) == [1], "once")
        #expect(store.state.withLock { $0.moves.filter { $0["crm"] == 1 }.count } == 1, "with its burial")
    }

    @Test("the last burial is durable at the stop")
    func burialAtStop() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target), cursorIntervalMicroseconds: 3_600_000_000)
        try dispatcher.start()
        store.append(["a"])
        while !notes.all.contains(where: { $0.message.contains("dead letters") }) {
            try notes.noted.await("the burial is said")
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(buried.map(\.sequence) == [1])
    }

    @Test("a refused batch is sent one by one, and only the poison is buried")
    func batch() throws {
        let fussy = try HTTPTarget(byText: { $0.contains("bad") ? .answer(422) : .answer(200) })
        defer { fussy.close() }
        var settings = settings(fussy)
        settings.batch = ForwardSettings.Batch(events: 10)
        store.state.withLock { $0.cursors["crm"] = 0 }
        store.append(["a", "b", "bad", "c", "d"])
        let dispatcher = try dispatcher(settings)
        try dispatcher.start()
        try awaitBuried(1)
        #expect(dispatcher.stop(deadline: farAway))
        #expect(buried.map(\.sequence) == [3])
        let texts = fussy.requests.map(\.text)
        #expect(texts.first == "[1 a,2 b,3 bad,4 c,5 d]")
        #expect(Array(texts.dropFirst()) == ["[1 a]", "[2 b]", "[3 bad]", "[3 bad]", "[3 bad]", "[4 c]", "[5 d]"])
        #expect(store.state.withLock { $0.cursors["crm"] } == 5)
    }

    // MARK: Sent again

    /// Queues events to be sent again, as an operator does.
    private func redeliver(_ sequences: [Int64], to sink: String = "crm") {
        let wakes = store.state.withLock { state in
            state.redeliveries += sequences.map { Redelivery(sink: sink, sequence: $0) }
            return state.wakes
        }
        for wake in wakes { wake() }
    }

    private func awaitRedelivered() throws {
        while !store.state.withLock({ $0.redeliveries.isEmpty }) { try store.moved.await("the redelivery is over") }
    }

    @Test("a letter that is released is sent again, once, and the cursor stays where it is")
    func released() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append(["a", "b"])
        try awaitBuried(1)
        while store.state.withLock({ $0.cursors["crm"] }) != 2 { try store.moved.await("the event behind it") }
        redeliver([1])
        try awaitRedelivered()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == ["a", "a", "a", "b", "a"])
        #expect(store.state.withLock { $0.cursors["crm"] } == 2)
    }

    @Test("a sink is paused, too, where all that is turned away was released")
    func releasedAndTurnedAway() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) } + [.answer(401)])
        defer { target.close() }
        var settings = settings(target)
        settings.retry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 1 << 50)
        let dispatcher = try dispatcher(settings)
        try dispatcher.start()
        store.append(["a"])
        try awaitBuried(1)
        redeliver([1])
        try until("it is paused") { dispatcher.status.first?.isPaused == true }
        #expect(notes.all.count { $0.message.contains("The sink is paused") } == 1)
        _ = dispatcher.stop(deadline: farAway)
    }

    @Test("what a target asks for holds for what is released meanwhile") func releasedWhileAsked() throws {
        let target = try HTTPTarget(byText: { $0 == "a" ? .answer(400) : .answer(503, headers: ["Retry-After: 900"]) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append(["a"])
        try awaitBuried(1)
        store.append(["b"])
        try until("b was answered") { dispatcher.status.first?.lastAnswer?.hasPrefix("503") == true }
        for _ in 0..<4 { try target.arrived.await("a three times, and b") }
        redeliver([1])
        // A slow machine can only hide that it is sent.
        #expect(target.arrived.wait(timeout: .now() + .milliseconds(300)) == .timedOut)
        _ = dispatcher.stop(deadline: farAway)
        #expect(target.requests.map(\.text) == ["a", "a", "a", "b"])
    }

    @Test("a letter that is released is given all its attempts again, and buried again")
    func attemptsBeginAnew() throws {
        let target = try HTTPTarget(byText: { $0 == "a" ? .answer(400) : .answer(200) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append(["a"])
        try awaitBuried(1)
        redeliver([1])
        try awaitBuried(2)
        try awaitRedelivered()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.count == 6)
        #expect(buried.map(\.attempts) == [3, 3])
    }

    @Test("what is released during an outage waits for its end, and holds up nothing that is new", arguments: [1, 4])
    func releasedInOutage(concurrency: Int) throws {
        let isMended = Flag()
        let target = try HTTPTarget(byText: { _ in isMended.isRaised ? .answer(200) : .answer(503) })
        defer { target.close() }
        store.append((0..<40).map { "c\($0):1" })
        store.state.withLock { $0.cursors["crm"] = 20 }
        var settings = settings(target)
        settings.concurrency = concurrency
        let dispatcher = try dispatcher(settings)
        try dispatcher.start()
        redeliver([3, 5, 7])
        for _ in 0..<20 { try target.arrived.await("an attempt") }
        #expect(buried.isEmpty, "an outage uses up no attempts")
        isMended.raise()
        try awaitRedelivered()
        while store.state.withLock({ $0.cursors["crm"] }) != 40 { try store.moved.await("the last cursor") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(Set(target.requests.map(\.text)) == Set(([3, 5, 7] + Array(21...40)).map { "c\($0 - 1):1" }))
    }

    @Test("what is gone is over; what the sink would not get of itself is delivered", arguments: ["crm", "archive"])
    func gone(sink: String) throws {
        let directory = try TemporaryDirectory()
        let target = try HTTPTarget([])
        defer { target.close() }
        var other = TestEvent("elsewhere")
        other.endpoint = "/other"
        store.append([TestEvent("a"), other])
        store.state.withLock { $0.cursors = ["crm": 2, "archive": 2] }
        let file = FileSink(name: "archive", path: directory.file("events"), renderer: PlainRenderer())
        let forward = try ForwardSink(name: "crm", settings: settings(target), renderer: PlainRenderer())
        let endpoints = [Array("/callbacks".utf8)]
        let dispatcher = Dispatcher(
            store: store,
            subscriptions: [Subscription(file, endpoints: endpoints), Subscription(forward, endpoints: endpoints)],
            cursorIntervalMicroseconds: 1000, log: notes.log)
        try dispatcher.start()
        redeliver([1, 2, 99], to: sink)
        try awaitRedelivered()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == (sink == "crm" ? ["a", "elsewhere"] : []))
        #expect(try contents(of: directory.file("events")) == (sink == "crm" ? "" : "1 a\n2 elsewhere\n"))
        #expect(store.state.withLock { $0.cursors } == ["crm": 2, "archive": 2])
    }

    @Test("a dead letter that is released is sent, whatever the sink gets since a reload", arguments: [false, true])
    func releasedAfterReload(isOtherFilter: Bool) throws {
        let status = Mutex(400)
        let target = try HTTPTarget { _, _ in .answer(status.withLock { $0 }) }
        defer { target.close() }
        let settings = settings(target)
        func subscription(_ endpoint: String, _ filter: EventFilter?) throws -> Subscription {
            let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
            return Subscription(sink, endpoints: [Array(endpoint.utf8)], filter: filter)
        }
        let dispatcher = Dispatcher(
            store: store, subscriptions: [try subscription("/callbacks", nil)], cursorIntervalMicroseconds: 1000,
            log: notes.log)
        try dispatcher.start()
        store.append(["a", "b", "c"])
        try awaitBuried(3)
        status.withLock { $0 = 200 }
        var choice = EventChoice()
        choice.types = ["another"]
        let filter = isOtherFilter ? EventFilter(choice, renderer: PlainRenderer()) : nil
        let other = try subscription(isOtherFilter ? "/callbacks" : "/other", filter)
        try dispatcher.exchange([.begin(other)], patience: .seconds(30))
        let before = target.requests.count
        redeliver([1, 2, 3])
        try awaitRedelivered()
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.dropFirst(before).map(\.text).sorted() == ["a", "b", "c"])
    }

    @Test("a sink that is turned away pauses, says so once, and drops nothing", arguments: [301, 401, 403, 404, 410])
    func pauses(status: Int) throws {
        let target = try HTTPTarget(
            (0..<5).map { _ in .answer(status, headers: ["Location: http://169.254.169.254/"]) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        store.append(["a", "b"])
        for _ in 0..<7 { try target.arrived.await("an attempt") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == Array(repeating: "a", count: 6) + ["b"])
        #expect(dispatcher.status.first?.isPaused == false && dispatcher.status.first?.lastError == nil)
        #expect(buried.isEmpty)
        let said = notes.all.filter { $0.level == .error }
        #expect(said.count == 1 && said[0].message.contains("The sink is paused"))
        #expect(notes.messages(of: "crm").last == "works again after 5 failed attempts.")
    }

    @Test("an operator sees what the target said last, and when it took something")
    func status() throws {
        let target = try HTTPTarget([.answer(500, body: "stack\ntrace")])
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target))
        try dispatcher.start()
        #expect(dispatcher.status.first?.lastSuccess == nil)
        store.append(["a"])
        for _ in 0..<2 { try target.arrived.await("an attempt") }
        #expect(dispatcher.stop(deadline: farAway))
        let status = try #require(dispatcher.status.first)
        #expect(status.lastAnswer == "500 stack\\x0atrace")
        #expect(status.counts == SinkCounts(delivered: 1, filtered: 0, failures: 1, buried: 0))
        #expect(status.lastSuccess != nil)
    }
}
