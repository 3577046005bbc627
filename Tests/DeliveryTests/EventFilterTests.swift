// Which events a sink gets, and that what it does not get moves its cursor and is counted.

import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Filters") struct EventFilterTests {
    private static let message = EventTraits(type: "t.message", channel: "SMS", app: "a1")

    @Test(
        "choose by type, channel and app",
        arguments: [
            ([], [], [], true, "nothing asked for"), (["t.message"], [], [], true, "the type"),
            (["t.other", "t.message"], [], [], true, "one of the types"), (["t.other"], [], [], false, "another type"),
            ([], ["SMS"], [], true, "the channel"), ([], ["RCS"], [], false, "another channel"),
            ([], [], ["a1"], true, "the app"), ([], [], ["a2"], false, "another app"),
            (["t.message"], ["SMS"], ["a2"], false, "all but the app"),
            (["t.message"], ["SMS"], ["a1"], true, "all of them"),
        ] as [([String], [String], [String], Bool, String)])
    func chooses(types: [String], channels: [String], apps: [String], isChosen: Bool, why: String) {
        var choice = EventChoice()
        (choice.types, choice.channels, choice.apps) = (Set(types), Set(channels), Set(apps))
        #expect(choice.includes(Self.message) == isChosen, "\(why)")
        let isEverything = types.isEmpty && channels.isEmpty && apps.isEmpty
        #expect(choice.isEverything == isEverything)
        if !channels.isEmpty || !apps.isEmpty {
            #expect(!choice.includes(EventTraits(type: "t.message")), "one without channel and app")
        }
    }

    @Test("pass over what is left out: the cursor moves, and it is counted once", arguments: [false, true])
    func counted(isForward: Bool) throws {
        let directory = try TemporaryDirectory()
        let target = try HTTPTarget([.answer(500), .answer(503)])
        defer { target.close() }
        let store = InMemoryEventStore()
        let path = directory.file("events.jsonl")
        var choice = EventChoice()
        choice.apps = ["a1"]
        let filter = EventFilter(choice, renderer: try CloudEventRenderer())
        let endpoints = [Array("/callbacks".utf8)]
        let subscription: Subscription
        if isForward {
            var settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
            settings.retry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 1000)
            let sink = try ForwardSink(name: "s", settings: settings, renderer: PlainRenderer())
            subscription = Subscription(sink, endpoints: endpoints, filter: filter)
        } else {
            let sink = FileSink(name: "s", path: path, renderer: PlainRenderer())
            subscription = Subscription(sink, endpoints: endpoints, filter: filter)
        }
        let dispatcher = Dispatcher(
            store: store, subscriptions: [subscription], cursorIntervalMicroseconds: 1000, log: { _ in })
        try dispatcher.start()
        let body = { (app: Int) in #"{"app_id":"a\#(app)","message":{"id":"m"}}"# }
        store.append([body(2), body(1), body(2), body(1), body(3)])
        while store.state.withLock({ $0.cursors["s"] }) != 5 { try store.moved.await("the last cursor") }
        #expect(dispatcher.stop(deadline: farAway))
        let counts = try #require(dispatcher.status.first).counts
        #expect(counts.delivered == 2 && counts.filtered == 3)
        if isForward {
            #expect(target.requests.suffix(2).map(\.text) == [body(1), body(1)])
        } else {
            #expect(try contents(of: path) == "2 \(body(1))\n4 \(body(1))\n")
        }
    }
}
