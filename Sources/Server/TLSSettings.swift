// What a listener with TLS shows and demands, as it was read: certificates and keys are PEM, not looked at yet.

/// A certificate and its key.
public struct TLSIdentity: Sendable, CustomStringConvertible, CustomReflectable {
    /// The server's certificate, with those that lead to its root behind it, in PEM.
    public var certificate: [UInt8]
    /// Where the certificate came from, for errors.
    public var certificateName: String
    /// The key, in PEM. No description, mirror or error shows it.
    public var key: [UInt8]
    /// Where the key came from, for errors; never the key.
    public var keyName: String

    /// A certificate and its key, as they were read.
    public init(certificate: [UInt8], certificateName: String, key: [UInt8], keyName: String) {
        (self.certificate, self.certificateName) = (certificate, certificateName)
        (self.key, self.keyName) = (key, keyName)
    }

    /// Where both came from.
    public var description: String { "\(certificateName) with \(keyName)" }

    /// A mirror without the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["certificateName": certificateName, "keyName": keyName], displayStyle: .struct)
    }
}

/// The versions of TLS that there are.
public enum TLSVersion: String, CaseIterable, Sendable {
    /// TLS 1.2 (RFC 5246), with its modern ciphers only.
    case tls12 = "1.2"
    /// TLS 1.3 (RFC 8446).
    case tls13 = "1.3"
}

/// What a listener with TLS shows and demands.
public struct TLSSettings: Sendable {
    /// The certificates; at least one. The first is shown to clients that ask for no name, or for one that none is for.
    public var identities: [TLSIdentity]
    /// Those that may issue clients' certificates, in PEM. With them, a client must show one.
    public var clientIssuers: [UInt8]?
    /// Where they came from, for errors.
    public var clientIssuersName: String
    /// The oldest version that is spoken.
    public var minimumVersion: TLSVersion

    /// Settings with these certificates. Clients need none unless issuers are given.
    public init(
        identities: [TLSIdentity], clientIssuers: [UInt8]? = nil, clientIssuersName: String = "",
        minimumVersion: TLSVersion = .tls12
    ) {
        (self.identities, self.minimumVersion) = (identities, minimumVersion)
        (self.clientIssuers, self.clientIssuersName) = (clientIssuers, clientIssuersName)
    }
}

/// What a certificate in use is for, and until when.
public struct TLSCertificateInfo: Equatable, Sendable {
    /// Where it came from.
    public var source: String
    /// The names and addresses it is for, as it says them; they may be any text.
    public var names: [String]
    /// When it ends, in seconds since 1970 (UTC).
    public var endsAtSeconds: Int64
    /// When the first of it and of those behind it in the file ends, in seconds since 1970 (UTC).
    public var chainEndsAtSeconds: Int64
}
