// TLS for the target of tests.

import CTLSPeer
import Glibc
import Testing

/// An authority and a certificate for one name.
final class TLSIdentity: Sendable {
    let authority: String
    let certificate: String
    let key: String
    /// SHA-256 of the public key.
    let pin: [UInt8]

    init(_ name: String) throws {
        let identity = UnsafeMutablePointer<ctlspeer_identity>.allocate(capacity: 1)
        defer { identity.deallocate() }
        try #require(ctlspeer_make_identity(name, identity))
        authority = Self.text(&identity.pointee.authority)
        certificate = Self.text(&identity.pointee.certificate)
        key = Self.text(&identity.pointee.key)
        pin = withUnsafeBytes(of: identity.pointee.pin) { Array($0) }
    }

    private static func text<Buffer>(_ buffer: inout Buffer) -> String {
        withUnsafeBytes(of: &buffer) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    fileprivate func withStructure<Result>(_ body: (UnsafePointer<ctlspeer_identity>) -> Result) -> Result {
        let identity = UnsafeMutablePointer<ctlspeer_identity>.allocate(capacity: 1)
        defer { identity.deallocate() }
        identity.initialize(to: ctlspeer_identity())
        Self.copy(certificate, to: &identity.pointee.certificate)
        Self.copy(key, to: &identity.pointee.key)
        return body(identity)
    }

    private static func copy<Buffer>(_ text: String, to buffer: inout Buffer) {
        withUnsafeMutableBytes(of: &buffer) { $0.copyBytes(from: text.utf8) }
    }
}

/// A TLS server's settings.
final class TLSServer: @unchecked Sendable {  // OpenSSL's contexts are safe from any thread
    let pointer: OpaquePointer

    init(_ identity: TLSIdentity, clients: String? = nil, http2: Bool = false) throws {
        pointer = try #require(identity.withStructure { ctlspeer_server_new($0, clients, http2) })
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
