// A server whose handler tells what it was given, answers at once or later, and never by itself.

import Dispatch
import Foundation
import HTTP
import Synchronization

@testable import Server

/// An answer that a test gives when it wants to.
final class Pending: Sendable {
    let target: String
    let body: String
    private let ticket: Ticket
    private let shard: Shard

    init(_ target: String, _ body: String, _ ticket: Ticket, _ shard: Shard) {
        self.target = target
        self.body = body
        self.ticket = ticket
        self.shard = shard
    }

    /// Answers from the outside, as a store does.
    func answer(_ text: String, status: Int = 200) {
        let response = Response(status: status, body: Array(text.utf8))
        shard.post { [ticket] in $0.answer(ticket, response) }
    }
}

/// What the handlers of all shards share with the test.
final class Echo: Sendable {
    private let pending = Mutex<[Pending]>([])
    private let arrived = DispatchSemaphore(value: 0)
    private let handled = Mutex<[String]>([])
    private let reported = Mutex<[ConnectionProblem]>([])
    private let unfinished = Atomic<Int>(0)
    private let sources = Mutex<[PieceSource]>([])
    private let begun = DispatchSemaphore(value: 0)

    fileprivate func take(_ source: PieceSource) {
        sources.withLock { $0.append(source) }
        begun.signal()
    }

    /// Waits for the next request under `/stream`.
    func nextSource() throws -> PieceSource {
        guard begun.wait(timeout: .now() + .seconds(Client.patienceSeconds)) == .success else {
            throw ClientError(timeout: "stream")
        }
        return sources.withLock { $0.removeFirst() }
    }

    fileprivate func take(_ request: Pending) {
        pending.withLock { $0.append(request) }
        arrived.signal()
    }

    /// What the server reported of clients that it did not serve.
    var problems: [ConnectionProblem] { reported.withLock { $0 } }

    fileprivate func note(_ problem: ConnectionProblem) { reported.withLock { $0.append(problem) } }

    /// The most connections that a shard had to go on with at the end of a turn.
    var mostUnfinished: Int { unfinished.load(ordering: .relaxed) }

    fileprivate func note(unfinished count: Int) { unfinished.max(count, ordering: .relaxed) }

    fileprivate func note(_ target: String) { handled.withLock { $0.append(target) } }

    /// The targets of all requests that were handled, in order.
    var targets: [String] { handled.withLock { $0 } }

    /// Waits for the next request under `/later`.
    func next() throws -> Pending {
        guard arrived.wait(timeout: .now() + .seconds(Client.patienceSeconds)) == .success else {
            throw ClientError(timeout: "request")
        }
        return pending.withLock { $0.removeFirst() }
    }
}

/// `/later…`: answered by the test. `/stream…`: by the test, too, piece by piece. `/large`: answered with 8 MiB.
/// `/refuse`: refused after its head. `/close`: the last answer. All else: answered at once with method, target and body.
final class EchoHandler: RequestHandler {
    /// 8 MiB in which no byte can be missing unnoticed.
    static let large = [UInt8]((0..<8 << 20).map { 0x21 + UInt8($0 % 89) })

    private let echo: Echo
    private let shard: Shard

    init(_ echo: Echo, _ shard: Shard) {
        self.echo = echo
        self.shard = shard
    }

    func refuse(_ request: Request) -> Response? {
        target(of: request).hasPrefix("/refuse") ? Response(status: 404, body: Array("refused".utf8)) : nil
    }

    func handle(_ request: Request, ticket: Ticket) -> Response? {
        let target = target(of: request)
        let body = String(decoding: request.bytes[request.body], as: UTF8.self)
        echo.note(target)
        if target.hasPrefix("/later") {
            echo.take(Pending(target, body, ticket, shard))
            return nil
        }
        if target.hasPrefix("/stream") {
            let source = PieceSource()
            echo.take(source)
            shard.post { $0.stream(ticket, Response(status: 200, contentType: "text/plain"), from: source) }
            return nil
        }
        if target == "/large" { return Response(status: 200, body: Self.large) }
        if target == "/peer" { return Response(status: 200, body: Array(request.client.description.utf8)) }
        let fields = request.fields.map { "\(text($0.name, request))=\(text($0.value, request))" }
        let echoed = target == "/fields" ? fields.joined(separator: ",") : "\(request.head.method) \(target) \(body)"
        return Response(status: 200, body: Array(echoed.utf8), closes: target == "/close")
    }

    func answer(status: Int, message: String) -> Response { Response(status: status, body: Array(message.utf8)) }

    func report(_ problem: ConnectionProblem, client: ClientAddress) { echo.note(problem) }

    func turnEnded() { echo.note(unfinished: shard.unfinished.count) }

    private func target(of request: Request) -> String { text(request.head.target, request) }

    private func text(_ range: Range<Int>, _ request: Request) -> String {
        String(decoding: request.bytes[range], as: UTF8.self)
    }
}

/// A running server on a port of the kernel's choice, stopped with the object.
final class EchoServer {
    let server: Server
    let echo = Echo()
    var address: ListenAddress { server.addresses[0] }

    convenience init(
        _ addresses: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 0)], shards: Int = 1,
        _ change: (inout ServerLimits) -> Void = { _ in }
    ) throws {
        try self.init(listeners: addresses.map { ListenerSettings($0) }, shards: shards, change)
    }

    init(
        listeners: [ListenerSettings], shards: Int = 1, _ change: (inout ServerLimits) -> Void = { _ in }
    ) throws {
        var limits = ServerLimits()
        limits.request = RequestLimits(bodyBytes: 1 << 20, headBytes: 4096, fieldCount: 20)
        change(&limits)
        server = try Server(listeners: listeners, limits: limits, shardCount: shards)
        server.start { [echo] shard in EchoHandler(echo, shard) }
    }

    deinit { server.drain(deadline: .now()) }

    func client() throws -> Client { try Client(address) }
}

/// A POST with a body.
func post(_ target: String, _ body: String = "", _ fields: String = "") -> String {
    "POST \(target) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
