// How fast the forward sink is, against a target that answers at once: hookd's own server, in the same process and on
// the same cores. The store, lane, window, rendering and HTTP are all in it.

import Callbacks
import Delivery
import Dispatch
import Glibc
import HTTP
import Samples
import Server
import Store

/// How the sink is configured.
enum ForwardShape: String, CaseIterable {
    case single, concurrent, batched

    func apply(to settings: inout ForwardSettings) {
        switch self {
        case .single: break
        case .concurrent: settings.concurrency = 64
        case .batched:
            settings.concurrency = 4
            settings.batch = ForwardSettings.Batch()
        }
    }
}

/// Answers every request 200 as soon as it is there.
private final class AtOnce: RequestHandler {
    func refuse(_ request: Request) -> Response? { nil }
    func handle(_ request: Request, ticket: Ticket) -> Response? { Response(status: 200) }
    func answer(status: Int, message: String) -> Response { Response(status: status) }
    func report(_ problem: ConnectionProblem, client: ClientAddress) {}
    func turnEnded() {}
}

extension Benchmarks {
    /// Sends `count` events and prints how many that are in a second.
    static func forward(_ shape: ForwardShape, count: Int) throws {
        signal(SIGPIPE, SIG_IGN)
        let server = try Server(
            listeners: [ListenerSettings(.tcp(host: "127.0.0.1", port: 0))], limits: ServerLimits(), shardCount: 1)
        server.start { _ in AtOnce() }
        var settings = ForwardSettings(url: "http://\(server.addresses[0])/events", userAgent: "hookd/benchmark")
        shape.apply(to: &settings)
        let sink = try ForwardSink(name: "target", settings: settings, renderer: try CloudEventRenderer())
        let (store, directory) = try filledStore(count, sink: sink.name)
        defer { removeStore(store, directory) }
        let dispatcher = Dispatcher(
            store: store, subscriptions: [Subscription(sink, endpoints: [Array("/callbacks".utf8)])]
        ) { print($0.message) }
        let began = DispatchTime.now().uptimeNanoseconds
        try dispatcher.start()
        guard dispatcher.stop(deadline: .now() + .seconds(300)) else { exit(EX_SOFTWARE) }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
        server.drain(deadline: .now())
        print("forward, \(shape.rawValue): \(Int(Double(count) / seconds)) events/s")
    }

    /// A store with `count` events of 500 conversations that a sink is to get.
    private static func filledStore(_ count: Int, sink: String) throws -> (SQLiteEventStore, path: String) {
        let path = temporaryDirectory()
        let store = try SQLiteEventStore(directory: StateDirectory(path: path)) { print($0) }
        try store.moveCursors([sink: 0])
        let sample = String(decoding: Sample.named("message_inbound.rcs_2024")?.body ?? [], as: UTF8.self)
        let bodies = (0..<500).map { number in
            Array(sample.replacing("01W4FFL35P4NC4K35CONVERS01", with: "01W4FFL35P4NC4K35CONV\(10_000 + number)").utf8)
        }
        let ids = try bodies.map { body in
            let digest = try Digest(of: body.span)
            return (0..<16).map { digest.bytes[$0] }
        }
        let done = DispatchSemaphore(value: 0)
        for start in stride(from: 0, to: count, by: 1000) {
            var batch = CandidateBatch()
            for index in start..<min(start + 1000, count) {
                batch.append(
                    candidate(
                        nonce: Array(nonce(index).utf8), body: bodies[index % 500], id: ids[index % 500], in: &batch))
            }
            store.submit(batch) { _, _ in done.signal() }
            done.wait()
        }
        return (store, path)
    }
}
