// What a target refuses for good, and what it turns away: dead letters, pauses, and what an operator is told.

import Dispatch
import Store
import Synchronization
import Testing

@testable import Delivery

/// Keeps dead letters in memory, with the cursors of the store beside it.
final class InMemoryDeadLetters: DeadLetterBox {
    struct State {
        var letters: [DeadLetter] = []
        var failing = 0
        /// The cursors as they were when something was buried.
        var cursors: [[String: Int64]] = []
    }

    let store: InMemoryEventStore
    let state = Mutex(State())
    /// Signalled when something was buried.
    let buried = DispatchSemaphore(value: 0)

    init(_ store: InMemoryEventStore) { self.store = store }

    func moveCursors(_ cursors: [String: Int64], burying letters: [DeadLetter]) throws(StoreError) {
        let isFailing = state.withLock { state in
            state.failing -= 1
            return state.failing >= 0
        }
        if isFailing { throw .unavailable }
        try store.moveCursors(cursors)
        state.withLock { state in
            for letter in letters where !state.letters.contains(where: { $0.sequence == letter.sequence }) {
                state.letters.append(letter)
            }
            state.cursors.append(cursors)
        }
        for _ in letters { buried.signal() }
    }
}

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

    private func dispatcher(
        _ settings: ForwardSettings, _ letters: InMemoryDeadLetters?, _ sinks: [any Sink] = []
    ) throws -> Dispatcher {
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
        let endpoints = [Array("/callbacks".utf8)]
        return Dispatcher(
            store: store, deadLetters: letters,
            subscriptions: [Subscription(sink, endpoints: endpoints)]
                + sinks.map { Subscription($0, endpoints: endpoints) },
            cursorIntervalMicroseconds: 1000, log: notes.log)
    }

    @Test("an event that is refused too often goes to the dead letters, and the line moves on", arguments: [400, 422])
    func poison(status: Int) throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(status, body: "no \u{7}") })
        defer { target.close() }
        let letters = InMemoryDeadLetters(store)
        let dispatcher = try dispatcher(settings(target), letters)
        try dispatcher.start()
        store.append(["a", "b"])
        try letters.buried.await("the burial")
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == ["a", "a", "a", "b"])
        let letter = try #require(letters.state.withLock { $0.letters.first })
        #expect(letter.sink == "crm" && letter.sequence == 1 && letter.attempts == 3)
        #expect(letter.reason.contains("answered \(status): \"no \\x07\""))
        #expect(store.state.withLock { $0.cursors["crm"] } == 2)
        let status = try #require(dispatcher.status.first)
        #expect(status.counts.buried == 1 && status.counts.delivered == 1)
        let said = notes.all.filter { $0.level == .error }
        #expect(said.count == 1 && said[0].message.contains("goes to the dead letters"))
    }

    @Test("the cursor does not pass an event that could not be buried")
    func burialFails() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) })
        defer { target.close() }
        let letters = InMemoryDeadLetters(store)
        letters.state.withLock { $0.failing = 3 }
        let dispatcher = try dispatcher(settings(target), letters)
        try dispatcher.start()
        store.append(["a"])
        try letters.buried.await("the burial, after three failures")
        #expect(letters.state.withLock { $0.cursors.first } == ["crm": 1])
        #expect(dispatcher.stop(deadline: farAway))
        #expect(
            store.state.withLock { $0.moves.filter { $0["crm"] == 1 }.count } == 1, "with its burial, and not before")
    }

    @Test("the last burial is durable at the stop")
    func burialAtStop() throws {
        let target = try HTTPTarget((0..<3).map { _ in .answer(400) })
        defer { target.close() }
        let letters = InMemoryDeadLetters(store)
        let sink = try ForwardSink(name: "crm", settings: settings(target), renderer: PlainRenderer())
        let dispatcher = Dispatcher(
            store: store, deadLetters: letters,
            subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])],
            cursorIntervalMicroseconds: 3_600_000_000, log: notes.log)
        try dispatcher.start()
        store.append(["a"])
        while !notes.all.contains(where: { $0.message.contains("dead letters") }) {
            try notes.noted.await("the burial is said")
        }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(letters.state.withLock { $0.letters.map(\.sequence) } == [1])
    }

    @Test("a refused batch is sent one by one, and only the poison is buried")
    func batch() throws {
        let fussy = try HTTPTarget(byText: { $0.contains("bad") ? .answer(422) : .answer(200) })
        defer { fussy.close() }
        let letters = InMemoryDeadLetters(store)
        var settings = settings(fussy)
        settings.batch = ForwardSettings.Batch(events: 10)
        store.state.withLock { $0.cursors["crm"] = 0 }
        store.append(["a", "b", "bad", "c", "d"])
        let dispatcher = try dispatcher(settings, letters)
        try dispatcher.start()
        try letters.buried.await("the burial")
        #expect(dispatcher.stop(deadline: farAway))
        #expect(letters.state.withLock { $0.letters.map(\.sequence) } == [3])
        let texts = fussy.requests.map(\.text)
        #expect(texts.first == "[1 a,2 b,3 bad,4 c,5 d]")
        #expect(Array(texts.dropFirst()) == ["[1 a]", "[2 b]", "[3 bad]", "[3 bad]", "[3 bad]", "[4 c]", "[5 d]"])
        #expect(store.state.withLock { $0.cursors["crm"] } == 5)
    }

    @Test("nothing is given up where there is no place for it")
    func noBox() throws {
        let target = try HTTPTarget((0..<20).map { _ in .answer(400) })
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target), nil)
        try dispatcher.start()
        store.append(["a", "b"])
        for _ in 0..<22 { try target.arrived.await("an attempt") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == Array(repeating: "a", count: 21) + ["b"])
    }

    @Test("an event that comes back is given all its attempts again")
    func attemptsBeginAnew() throws {
        let target = try HTTPTarget((0..<6).map { _ in .answer(400) })
        defer { target.close() }
        let letters = InMemoryDeadLetters(store)
        let first = try dispatcher(settings(target), letters)
        try first.start()
        store.append(["a"])
        try letters.buried.await("the burial")
        #expect(first.stop(deadline: farAway))
        // Handed over again.
        store.state.withLock { $0.cursors["crm"] = 0 }
        let second = try dispatcher(settings(target), letters)
        try second.start()
        for _ in 0..<6 { try target.arrived.await("an attempt") }
        try letters.buried.await("the second burial")
        #expect(second.stop(deadline: farAway))
        #expect(target.requests.count == 6)
    }

    @Test("a sink that is turned away pauses, says so once, and drops nothing", arguments: [301, 401, 403, 404, 410])
    func pauses(status: Int) throws {
        let target = try HTTPTarget(
            (0..<5).map { _ in .answer(status, headers: ["Location: http://169.254.169.254/"]) })
        defer { target.close() }
        let letters = InMemoryDeadLetters(store)
        let dispatcher = try dispatcher(settings(target), letters)
        try dispatcher.start()
        store.append(["a", "b"])
        for _ in 0..<3 { try target.arrived.await("an attempt") }
        #expect(dispatcher.status.first?.isPaused == true)
        for _ in 0..<4 { try target.arrived.await("an attempt") }
        #expect(dispatcher.stop(deadline: farAway))
        #expect(target.requests.map(\.text) == Array(repeating: "a", count: 6) + ["b"])
        #expect(dispatcher.status.first?.isPaused == false && dispatcher.status.first?.lastError == nil)
        #expect(letters.state.withLock { $0.letters.isEmpty })
        let said = notes.all.filter { $0.level == .error }
        #expect(said.count == 1 && said[0].message.contains("The sink is paused"))
        #expect(notes.messages(of: "crm").last == "works again after 5 failed attempts.")
    }

    @Test("an operator sees what the target said last, and when it took something")
    func status() throws {
        let target = try HTTPTarget([.answer(500, body: "stack\ntrace")])
        defer { target.close() }
        let dispatcher = try dispatcher(settings(target), nil)
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
