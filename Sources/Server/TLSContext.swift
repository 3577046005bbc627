// The certificates, keys and demands in force on a listener. They can be replaced while it runs: connections keep what
// they began with, and new ones get the new.

import CLinux
import CSSL
import Glibc
import Synchronization

/// What makes the server's side of TLS connections. Safe from any thread.
public final class TLSContext: Sendable {
    private let tickets: TicketKeys
    private let material: Mutex<TLSMaterial>

    /// Reads certificates and keys.
    ///
    /// - Parameter nowSeconds: the time to judge them by, in seconds since 1970 (UTC); nil for the clock's.
    /// - Throws: everything that is wrong with them, at once.
    public init(_ settings: TLSSettings, nowSeconds: Int64? = nil) throws(TLSError) {
        guard let tickets = TicketKeys() else { throw .library() }
        self.tickets = tickets
        material = Mutex(try TLSMaterial(settings, tickets: tickets, nowSeconds: nowSeconds ?? Int64(time(nil))))
    }

    /// Puts other settings in force for connections that begin from now on. Tickets of sessions that began before are
    /// good, except where a client must now show a certificate.
    ///
    /// - Throws: everything that is wrong with the new settings; what was in force then stays so.
    public func replace(with settings: TLSSettings, nowSeconds: Int64? = nil) throws(TLSError) {
        try prepare(settings, nowSeconds: nowSeconds)()
    }

    /// Makes everything ready for other settings.
    ///
    /// - Returns: what puts them in force, as `replace(with:)` does, and cannot fail.
    public func prepare(
        _ settings: TLSSettings, nowSeconds: Int64? = nil
    ) throws(TLSError) -> @Sendable () -> Void {
        let new = try TLSMaterial(settings, tickets: tickets, nowSeconds: nowSeconds ?? Int64(time(nil)))
        return { self.material.withLock { $0 = new } }
    }

    /// The certificates in force, in the order of the settings.
    public var certificates: [TLSCertificateInfo] { material.withLock { $0 }.certificates }

    /// The server's side of a connection that begins.
    ///
    /// - Parameter monotonicNanoseconds: the time, which decides when the keys of tickets change.
    /// - Returns: nil when OpenSSL has no memory.
    func makeSession(monotonicNanoseconds: Int64 = clinux_monotonic_nanoseconds()) -> TLSSession? {
        cssl_tls_tickets_rotate(tickets.keys, monotonicNanoseconds / 1_000_000_000)
        return TLSSession(material.withLock { $0 })
    }
}

/// The keys of session tickets, kept when certificates are replaced.
final class TicketKeys: @unchecked Sendable {  // cssl_tls.h: any thread may use them
    let keys: OpaquePointer

    /// Nil when OpenSSL has no memory or no random numbers.
    init?() {
        guard let keys = cssl_tls_tickets_new(clinux_monotonic_nanoseconds() / 1_000_000_000) else { return nil }
        self.keys = keys
    }

    deinit { cssl_tls_tickets_free(keys) }
}

/// Settings as OpenSSL has them. Sessions keep theirs.
final class TLSMaterial: @unchecked Sendable {  // cssl_tls.h: not written once it is made
    let context: OpaquePointer
    let certificates: [TLSCertificateInfo]
    private let tickets: TicketKeys  // must outlive the context

    init(_ settings: TLSSettings, tickets: TicketKeys, nowSeconds: Int64) throws(TLSError) {
        let isOnlyTLS13 = settings.minimumVersion == .tls13
        guard let context = cssl_tls_context_new(tickets.keys, isOnlyTLS13) else { throw .library() }
        do throws(TLSError) {
            certificates = try load(settings, into: context, nowSeconds: nowSeconds)
        } catch {
            cssl_tls_context_free(context)
            throw error
        }
        self.context = context
        self.tickets = tickets
    }

    deinit { cssl_tls_context_free(context) }
}

private func load(
    _ settings: TLSSettings, into context: OpaquePointer, nowSeconds: Int64
) throws(TLSError) -> [TLSCertificateInfo] {
    var problems: [TLSProblem] = []
    if let issuers = settings.clientIssuers {
        var end: Int64 = 0
        let code = withBytes(issuers) { cssl_tls_context_require_client(context, $0, &end) }
        let source = settings.clientIssuersName
        if let problem = TLSProblem(code, .clientIssuers, source) {
            problems.append(problem)
        } else if end <= nowSeconds {
            problems.append(.ended(.clientIssuers, source, atSeconds: end))
        }
    }
    var certificates: [TLSCertificateInfo] = []
    for (index, identity) in settings.identities.enumerated() {
        let code = withBytes(identity.certificate) { certificate in
            withBytes(identity.key) { cssl_tls_context_add_identity(context, certificate, $0) }
        }
        if let problem = TLSProblem(code, identity, index: index) {
            problems.append(problem)
            continue
        }
        let validity = cssl_tls_context_validity(context, certificates.count)
        let part = TLSProblem.Part.certificate(index)
        if validity.ends_at_seconds <= nowSeconds {
            problems.append(.ended(part, identity.certificateName, atSeconds: validity.ends_at_seconds))
        } else if validity.begins_at_seconds > nowSeconds {
            problems.append(.notBegun(part, identity.certificateName, atSeconds: validity.begins_at_seconds))
        }
        certificates.append(
            TLSCertificateInfo(
                source: identity.certificateName, names: names(context, certificates.count),
                endsAtSeconds: validity.ends_at_seconds, chainEndsAtSeconds: validity.chain_ends_at_seconds))
    }
    if settings.identities.isEmpty { problems.append(.noIdentity) }
    guard problems.isEmpty else { throw TLSError(problems: problems) }
    return certificates
}

private func withBytes<Result>(_ bytes: [UInt8], _ body: (cssl_bytes) -> Result) -> Result {
    bytes.withUnsafeBytes { body(cssl_bytes(start: $0.baseAddress, count: $0.count)) }
}

private func names(_ context: OpaquePointer, _ index: Int) -> [String] {
    var names: [String] = []
    withUnsafeMutablePointer(to: &names) { names in
        cssl_tls_context_names(context, index, names) { receiver, bytes, count in
            let name = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
            receiver?.assumingMemoryBound(to: [String].self).pointee.append(name)
        }
    }
    return names
}
