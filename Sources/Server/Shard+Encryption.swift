// Encrypted connections: TLS stands between the socket and the requests, as a transformation of bytes.

import Glibc
import HTTP

extension Shard {
    /// The most bytes of plaintext that come out of one record (RFC 8446 §5.1).
    static let recordBytes = 16 << 10
    /// The most bytes of a client's handshake: far more than its certificates take. OpenSSL would keep twice as many.
    private static let handshakeBytes = 64 << 10

    /// Takes bytes from the socket of an encrypted connection.
    func decrypt(_ connection: Connection, _ tls: TLSSession, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        if tls.isHandshaking {
            connection.arrivedBytes += bytes.count
            guard connection.arrivedBytes <= Self.handshakeBytes else {
                handler?.report(.encryption("the client's handshake is too large"), client: connection.client)
                return linger(connection)
            }
        }
        var rest = UnsafeRawBufferPointer(bytes)
        while true {
            cipherBytes.removeAll(keepingCapacity: true)
            let progress = tls.receive(
                &rest, into: UnsafeMutableRawBufferPointer(plainBuffer), output: &cipherBytes)
            // Before any answer to what came out: records are numbered.
            if !cipherBytes.isEmpty { transmit(connection, cipherBytes) }
            switch progress {
            case .needsMore: return
            case .plaintext(let count):
                take(connection, UnsafeMutableBufferPointer(rebasing: plainBuffer[..<count]))
                if connection.isEnding { return }
            case .closedByPeer: return peerSaidGoodbye(connection)
            case .failed(let failure): return fail(connection, failure)
            }
        }
    }

    /// Nothing more will come; what came before it still gets its answers.
    private func peerSaidGoodbye(_ connection: Connection) {
        connection.peerSaidGoodbye = true
        if connection.acceptsRequest { return endInOrder(connection) }
        connection.closesAfterAnswer = connection.closesAfterAnswer || connection.input.isEmpty
    }

    private func fail(_ connection: Connection, _ failure: TLSFailure) {
        handler?.report(.encryption(failure.text), client: connection.client)
        if failure.kind == .plainHTTP, let handler {
            // A browser or a curl that was pointed at the wrong scheme should be told so, and in its language.
            answerBytes.removeAll(keepingCapacity: true)
            handler.answer(status: 400, message: "this address speaks HTTPS, not HTTP")
                .serialize(to: &answerBytes, date: date, isHead: false, closes: true)
            transmit(connection, answerBytes)
        }
        // What OpenSSL has to say about it was sent already, and must not be lost to a reset.
        linger(connection)
    }

    /// Sends `answerBytes` on an encrypted connection.
    func encrypt(_ connection: Connection, _ tls: TLSSession) {
        cipherBytes.removeAll(keepingCapacity: true)
        guard answerBytes.withUnsafeBytes({ tls.send($0, output: &cipherBytes) }) else { return end(connection) }
        transmit(connection, cipherBytes)
    }

    /// Ends a connection on which nothing is under way.
    func endInOrder(_ connection: Connection) {
        if let tls = connection.tls { sayGoodbye(connection, tls) }
        end(connection)
    }

    /// Tells the client that nothing more will be sent (RFC 8446 §6.1), so that it knows an answer from a cut one.
    func sayGoodbye(_ connection: Connection, _ tls: TLSSession) {
        cipherBytes.removeAll(keepingCapacity: true)
        tls.close(output: &cipherBytes)
        transmit(connection, cipherBytes)
    }
}
