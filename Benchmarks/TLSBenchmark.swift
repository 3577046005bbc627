// What TLS adds to a callback on a connection that is open already: its record is decrypted, and its answer encrypted.
// The client's work is in the loop too; `Benchmarks/run` counts that of the server's functions only.

import CSSL
import CTLSClient
import Callbacks
import Glibc
import TestAuthority

extension Benchmarks {
    /// Takes callbacks from a client, and answers each with 220 bytes.
    static func tls(_ count: Int) throws {
        let callback = try WireCallback(key: HMACKey(secret: Array("benchmark".utf8)), nonce: nonce(0), signedAt: now)
        let answer = [UInt8](repeating: 0x61, count: 220)
        let connection = try TLSConnection()
        for _ in 0..<count {
            ctls_client_send(connection.client, callback.bytes, callback.bytes.count)
            guard connection.takeFromClient() == callback.bytes.count, connection.send(answer) else {
                exit(EX_SOFTWARE)
            }
        }
    }
}

/// Both ends of a connection, with the handshake behind them.
private final class TLSConnection {
    let client: OpaquePointer
    private let server: OpaquePointer
    private var wire = [UInt8](repeating: 0, count: 64 << 10)
    private var plaintext = [UInt8](repeating: 0, count: 16 << 10)
    private var output: [UInt8] = []

    init() throws {
        let site = try Issued("benchmark")
        var options = ctls_options()
        (options.minimum_version, options.maximum_version) = (0x0303, 0x0304)
        guard let tickets = cssl_tls_tickets_new(0), let context = cssl_tls_context_new(tickets, false),
            site.certificate.withBytes({ certificate in
                site.key.withBytes { cssl_tls_context_add_identity(context, certificate, $0) }
            }) == CSSL_TLS_FINE,
            let server = cssl_tls_session_new(context), let client = ctls_client_new(&options, nil)
        else { exit(EX_SOFTWARE) }
        (self.client, self.server) = (client, server)
        while !ctls_client_is_ready(client) || cssl_tls_session_is_handshaking(server) {
            _ = ctls_client_take(client, output, output.count)
            output = []
            _ = takeFromClient()
        }
    }

    /// Decrypts what the client has sent.
    ///
    /// - Returns: how many bytes came out.
    func takeFromClient() -> Int {
        let arrived = ctls_client_sent(client, &wire, wire.count)
        return wire.withUnsafeBytes { wire in
            var rest = cssl_bytes(start: wire.baseAddress, count: arrived)
            var total = 0
            var count = 0
            while withUnsafeMutablePointer(
                to: &output,
                { cssl_tls_session_receive(server, &rest, &plaintext, plaintext.count, &count, $0, append) })
                == CSSL_TLS_PLAINTEXT
            { total += count }
            return total
        }
    }

    func send(_ bytes: [UInt8]) -> Bool {
        output.removeAll(keepingCapacity: true)
        return bytes.withUnsafeBytes { bytes in
            withUnsafeMutablePointer(to: &output) {
                cssl_tls_session_send(server, cssl_bytes(start: bytes.baseAddress, count: bytes.count), $0, append)
            }
        }
    }
}

extension String {
    fileprivate func withBytes<Result>(_ body: (cssl_bytes) -> Result) -> Result {
        var text = self
        return text.withUTF8 { body(cssl_bytes(start: $0.baseAddress, count: $0.count)) }
    }
}

/// Appends to the `[UInt8]` that `receiver` points to.
private let append: cssl_sink = { receiver, bytes, count in
    receiver?.assumingMemoryBound(to: [UInt8].self).pointee.append(
        contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
}
