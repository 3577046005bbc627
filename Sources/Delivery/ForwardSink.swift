// The forward sink: events as HTTP POSTs, in CloudEvents binary mode by default, so that the body is the callback byte
// for byte and the target can verify Sinch's signature again.

import CCurl
import Store

/// Sends events to a URL. What is not answered 2xx is sent again, or is refused for good, as `verdict` has it.
///
/// Where the target has closed the connection that was kept alive, libcurl itself sends the request again at once on a
/// new one. SIGPIPE has to be ignored in the whole process.
public final class ForwardSink: Courier, @unchecked Sendable {  // all but the engine's wake: only on the lane's queue
    /// The name in the configuration.
    public let name: String
    /// How it wants its letters.
    public let terms: CourierTerms

    private let settings: ForwardSettings
    private let origin: String
    private let renderer: any EventRenderer
    private let writer: LetterWriter
    private let engine: HTTPEngine
    private var idle: [HTTPTransfer] = []
    private var active: [Int: HTTPTransfer] = [:]
    /// Letters that came to nothing before they were sent.
    private var stillborn: [Reply] = []

    /// A sink for the settings' URL, which has to be http or https. Nothing is connected to before the first event.
    public init(name: String, settings: ForwardSettings, renderer: sending any EventRenderer) throws(SinkError) {
        self.name = name
        self.settings = settings
        self.renderer = renderer
        terms = CourierTerms(settings)
        origin = try Self.origin(of: settings.url)
        writer = try LetterWriter(settings, renderer: renderer)
        engine = try HTTPEngine(connections: settings.concurrency)
        // One at once, so that what libcurl does not take is known before the first event.
        idle.append(try HTTPTransfer(settings))
    }

    deinit { abandon() }

    /// What events are ordered by. With one at a time it is the same for all, so that all keep their order.
    public func key(of event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard settings.concurrency > 1 else { return 0 }
        let number = settings.order == .none ? nil : renderer.orderNumber(event, in: bytes, by: settings.order)
        // What belongs to nothing has an order of its own. Where two share a number, one waits for the other.
        return number ?? SplitMix.mixed(UInt64(bitPattern: event.sequence))
    }

    /// Sends a letter.
    public func send(_ letter: Letter) {
        do throws(SinkError) {
            let transfer = try freeTransfer()
            guard let request = writer.write(letter), transfer.prepare(request, letter: letter.number),
                engine.start(transfer)
            else { throw .exhausted(what: "memory") }
            active[letter.number] = transfer
        } catch {
            stillborn.append(Reply(letter: letter.number, verdict: .retry(error)))
        }
    }

    private func freeTransfer() throws(SinkError) -> HTTPTransfer {
        if let transfer = idle.popLast() { return transfer }
        return try HTTPTransfer(settings)
    }

    /// Waits for answers.
    public func wait(until deadline: UInt64?) -> [Reply] {
        var replies = stillborn
        stillborn = []
        engine.wait(until: replies.isEmpty ? deadline : 0) { transfer, code in
            active[transfer.letter] = nil
            idle.append(transfer)
            replies.append(reply(to: transfer.letter, transfer.finish(code)))
        }
        return replies
    }

    /// Aborts every request at hand.
    public func abandon() {
        for transfer in active.values {
            engine.remove(transfer)
            idle.append(transfer)
        }
        active = [:]
        stillborn = []
    }

    /// Ends a `wait`.
    public func wake() { engine.wake() }

    private func reply(to letter: Int, _ answer: HTTPAnswer) -> Reply {
        // The word of the target counts, even if the rest of its answer is endless or breaks off; but no target has
        // taken what was not sent to its end.
        guard answer.status > 0, answer.isSent || !(200..<300).contains(answer.status) else {
            return Reply(letter: letter, verdict: .retry(silence(answer)))
        }
        let error = told(answer)
        let verdict = verdict(status: answer.status, retryAfterSeconds: answer.retryAfterSeconds, error: error)
        guard verdict != .done else { return Reply(letter: letter, verdict: .done) }
        let excerpt = escaped(answer.excerpt, limit: HTTPTransfer.excerptBytes)
        return Reply(letter: letter, verdict: verdict, answer: "\(answer.status) \(excerpt)")
    }

    private func told(_ answer: HTTPAnswer) -> SinkError {
        if (300..<400).contains(answer.status) { return .redirected(origin: origin, status: answer.status) }
        let excerpt = escaped(answer.excerpt, limit: Self.excerptInErrorBytes)
        return .answered(origin: origin, status: answer.status, excerpt: excerpt)
    }

    private func silence(_ answer: HTTPAnswer) -> SinkError {
        if let (address, why) = answer.refused {
            return .addressRefused(origin: origin, address: address.text, reason: why.words)
        }
        return .unreachable(origin: origin, reason: answer.problem ?? "the event was not sent to its end")
    }

    /// How much of an answer stands in a line of the log.
    private static let excerptInErrorBytes = 200

    /// Scheme, host and port: what may be told of a URL whose other parts may be secret.
    private static func origin(of url: String) throws(SinkError) -> String {
        guard let parts = curl_url() else { throw .exhausted(what: "memory") }
        defer { curl_url_cleanup(parts) }
        let code = curl_url_set(parts, CURLUPART_URL, url, 0)
        guard code == CURLUE_OK else { throw .urlInvalid(reason: String(cString: curl_url_strerror(code))) }
        func part(_ which: CURLUPart) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            defer { curl_free(value) }
            guard curl_url_get(parts, which, &value, 0) == CURLUE_OK, let value else { return nil }
            return String(cString: value)
        }
        let scheme = part(CURLUPART_SCHEME) ?? ""
        guard ["http", "https"].contains(scheme) else {
            throw .urlInvalid(reason: "its scheme is \"\(escaped(scheme.utf8, limit: 32))\"")
        }
        guard let host = part(CURLUPART_HOST), !host.isEmpty else { throw .urlInvalid(reason: "it names no host") }
        let port = part(CURLUPART_PORT).map { ":\($0)" } ?? ""
        return "\(scheme)://\(escaped(host.utf8, limit: 255))\(port)"
    }
}

extension CourierTerms {
    fileprivate init(_ settings: ForwardSettings) {
        self.init()
        concurrency = settings.concurrency
        retry = settings.retry
        attempts = settings.attempts
        guard let batch = settings.batch else { return }
        letter = ReadLimit(events: batch.events, bytes: batch.bytes)
        // About what the attributes of an event take.
        overheadBytes = 700
        gatherMicroseconds = batch.waitMicroseconds
    }
}
