// What one shard does with a request: find its endpoint, verify it, gather what is genuine, hand that to the store in
// one batch a turn, and answer when the store says how each callback ended.

import CLinux
import Callbacks
import HTTP
import Metrics
import Server
import Store

/// An endpoint, ready to verify. A class, for a request looks at it three times, and each copy of so many references
/// would cost their counting.
final class Endpoint: Sendable {
    /// The path, as bytes.
    let path: [UInt8]
    let verifier: Verifier
    /// Whether a repeat of a stored callback is answered 409 and not 200.
    let refusesRepeats: Bool
    /// What becomes of a callback outside the time window.
    let late: Late
    /// How old a late callback may be to be accepted, in seconds.
    let lateWindowSeconds: Int64
    /// The clients whose callbacks are taken; nil for all.
    let allow: AddressList?
    /// How many requests each client may make; nil for any number.
    let rateLimiter: RateLimiter?
    let counts: EndpointCounts
    /// When each of the verifier's secrets was last used, in their order.
    let secretUses: [Gauge]

    init(
        path: [UInt8], verifier: Verifier, refusesRepeats: Bool, late: Late, lateWindowSeconds: Int64,
        allow: AddressList?, rateLimiter: RateLimiter?, counts: EndpointCounts, secretUses: [Gauge]
    ) {
        self.path = path
        self.verifier = verifier
        self.refusesRepeats = refusesRepeats
        self.late = late
        self.lateWindowSeconds = lateWindowSeconds
        self.allow = allow
        self.rateLimiter = rateLimiter
        self.counts = counts
        self.secretUses = secretUses
    }

    var name: String { String(decoding: path, as: UTF8.self) }

    /// What becomes of a callback if it is late.
    ///
    /// - Parameter age: the time since it was signed, in seconds. What is signed ahead of the clock is never accepted:
    ///   it is the clock that is wrong.
    func lateTreatment(age: Int64) -> LateTreatment {
        switch late {
        case .refuse: .refuse
        case .quarantine: .quarantine
        case .accept: (0...lateWindowSeconds).contains(age) ? .accept : .quarantine
        }
    }
}

/// How a callback ended that was not stored.
enum Refusal: Sendable {
    /// Not taken as genuine.
    case unverified(VerificationError)
    /// Genuine, but its nonce belongs to another callback.
    case reusedNonce
    /// Genuine, but outside the time window and never stored.
    case late
    /// The same, and kept in quarantine.
    case quarantined
    /// Genuine, and could not be stored.
    case unavailable
    /// From a client that is not on the endpoint's list. It was not looked at.
    case address
    /// From a client that makes more requests than it may. It was not looked at.
    case rate
}

/// Handles the requests of one shard.
final class CallbackHandler: RequestHandler, @unchecked Sendable {  // every call comes on the shard's queue
    /// A batch larger than this is handed over before the turn ends: large bodies do not wait for one another.
    private static let batchBytes = 4 << 20

    private var endpoints: [Endpoint]
    private let store: any EventStore
    private let shard: Shard
    private let log: RateLimitedLog

    private var batch = CandidateBatch()
    private var tickets: [PendingAnswer] = []

    private struct PendingAnswer: Sendable {
        let ticket: Ticket
        let endpoint: Int
        let client: ClientAddress
    }

    /// - Parameter log: is told of whoever is refused.
    init(endpoints: [Endpoint], store: any EventStore, shard: Shard, log: RateLimitedLog) {
        self.endpoints = endpoints
        self.store = store
        self.shard = shard
        self.log = log
    }

    /// Has requests from now on meet other endpoints. What is under way ends with those it began with.
    func replace(endpoints new: [Endpoint]) {
        turnEnded()
        endpoints = new
    }

    func refuse(_ request: Request) -> Response? {
        let isPost = request.head.method == .post
        guard let index = endpoint(of: request) else {
            // `*` and CONNECT's `host:port` name no path: what is wrong with them is the method.
            if !isPost, namesNoPath(request) { return Answers.error(405, "callbacks come by POST") }
            return Answers.error(404, "there is no such endpoint")
        }
        if let refusal = refuseClient(of: request, endpoints[index]) { return refusal }
        guard isPost else { return Answers.error(405, "callbacks come by POST") }
        // The signature is over the body as sent; decoded it would be other bytes (RFC 9110 §8.4).
        let bytes = Span(_unsafeElements: request.bytes)
        for field in request.fields
        where field.name.count == 16 && isEqual(field.name, "content-encoding", in: bytes)
            && !isEqual(field.value, "identity", in: bytes)
        {
            return Answers.error(415, "the content coding is not accepted")
        }
        return nil
    }

    /// Looks at who the request comes from, where the endpoint does not take everybody's. The address is no proof of
    /// anything: who is not refused here is verified like everybody else.
    private func refuseClient(of request: Request, _ endpoint: Endpoint) -> Response? {
        guard endpoint.allow != nil || endpoint.rateLimiter != nil else { return nil }
        let client = request.client
        if let allow = endpoint.allow, !allow.contains(client) {
            told(.address, endpoint, client)
            return Answers.error(403, "callbacks from this address are not accepted")
        }
        // Who comes by a Unix socket and has no address cannot be told from others who do.
        guard let limiter = endpoint.rateLimiter, let address = client.ip,
            let seconds = limiter.take(address, now: clinux_monotonic_nanoseconds())
        else { return nil }
        told(.rate, endpoint, client)
        return Answers.error(429, "too many requests from this address", retryAfterSeconds: seconds)
    }

    func handle(_ request: Request, ticket: Ticket) -> Response? {
        guard let index = endpoint(of: request) else { return Answers.error(404, "there is no such endpoint") }
        let endpoint = endpoints[index]
        let bytes = Span(_unsafeElements: request.bytes)
        var headers = SignatureHeaders()
        for field in request.fields { headers.take(name: field.name, value: field.value, in: bytes) }
        do throws(VerificationError) {
            let verified = try endpoint.verifier.verify(
                headers, body: request.body, in: bytes, now: request.receivedAt / 1_000_000)
            let client = request.client
            note(verified, request, endpoint)
            try gather(request, headers, verified, endpoint, client)
            tickets.append(PendingAnswer(ticket: ticket, endpoint: index, client: client))
            if batch.bytes.count > Self.batchBytes { turnEnded() }
            return nil
        } catch {
            told(.unverified(error), endpoint, request.client)
            if case .undecided = error { return Answers.error(503, error.description) }
            return Answers.error(401, error.description)
        }
    }

    func answer(status: Int, message: String) -> Response { Answers.error(status, message) }

    func report(_ problem: ConnectionProblem, client: ClientAddress) { log.log(problem, client) }

    func turnEnded() {
        guard !batch.isEmpty else { return }
        var next = CandidateBatch()
        next.reserve(like: batch)
        var answers: [PendingAnswer] = []
        answers.reserveCapacity(tickets.count)
        swap(&answers, &tickets)
        swap(&next, &batch)
        store.submit(next) { [shard, endpoints, answers] batch, outcomes in
            shard.post { _ in self.answerAll(answers, of: endpoints, batch, outcomes) }
        }
    }

    /// Counts a callback that was refused, and logs it.
    private func told(_ refusal: Refusal, _ endpoint: Endpoint, _ client: ClientAddress) {
        endpoint.counts.count(refusal.outcome)
        log.log(refusal, endpoint, client)
    }

    /// Notes what a genuine callback says of its sender's clock and secret.
    private func note(_ verified: VerifiedCallback, _ request: Request, _ endpoint: Endpoint) {
        // Nobody's clock is off by 2^40 seconds, and a signed timestamp may be any number.
        let skew = request.receivedAt - max(-1 << 40, min(verified.signedAt, 1 << 40)) * 1_000_000
        endpoint.counts.clockSkew.value = Int(skew)
        endpoint.secretUses[verified.secretIndex].value = Int(request.receivedAt / 1_000_000)
    }

    private func endpoint(of request: Request) -> Int? {
        let bytes = Span(_unsafeElements: request.bytes)
        let path = path(ofTarget: request.head.target, in: bytes)
        for index in endpoints.indices where isPath(path, endpoints[index].path, in: bytes) { return index }
        return nil
    }

    private func namesNoPath(_ request: Request) -> Bool {
        path(ofTarget: request.head.target, in: Span(_unsafeElements: request.bytes)).isEmpty
    }

    private func gather(
        _ request: Request, _ headers: SignatureHeaders, _ verified: VerifiedCallback, _ endpoint: Endpoint,
        _ client: ClientAddress
    ) throws(VerificationError) {
        let id: Digest
        do {
            id = try Digest(of: Span(_unsafeElements: request.bytes).extracting(request.body))
        } catch {
            throw .undecided(error)
        }
        let bytes = UnsafeRawBufferPointer(request.bytes)
        func copy(_ range: Range<Int>?) -> ByteRange {
            batch.append(UnsafeRawBufferPointer(rebasing: bytes[range ?? 0..<0]))
        }
        batch.append(
            Candidate(
                receivedAt: request.receivedAt, signedAt: verified.signedAt, isLate: verified.isLate,
                endpoint: endpoint.path.withUnsafeBytes { batch.append($0) },
                client: client.ip.map { $0.withBytes { batch.append($0) } } ?? copy(nil),
                nonce: copy(headers[.nonce]),
                signature: withUnsafeBytes(of: verified.signature.bytes) { batch.append($0) },
                algorithm: copy(headers[.algorithm]),
                id: withUnsafeBytes(of: id.bytes) { batch.append(UnsafeRawBufferPointer(rebasing: $0.prefix(16))) },
                body: copy(request.body),
                lateTreatment: endpoint.lateTreatment(age: request.receivedAt / 1_000_000 - verified.signedAt)))
    }

    private func answerAll(
        _ answers: [PendingAnswer], of endpoints: [Endpoint], _ batch: CandidateBatch, _ outcomes: [Outcome]
    ) {
        for (index, pending) in answers.enumerated() {
            let candidate = batch.candidates[index]
            let response = batch.bytes.withUnsafeBytes { bytes in
                self.response(
                    to: outcomes[index], id: UnsafeRawBufferPointer(rebasing: bytes[candidate.id.range]),
                    endpoints[pending.endpoint], pending.client)
            }
            shard.answer(pending.ticket, response)
        }
    }

    private func response(
        to outcome: Outcome, id: UnsafeRawBufferPointer, _ endpoint: Endpoint, _ client: ClientAddress
    ) -> Response {
        switch outcome {
        case .stored(let sequence):
            endpoint.counts.count(.stored)
            endpoint.counts.lastEvent.value = Int(shard.wallClock)
            return Answers.stored(id: id, sequence: sequence)
        case .duplicate:
            endpoint.counts.count(.duplicate)
            return endpoint.refusesRepeats
                ? Answers.error(409, "this callback is stored already") : Answers.duplicate(id: id)
        case .reusedNonce:
            told(.reusedNonce, endpoint, client)
            return Answers.error(409, "the nonce was used by another callback")
        case .late:
            told(.late, endpoint, client)
            return Answers.error(401, "the timestamp is outside the time window")
        case .quarantined:
            told(.quarantined, endpoint, client)
            return Answers.error(401, "the timestamp is outside the time window")
        case .unavailable:
            told(.unavailable, endpoint, client)
            return Answers.error(503, "the callback cannot be stored now")
        }
    }
}
