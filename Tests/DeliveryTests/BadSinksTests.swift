// Nine ways of being a bad target, all at once, beside sinks that work: nobody else is held up, nothing is lost, and
// nothing goes where it must not.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Nine bad targets") struct BadSinksTests {
    private static let eventCount = 60
    private let directory: TemporaryDirectory
    private let store = InMemoryEventStore()
    private let notes = Notes()
    private let endpoints = [Array("/callbacks".utf8)]
    private let bodies = (0..<eventCount).map { "event \($0)" }

    init() throws { directory = try TemporaryDirectory() }

    private func subscription(_ name: String, _ url: String, timeoutMilliseconds: Int = 300) throws -> Subscription {
        var settings = ForwardSettings(url: url, userAgent: "hookd/test")
        settings.timeoutMilliseconds = timeoutMilliseconds
        settings.connectTimeoutMilliseconds = timeoutMilliseconds
        settings.retry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 10_000)
        settings.tls.authorityPath = directory.file("ca.pem")
        let sink = try ForwardSink(name: name, settings: settings, renderer: PlainRenderer())
        return Subscription(sink, endpoints: endpoints)
    }

    /// Each is bad for its first requests and works afterwards; but for the three that never do.
    private func badTargets(_ internalTarget: HTTPTarget) throws -> [(name: String, target: HTTPTarget)] {
        func bad(_ face: Face, for count: Int = 3, tls: TLSServer? = nil) throws -> HTTPTarget {
            try HTTPTarget(tls: tls) { index, _ in index < count ? face : .answer(200) }
        }
        let redirect = Face.answer(301, headers: ["Location: http://169.254.169.254/latest/meta-data"])
        let inside = Face.answer(302, headers: ["Location: \(internalTarget.url)"])
        return [
            ("hangs", try bad(.stall)), ("resets", try bad(.hangUp)), ("drips", try bad(.drip)),
            ("endless", try bad(.streamBody(status: 500))), ("redirects", try bad(redirect)),
            ("redirects-inside", try bad(inside)),
            ("busy", try bad(.answer(429, headers: ["Retry-After: 1"]), for: 1)), ("broken", try bad(.answer(500))),
            ("impostor", try HTTPTarget([], tls: TLSServer(TLSIdentity("DNS:crm.example.com")))),
        ]
    }

    @Test("hold up nobody, get everything at least once and in order, and lead nowhere")
    func all() throws {
        let internalTarget = try HTTPTarget([])
        let targets = try badTargets(internalTarget)
        let gone = try HTTPTarget([])
        gone.close()
        defer { for (_, target) in targets + [("", internalTarget)] { target.close() } }
        try write(try TLSIdentity("IP:127.0.0.1").authority.certificate, to: directory.file("ca.pem"))
        let file = FileSink(name: "archive", path: directory.file("events.jsonl"), renderer: PlainRenderer())
        let good = try HTTPTarget([])
        defer { good.close() }
        var subscriptions = [Subscription(file, endpoints: endpoints), try subscription("good", good.url)]
        subscriptions += try targets.map { try subscription($0.name, $0.target.url) }
        subscriptions += [
            try subscription("refuses", gone.url), try subscription("metadata", "http://169.254.169.254/latest"),
        ]
        let dispatcher = Dispatcher(
            store: store, subscriptions: subscriptions, cursorIntervalMicroseconds: 1000, log: notes.log)
        try dispatcher.start()
        store.append(bodies)
        try awaitCursors(["archive", "good"])
        #expect(good.requests.map(\.text) == bodies)
        try awaitCursors(targets.map(\.name).filter { $0 != "impostor" })
        _ = dispatcher.stop(deadline: .now() + .milliseconds(100))

        #expect(try contents(of: directory.file("events.jsonl")) == plainLines(bodies))
        for (name, target) in targets where name != "impostor" {
            let texts = target.requests.map(\.text)
            #expect(Set(texts) == Set(bodies), "\(name)")
            #expect(texts == texts.sorted(by: Self.byNumber), "\(name): in order, repeats beside each other")
            #expect(texts.count <= bodies.count + 3, "\(name)")
        }
        let cursors = store.state.withLock { $0.cursors }
        for name in ["impostor", "refuses", "metadata"] { #expect(cursors[name] == 0, "\(name) took nothing") }
        #expect(targets.last?.target.requests.isEmpty == true, "the impostor saw nothing")
        #expect(internalTarget.requests.isEmpty, "nobody was led inside")
    }

    private static func byNumber(_ a: String, _ b: String) -> Bool {
        (Int(a.dropFirst(6)) ?? 0) < (Int(b.dropFirst(6)) ?? 0)
    }

    private func awaitCursors(_ names: [String]) throws {
        while store.state.withLock({ state in names.contains { state.cursors[$0] != Int64(Self.eventCount) } }) {
            try store.moved.await("the cursors of \(names)")
        }
    }

    @Test("B14: the second of three sinks fails: the others get each event once")
    func second() throws {
        let target = try HTTPTarget { _, _ in .answer(500) }
        defer { target.close() }
        let sinks = ["first", "third"].map {
            FileSink(name: $0, path: directory.file($0), renderer: PlainRenderer())
        }
        let subscriptions = [
            Subscription(sinks[0], endpoints: endpoints), try subscription("second", target.url),
            Subscription(sinks[1], endpoints: endpoints),
        ]
        for _ in 0..<2 {
            let dispatcher = Dispatcher(
                store: store, subscriptions: subscriptions, cursorIntervalMicroseconds: 1000, log: notes.log)
            try dispatcher.start()
            store.append(["a", "b"])
            try target.arrived.await("an attempt")
            #expect(!dispatcher.stop(deadline: farAway))
        }
        for name in ["first", "third"] {
            #expect(try contents(of: directory.file(name)) == plainLines(["a", "b", "a", "b"]))
        }
        #expect(store.state.withLock { $0.cursors } == ["first": 4, "second": 0, "third": 4])
        #expect(target.requests.allSatisfy { $0.text == "a" })
    }
}
