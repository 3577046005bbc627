// From a letter to a request: the headers and the body, in CloudEvents' binary, structured or batched mode
// (CloudEvents HTTP Protocol Binding 1.0.2 §3).

import CLinux
import Store

/// Writes requests. Used on one queue.
final class LetterWriter {
    /// A request without what is the same for all of them.
    struct Request {
        /// Lines such as `ce-id: 1`, each ended by a NUL.
        var headers: [UInt8] = []
        var body: [UInt8] = []

        mutating func add(_ name: String, _ value: String) {
            headers.append(contentsOf: name.utf8)
            headers.append(contentsOf: ": ".utf8)
            headers.append(contentsOf: value.utf8)
            headers.append(0)
        }
    }

    private let mode: EventMode
    private let isBatched: Bool
    private let renderer: any EventRenderer
    private let keys: [SigningKey]
    /// The header lines of every request.
    private let always: [UInt8]
    /// Used again, so that its memory is.
    private var request = Request()

    init(_ settings: ForwardSettings, renderer: any EventRenderer) throws(SinkError) {
        mode = settings.mode
        isBatched = settings.batch != nil
        self.renderer = renderer
        var keys: [SigningKey] = []
        for secret in settings.signingSecrets { keys.append(try SigningKey(secret)) }
        self.keys = keys
        var lines = Request()
        for header in settings.headers { lines.add(header.name, header.value) }
        if let value = settings.authorization {
            lines.headers.append(contentsOf: "Authorization: ".utf8)
            lines.headers.append(contentsOf: value.bytes + [0])
        }
        lines.headers.append(contentsOf: "Expect:".utf8)  // nothing: one answer to a request, at once
        lines.headers.append(0)
        always = lines.headers
    }

    /// The request that carries `letter`. Nil where OpenSSL fails to sign it.
    func write(_ letter: Letter) -> Request? {
        request.headers.removeAll(keepingCapacity: true)
        request.body.removeAll(keepingCapacity: true)
        request.headers.append(contentsOf: always)
        if isBatched {
            writeBatch(letter)
        } else if let part = letter.parts.first {
            part.bytes.withUnsafeBytes { bytes in
                switch mode {
                case .binary: writeBinary(part.event, bytes)
                case .structured: writeStructured(part.event, bytes)
                }
            }
        }
        return keys.isEmpty || sign(letter) ? request : nil
    }

    private func writeBatch(_ letter: Letter) {
        request.add("Content-Type", "application/cloudevents-batch+json; charset=UTF-8")
        var separator = UInt8(ascii: "[")
        for part in letter.parts {
            request.body.append(separator)
            separator = UInt8(ascii: ",")
            part.bytes.withUnsafeBytes { renderer.appendLine(part.event, in: $0, to: &request.body) }
            request.body.removeLast()  // the newline
        }
        request.body.append(UInt8(ascii: "]"))
    }

    private func writeStructured(_ event: StoredEvent, _ bytes: UnsafeRawBufferPointer) {
        request.add("Content-Type", "application/cloudevents+json; charset=UTF-8")
        renderer.appendLine(event, in: bytes, to: &request.body)
        request.body.removeLast()  // the newline
    }

    private func writeBinary(_ event: StoredEvent, _ bytes: UnsafeRawBufferPointer) {
        renderer.appendHeaderLines(event, in: bytes, to: &request.headers)
        request.body.append(contentsOf: bytes[event.body.range])
        // The body is what was signed, so whoever has Sinch's secret can verify it again.
        request.add("x-sinch-webhook-signature", base64(bytes[event.signature.range]))
        request.add("x-sinch-webhook-signature-timestamp", "\(event.signedAt)")
        for (name, range) in [("nonce", event.nonce), ("algorithm", event.algorithm)] where range.count > 0 {
            let value = bytes[range.range]
            // The verifier let nothing else in; a header must never end where its sender wants it to.
            guard value.allSatisfy({ (0x21...0x7E).contains($0) }) else { continue }
            request.add("x-sinch-webhook-signature-\(name)", String(decoding: value, as: UTF8.self))
        }
    }

    /// Signs what is written. The id stays the same however often a letter is sent; the time is that of the attempt.
    private func sign(_ letter: Letter) -> Bool {
        guard let id = webhookID(letter) else { return false }
        let timestamp = "\(clinux_wall_microseconds() / 1_000_000)"
        guard let signature = webhookSignature(keys, id: id, timestamp: timestamp, body: request.body) else {
            return false
        }
        request.add("webhook-id", id)
        request.add("webhook-timestamp", timestamp)
        request.add("webhook-signature", signature)
        return true
    }

    /// The event's id. A batch has that of its events together: with others in it, it is another message.
    private func webhookID(_ letter: Letter) -> String? {
        let ids = letter.parts.map { part in part.bytes.withUnsafeBytes { Array($0[part.event.id.range]) } }
        return isBatched ? shortHash(ids.flatMap(\.self)) : ids.first.map(hex)
    }
}
