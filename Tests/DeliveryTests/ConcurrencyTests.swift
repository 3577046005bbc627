// Many requests under way: order by conversation, through a real target that takes its time and fails at random.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Many requests at a time") struct ConcurrencyTests {
    private let store = InMemoryEventStore()
    private let notes = Notes()

    private func dispatcher(_ target: HTTPTarget, _ change: (inout ForwardSettings) -> Void) throws -> Dispatcher {
        var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        settings.timeoutMilliseconds = 600_000
        settings.retry = RetryPolicy(initialMicroseconds: 500, maximumMicroseconds: 3000)
        settings.concurrency = 8
        change(&settings)
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
        return Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])],
            cursorIntervalMicroseconds: 1000, log: notes.log)
    }

    /// What the target took, in the order in which it answered, by conversation.
    private final class Taken: Sendable {
        private let events = Mutex<[String: [Int]]>([:])

        func take(_ text: String) {
            for part in text.split(whereSeparator: { "[],".contains($0) }) {
                // `7 c3:12`: sequence, conversation, number within it.
                let words = part.split(whereSeparator: { " :".contains($0) }).map(String.init)
                guard words.count == 3, let number = Int(words[2]) else { continue }
                events.withLock { $0[words[1], default: []].append(number) }
            }
        }

        var all: [String: [Int]] { events.withLock { $0 } }
    }

    @Test("no conversation's events overtake each other", arguments: [false, true])
    func order(isBatched: Bool) throws {
        var seeds = SystemRandomNumberGenerator()
        let seed = seeds.next()
        let random = Mutex(SplitMix(state: seed))
        let taken = Taken()
        let target = try HTTPTarget { _, request in
            let (delay, fate) = random.withLock {
                (UInt64.random(in: 0...1500, using: &$0), Int.random(in: 0..<12, using: &$0))
            }
            // The target's own slowness, and not a wait of the test.
            pause(microseconds: delay)
            let status = [503, 429, 500].indices.contains(fate) ? [503, 429, 500][fate] : 200
            if fate == 3 { return .hangUp }
            if status == 200 { taken.take(request.text) }
            return .answer(status)
        }
        defer { target.close() }
        let dispatcher = try dispatcher(target) {
            if isBatched { $0.batch = ForwardSettings.Batch(events: 5) } else { $0.mode = .structured }
        }
        try dispatcher.start()
        var counts: [String: Int] = [:]
        let bodies = (0..<600).map { _ in
            let name = "c\(random.withLock { Int.random(in: 0..<25, using: &$0) })"
            counts[name, default: 0] += 1
            return "\(name):\(counts[name, default: 0])"
        }
        for start in stride(from: 0, to: 600, by: 20) { store.append(Array(bodies[start..<(start + 20)])) }
        while store.state.withLock({ $0.cursors["crm"] }) != 600 {
            try store.moved.await("the last cursor, seed \(seed)")
        }
        #expect(dispatcher.stop(deadline: farAway))
        for (name, count) in counts { #expect(taken.all[name] == Array(1...count), "seed \(seed), \(name)") }
    }

    @Test("a conversation that fails holds back itself only, and says so for as long as it lasts")
    func stuck() throws {
        let isMended = Flag()
        let target = try HTTPTarget(byText: { text in
            text.hasPrefix("stuck:") && !isMended.isRaised ? .answer(500) : .answer(200)
        })
        defer { target.close() }
        let dispatcher = try dispatcher(target) { _ in }
        try dispatcher.start()
        store.append(["stuck:1"] + (0..<100).map { "c\($0):1" } + ["stuck:2"])
        while dispatcher.status.first?.counts.delivered != 100 { try target.arrived.await("the others") }
        let status = try #require(dispatcher.status.first)
        #expect(status.cursor == 0 && status.lastError != nil && !status.isPaused)
        isMended.raise()
        while store.state.withLock({ $0.cursors["crm"] }) != 102 { try store.moved.await("the last cursor") }
        #expect(dispatcher.stop(deadline: farAway))
        let stuck = target.requests.map(\.text).filter { $0.hasPrefix("stuck") }
        #expect(stuck.last == "stuck:2" && stuck.dropLast().allSatisfy { $0 == "stuck:1" })
        #expect(notes.messages(of: "crm").count == 2, "the first failure and the end of all")
    }

    @Test("SIGTERM in the midst of things sends nothing twice", arguments: [1, 8])
    func orderlyStop(concurrency: Int) throws {
        let target = try HTTPTarget { _, _ in
            pause(microseconds: 300)
            return .answer(200)
        }
        defer { target.close() }
        store.state.withLock { $0.cursors["crm"] = 0 }
        store.append((0..<400).map { "c\($0 % 40):\($0)" })
        var runs = 0
        while store.state.withLock({ $0.cursors["crm"] }) != 400 {
            runs += 1
            let dispatcher = try dispatcher(target) { $0.concurrency = concurrency }
            try dispatcher.start()
            for _ in 0..<20 where target.arrived.wait(timeout: .now() + .milliseconds(200)) == .timedOut { break }
            _ = dispatcher.stop(deadline: farAway)
            try #require(runs < 50)
        }
        #expect(target.requests.count == 400)
        #expect(Set(target.requests.map(\.text)).count == 400)
    }

    @Test("keeps no order by conversation where none is asked for, and by contact where it is")
    func orders() throws {
        let batch = makeBatch(["a:1", "a:2", "b:1", "lonely", "lonely"])
        func keys(_ order: EventOrder, _ concurrency: Int = 2) throws -> [UInt64] {
            var settings = ForwardSettings(url: "http://x", userAgent: "x")
            settings.order = order
            settings.concurrency = concurrency
            let sink = try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
            return batch.bytes.withUnsafeBytes { bytes in batch.events.map { sink.key(of: $0, in: bytes) } }
        }
        let byConversation = try keys(.conversation)
        #expect(byConversation[0] == byConversation[1] && Set(byConversation).count == 4)
        #expect(Set(try keys(.none)).count == 5)
        #expect(Set(try keys(.conversation, 1)).count == 1, "one after the other keeps all in order")
    }
}
