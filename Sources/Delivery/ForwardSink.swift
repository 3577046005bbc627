// The forward sink: each event as one HTTP POST in CloudEvents binary mode, so that the body is the callback
// byte for byte and the target can verify Sinch's signature again.

import CCurl
import Store

/// Sends events to a URL, one after the other. Whatever is not answered 2xx is sent again.
///
/// Where the target has closed the connection that was kept alive, libcurl itself sends the request again at once on a
/// new one. SIGPIPE has to be ignored in the whole process.
public final class ForwardSink: Sink, @unchecked Sendable {  // transfer and renderer: only in take
    /// The name in the configuration.
    public let name: String
    /// One event after the other, and when it is tried again.
    public let pace: SinkPace

    private let origin: String
    private let transfer: HTTPTransfer
    private let renderer: any EventRenderer
    private let interruption = Flag()

    /// A sink for `url`, which has to be http or https. Nothing is connected to before the first event.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: how long one event may take, from the name's resolution to the end of the answer.
    ///   - userAgent: what the target sees in `User-Agent`, as `hookd/1.0`.
    public init(
        name: String, url: String, timeoutMilliseconds: Int = 15_000, retry: RetryPolicy = RetryPolicy(),
        userAgent: String, renderer: sending any EventRenderer
    ) throws(SinkError) {
        self.name = name
        // No pause: every event costs the target a request anyway, and the first should not wait for the second.
        pace = SinkPace(limit: ReadLimit(events: 64, bytes: 1 << 20), pauseMicroseconds: 0, retry: retry)
        origin = try Self.origin(of: url)
        transfer = try HTTPTransfer(
            url: url, timeoutMilliseconds: timeoutMilliseconds, userAgent: userAgent, interruption: interruption)
        self.renderer = renderer
    }

    /// Takes one event, so that the cursor moves with every answer. After a crash those are sent again that were taken
    /// since the cursor was last made durable.
    public func take(_ batch: EventBatch, from first: Int) -> Taken {
        guard first < batch.events.count, !interruption.isRaised else { return Taken(0, failure: .interrupted) }
        let event = batch.events[first]
        let answer = batch.bytes.withUnsafeBytes { bytes in
            transfer.post(
                UnsafeRawBufferPointer(rebasing: bytes[event.body.range]), headers: headers(event, in: bytes))
        }
        let failure = failure(in: answer, bodyBytes: Int(event.body.count))
        return Taken(failure == nil ? 1 : 0, failure: failure)
    }

    /// Aborts the request at hand, within about a second.
    public func interrupt() {
        interruption.raise()
    }

    private func headers(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> [String] {
        var contentType = "application/json"
        var headers: [String] = []
        for (name, value) in renderer.attributes(event, in: bytes) {
            // CloudEvents HTTP Protocol Binding 1.0.2 §3.1.1: this attribute is the Content-Type.
            if name == "datacontenttype" { contentType = value } else { headers.append("ce-\(name): \(value)") }
        }
        headers.append("Content-Type: \(contentType)")
        headers.append("Expect:")  // nothing: one answer to a request, at once
        let signature = base64(bytes[event.signature.range])
        headers.append("x-sinch-webhook-signature: \(signature)")
        headers.append("x-sinch-webhook-signature-timestamp: \(event.signedAt)")
        for (name, range) in [("nonce", event.nonce), ("algorithm", event.algorithm)] where range.count > 0 {
            let value = bytes[range.range]
            // The verifier let nothing else in; a header must never end where its sender wants it to.
            guard value.allSatisfy({ (0x21...0x7E).contains($0) }) else { continue }
            headers.append("x-sinch-webhook-signature-\(name): \(String(decoding: value, as: UTF8.self))")
        }
        return headers
    }

    /// Why the event has to be sent again; nil where the target has taken it.
    private func failure(in answer: HTTPTransfer.Answer, bodyBytes: Int) -> SinkError? {
        let isSent = answer.sentBytes >= bodyBytes
        switch answer.status {
        // The word of the target counts, even if the rest of its answer is endless or breaks off.
        case 200..<300 where isSent:
            return nil
        case _ where answer.isInterrupted:
            return .interrupted
        case 0, 200..<300:
            if let address = answer.refusedAddress { return .addressRefused(origin: origin, address: address.text) }
            return .unreachable(origin: origin, reason: answer.problem ?? "the event was not sent to its end")
        case 300..<400:
            return .redirected(origin: origin, status: answer.status)
        default:
            let excerpt = escaped(answer.excerpt, limit: HTTPTransfer.excerptBytes)
            return .answered(origin: origin, status: answer.status, excerpt: excerpt)
        }
    }

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
