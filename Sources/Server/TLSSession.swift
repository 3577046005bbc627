// The server's side of one TLS connection: bytes that arrived go in, plaintext and bytes to be sent come out. It knows
// no socket, so it fits into whatever way the shard reads and writes.

import CSSL

/// What became of bytes that arrived.
enum TLSProgress: Equatable {
    /// So many bytes of plaintext came out; there may be more.
    case plaintext(Int)
    /// All were taken, and more are needed.
    case needsMore
    /// The client said that it sends nothing more. It may still read.
    case closedByPeer
    /// The connection cannot go on. What is to be sent, an alert perhaps, is worth a try.
    case failed(TLSFailure)
}

/// The server's side of one TLS connection. It lives and dies on its shard's queue.
final class TLSSession {
    private let session: OpaquePointer
    private let material: TLSMaterial  // must outlive the session
    private var end: TLSProgress?

    /// Nil when OpenSSL has no memory.
    init?(_ material: TLSMaterial) {
        guard let session = cssl_tls_session_new(material.context) else { return nil }
        (self.session, self.material) = (session, material)
    }

    deinit { cssl_tls_session_free(session) }

    /// Takes bytes from the front of `ciphertext` until there is some plaintext. To be called again for as long as
    /// plaintext comes out: with `.needsMore` all of `ciphertext` was taken. Nothing is kept of it between calls, so
    /// the connection may send in between.
    ///
    /// - Parameters:
    ///   - plaintext: where the plaintext goes; a record holds up to 16 KiB.
    ///   - output: what must be sent (handshake, tickets, alerts) is appended to it.
    func receive(
        _ ciphertext: inout UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer,
        output: inout [UInt8]
    ) -> TLSProgress {
        if let end { return end }
        guard let room = plaintext.baseAddress else { return .needsMore }
        var rest = cssl_bytes(start: ciphertext.baseAddress, count: ciphertext.count)
        var count = 0
        let progress = withUnsafeMutablePointer(to: &output) {
            cssl_tls_session_receive(session, &rest, room, plaintext.count, &count, $0, append)
        }
        ciphertext = UnsafeRawBufferPointer(start: rest.start, count: rest.count)
        switch progress {
        case CSSL_TLS_PLAINTEXT: return .plaintext(count)
        case CSSL_TLS_NEEDS_MORE: return .needsMore
        case CSSL_TLS_CLOSED: return finish(.closedByPeer)
        default: return finish(.failed(TLSFailure(of: session)))
        }
    }

    /// Encrypts `plaintext` to the end of `output`.
    ///
    /// - Returns: false, and nothing is appended, while the handshake is under way or when the connection has failed.
    func send(_ plaintext: UnsafeRawBufferPointer, output: inout [UInt8]) -> Bool {
        let bytes = cssl_bytes(start: plaintext.baseAddress, count: plaintext.count)
        return withUnsafeMutablePointer(to: &output) { cssl_tls_session_send(session, bytes, $0, append) }
    }

    /// Appends to `output` what tells the client that nothing more is sent; nothing where it cannot be told.
    func close(output: inout [UInt8]) {
        withUnsafeMutablePointer(to: &output) { cssl_tls_session_close(session, $0, append) }
    }

    private func finish(_ progress: TLSProgress) -> TLSProgress {
        end = progress
        return progress
    }
}

extension TLSSession {
    /// Whether it is not known yet who the client is, so that nothing can be sent.
    var isHandshaking: Bool { cssl_tls_session_is_handshaking(session) }

    /// Whether it goes on from an earlier one, by a ticket.
    var isResumed: Bool { cssl_tls_session_is_resumed(session) }

    /// Such as `TLSv1.3`.
    var version: String { String(cString: cssl_tls_session_version(session)) }

    /// Such as `TLS_AES_128_GCM_SHA256`.
    var cipher: String { String(cString: cssl_tls_session_cipher(session)) }

    /// The application protocol that was agreed on (ALPN); nil where the client offered none.
    var applicationProtocol: String? { cssl_tls_session_has_protocol(session) ? "http/1.1" : nil }

    /// The subject of the client's certificate as RFC 2253 writes it, in printable ASCII; nil where it showed none.
    var clientSubject: String? {
        var subject: [UInt8] = []
        withUnsafeMutablePointer(to: &subject) { cssl_tls_session_client_subject(session, $0, append) }
        return subject.isEmpty ? nil : String(decoding: subject, as: UTF8.self)
    }
}

/// Appends to the `[UInt8]` that `receiver` points to.
private let append: cssl_sink = { receiver, bytes, count in
    receiver?.assumingMemoryBound(to: [UInt8].self).pointee.append(
        contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
}
