// The keys of a listener's `tls`.

import Server

/// The keys of `tls`.
enum TLSKeys {
    static let certificates = Entry(
        "certificates", .list(of: .object(.tlsCertificate)), required: true,
        expected: "a list of at least one certificate such as "
            + "[{\"certificate\": \"fullchain.pem\", \"key\": {\"file\": \"privkey.pem\"}}]",
        "The server's certificates. Each client is shown the first that is for the name it asks for, or else the first."
    )
    static let clientCA = Entry(
        "client_ca", .path, expected: "the path of a file of certificates in PEM",
        "Those who issue clients' certificates. With it, a client must show one that one of them issued.")
    static let minimumVersion = Setting(
        "minimum_version", ChoiceKind<TLSVersion>(), default: .tls12, "The oldest version of TLS that is spoken.")

    static let certificate = Entry(
        "certificate", .path, required: true, expected: "the path of a file of certificates in PEM",
        "The server's certificate, and behind it those that lead to its root. A relative path starts at the directory "
            + "of the configuration file.")
    static let key = Entry(
        "key", .object(.tlsKey), required: true, expected: Shape.tlsKey.expected, "Where the certificate's key is.")
}

extension Shape {
    static let tls = Shape(
        expected: "an object such as "
            + "{\"certificates\": [{\"certificate\": \"fullchain.pem\", \"key\": {\"file\": \"privkey.pem\"}}]}",
        keys: [TLSKeys.certificates, TLSKeys.clientCA, TLSKeys.minimumVersion])
    static let tlsCertificate = Shape(
        expected: "an object such as {\"certificate\": \"fullchain.pem\", \"key\": {\"file\": \"privkey.pem\"}}",
        keys: [TLSKeys.certificate, TLSKeys.key])
    static let tlsKey = Shape(
        expected: "an object such as {\"file\": \"privkey.pem\"}: where the key is, never the key",
        keys: SecretKeys.sources, oneOf: SecretKeys.sources.map(\.name))
}
