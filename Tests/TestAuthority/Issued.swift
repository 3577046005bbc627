// Certificates for tests, made when they are needed: none that is committed can end.

import CTLSClient
import Glibc

/// The time that certificates of tests are judged at, in seconds since 1970, unless a real clock is asked.
public let testNow = Int64(1_800_000_000)

/// OpenSSL would not make a certificate.
public struct IssuingError: Error {}

/// A certificate and its key, in PEM.
public struct Issued: Sendable {
    /// The certificate.
    public var certificate: String
    /// The key.
    public var key: String

    /// Issues one, by `issuer` or by itself. It is in force from long ago to in a long time, so that real clocks agree.
    ///
    /// - Parameters:
    ///   - names: as OpenSSL writes them, such as `DNS:a.example,IP:127.0.0.1`.
    ///   - key: `P-256`, `ED25519`, `RSA-2048` and the like.
    ///   - passphrase: encrypts the key.
    public init(
        _ commonName: String, names: String? = nil, key: String = "P-256", digest: String? = nil,
        passphrase: String? = nil, begins: Int64 = 0, ends: Int64 = testNow + 3_000_000_000, isAuthority: Bool = false,
        by issuer: Issued? = nil
    ) throws {
        let strings = [names, digest, passphrase, issuer?.certificate, issuer?.key]
        let pair = withStrings(strings) { texts in
            commonName.withCString { commonName in
                key.withCString { key in
                    var wish = ctls_wish(
                        common_name: commonName, names: texts[0], key_kind: key, digest: texts[1],
                        passphrase: texts[2], begins_at_seconds: begins, ends_at_seconds: ends,
                        is_authority: isAuthority, issuer_certificate: texts[3], issuer_key: texts[4])
                    return ctls_issue(&wish)
                }
            }
        }
        defer {
            free(pair.certificate)
            free(pair.key)
        }
        guard let certificate = pair.certificate, let key = pair.key else { throw IssuingError() }
        self.certificate = String(cString: certificate)
        self.key = String(cString: key)
    }
}

/// Lends strings to C.
public func withStrings<Result>(_ strings: [String?], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
    let copies = strings.map { $0.flatMap { strdup($0) } }
    defer { copies.forEach { free($0) } }
    return body(copies.map { $0.map { UnsafePointer($0) } })
}
