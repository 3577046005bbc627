// The admin listener's side of HTTP: who is let in, and how a question goes from the shard to a queue that may block
// and its answer back.

import Dispatch
import HTTP
import Server

/// Answers the requests of the admin listener. Nothing that asks the store happens on the shard's queue.
final class AdminHandler: RequestHandler, @unchecked Sendable {  // every call comes on the shard's queue
    private let gate: @Sendable () -> AdminGate
    private let log: RateLimitedLog
    private let shard: Shard
    private let answer: @Sendable (AdminRequest) -> AdminAnswer
    /// As many threads as there are connections may block here; `AdminListener.limits` says how many those are.
    private let queue = DispatchQueue(label: "hookd.admin", qos: .userInitiated, attributes: .concurrent)

    /// - Parameters:
    ///   - log: is told of whoever is not let in.
    ///   - answer: called on a queue of its own, and may block.
    init(
        gate: @escaping @Sendable () -> AdminGate, shard: Shard, log: RateLimitedLog,
        answer: @escaping @Sendable (AdminRequest) -> AdminAnswer
    ) {
        (self.gate, self.shard, self.log, self.answer) = (gate, shard, log, answer)
    }

    func refuse(_ request: Request) -> Response? {
        if let refusal = gate().refuse(request) {
            log.log(
                "admin \(refusal.status)", level: .warning, kind: .adminRefused,
                "a request to the admin listener was refused",
                metadata: ["peer": .string(request.client.description), "status": .stringConvertible(refusal.status)])
            return Response(refusal)
        }
        return Self.method(of: request) == nil ? Response(.error(405, "questions come by GET or POST")) : nil
    }

    func handle(_ request: Request, ticket: Ticket) -> Response? {
        guard let method = Self.method(of: request) else { return Response(.error(405, "GET or POST")) }
        let target = String(decoding: request.bytes[request.head.target], as: UTF8.self)
        var question = AdminRequest(method, target: target, body: Array(request.bytes[request.body]))
        question.lastEventID = request.value(of: "last-event-id")
        if question.path == "/healthz" { return Response(.healthy) }
        queue.async { [shard, answer, question] in
            let answer = answer(question)
            let response = Response(answer)
            shard.post { shard in
                guard let feed = answer.feed else { return shard.answer(ticket, response) }
                shard.stream(ticket, response, from: feed)
            }
        }
        return nil
    }

    func answer(status: Int, message: String) -> Response { Response(.error(status, message)) }

    func report(_ problem: ConnectionProblem, client: ClientAddress) { log.log(problem, client) }

    func turnEnded() {}

    private static func method(of request: Request) -> AdminRequest.Method? {
        switch request.head.method {
        case .get, .head: .get
        case .post: .post
        case .options, .trace, .connect, .other: nil
        }
    }
}

extension Request {
    /// The value of the first field with this name, which is written in lower case; nil where there is none.
    func value(of name: StaticString) -> String? {
        let span = Span(_unsafeElements: bytes)
        let field = fields.first { isEqual($0.name, name, in: span) }
        return field.map { String(decoding: bytes[$0.value], as: UTF8.self) }
    }
}

extension AdminAnswer {
    /// The process answers.
    fileprivate static let healthy = AdminAnswer(200, .object([("status", .string("ok"))]))
}

extension Response {
    fileprivate init(_ answer: AdminAnswer) {
        self.init(
            status: answer.status, body: Array(answer.body.utf8), contentType: answer.contentType,
            retryAfterSeconds: answer.status == 503 ? Answers.retryAfterSeconds : nil,
            allow: answer.status == 405 ? "GET, HEAD, POST" : nil, challenge: answer.status == 401 ? "Bearer" : nil)
    }
}
