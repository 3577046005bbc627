// TLS for the target of tests.

import CTLSPeer
import Glibc
import TestAuthority
import Testing

/// An authority, and a certificate that it has issued for one name.
struct TLSIdentity: Sendable {
    let authority: Issued
    let issued: Issued

    /// - Parameter name: as OpenSSL writes it, such as `DNS:a.example` or `IP:127.0.0.1`.
    init(_ name: String) throws {
        authority = try Issued("test authority", isAuthority: true)
        issued = try Issued("target", names: name, by: authority)
    }

    /// SHA-256 of the public key.
    func pin() throws -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 32)
        try #require(ctlspeer_pin(issued.certificate, &hash))
        return hash
    }
}

/// A TLS server's settings.
final class TLSServer: @unchecked Sendable {  // OpenSSL's contexts are safe from any thread
    let pointer: OpaquePointer

    /// - Parameter clients: the authority that clients must show a certificate of.
    init(_ identity: TLSIdentity, clients: String? = nil, http2: Bool = false) throws {
        let issued = identity.issued
        pointer = try #require(ctlspeer_server_new(issued.certificate, issued.key, clients, http2))
    }

    deinit { ctlspeer_server_free(pointer) }
}

/// A connection of a target, with or without TLS. Used by one thread.
final class Wire {
    let descriptor: Int32
    private let tls: OpaquePointer?

    /// Nil where the handshake fails.
    init?(_ descriptor: Int32, _ server: TLSServer?) {
        self.descriptor = descriptor
        guard let server else {
            tls = nil
            return
        }
        guard let connection = ctlspeer_accept(server.pointer, descriptor) else { return nil }
        tls = connection
    }

    deinit { if let tls { ctlspeer_connection_free(tls) } }

    var isHTTP2: Bool { tls.map { ctlspeer_is_http2($0) } ?? false }

    func read(_ bytes: inout [UInt8]) -> Int {
        guard let tls else { return recv(descriptor, &bytes, bytes.count, 0) }
        return Int(ctlspeer_read(tls, &bytes, bytes.count))
    }

    func write(_ bytes: [UInt8]) -> Bool {
        guard let tls else { return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count }
        return Int(ctlspeer_write(tls, bytes, bytes.count)) == bytes.count
    }
}
