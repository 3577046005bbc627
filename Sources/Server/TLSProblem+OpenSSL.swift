// What OpenSSL found wrong with a certificate or key, in an operator's words.

import CSSL

extension TLSError {
    /// OpenSSL failed where no setting can be at fault.
    static func library() -> TLSError {
        let reason = "cannot be set up: \(openSSLText())"
        return TLSError(problems: [TLSProblem(part: .whole, source: "", reason: reason, expected: "memory for it")])
    }
}

extension TLSProblem {
    /// Nil where there is none.
    init?(_ code: cssl_tls_problem, _ identity: TLSIdentity, index: Int) {
        switch code {
        case CSSL_TLS_NO_KEY, CSSL_TLS_KEY_ENCRYPTED, CSSL_TLS_KEY_MISMATCH:
            self.init(code, .key(index), identity.keyName)
        default: self.init(code, .certificate(index), identity.certificateName)
        }
    }

    /// Nil where there is none.
    init?(_ code: cssl_tls_problem, _ part: Part, _ source: String) {
        if code == CSSL_TLS_FINE { return nil }
        let certificates = "certificates in PEM: blocks that begin with -----BEGIN CERTIFICATE-----"
        (self.part, self.source) = (part, source)
        switch code {
        case CSSL_TLS_NO_CERTIFICATE:
            (reason, expected) = ("holds no certificate", certificates)
        case CSSL_TLS_CERTIFICATE_UNREADABLE:
            (reason, expected) = ("holds a certificate that is damaged: \(openSSLText())", certificates)
        case CSSL_TLS_CERTIFICATE_WEAK:
            reason = "has a key or a signature that is too weak for TLS"
            expected = "RSA of 2048 bits or more, or an elliptic curve, signed with SHA-256 or better"
        case CSSL_TLS_CHAIN_BROKEN:
            reason = "holds certificates of which one is not the issuer of the one before it"
            expected = "the server's own certificate, then its issuer, then that one's, and no other"
        case CSSL_TLS_KEY_OF_A_LATER_CERTIFICATE:
            reason = "does not begin with the certificate that the key belongs to"
            expected = "the server's own certificate first, then its issuer"
        case CSSL_TLS_NO_KEY:
            reason = "holds no private key"
            expected = "a key in PEM: a block that begins with -----BEGIN PRIVATE KEY-----"
        case CSSL_TLS_KEY_ENCRYPTED:
            reason = "is encrypted with a passphrase, which nobody is there to enter"
            expected = "a key without one, in a file that only hookd may read"
        case CSSL_TLS_KEY_MISMATCH:
            (reason, expected) = ("is not the key of the certificate", "the key that the certificate was issued for")
        default:
            (reason, expected) = ("is refused by OpenSSL: \(openSSLText())", "a certificate for a TLS server")
        }
    }

    static func ended(_ part: Part, _ source: String, atSeconds seconds: Int64) -> TLSProblem {
        TLSProblem(
            part: part, source: source, reason: "ended on \(utcText(ofSeconds: seconds))",
            expected: "a certificate that is in force")
    }

    static func notBegun(_ part: Part, _ source: String, atSeconds seconds: Int64) -> TLSProblem {
        TLSProblem(
            part: part, source: source, reason: "begins only on \(utcText(ofSeconds: seconds))",
            expected: "a certificate that is in force; is this machine's clock right?")
    }

    static let noIdentity = TLSProblem(
        part: .whole, source: "", reason: "has no certificate", expected: "at least one, with its key")
}

/// The oldest error of this thread in OpenSSL's words.
private func openSSLText() -> String {
    let text = textFromC(capacity: 256) { cssl_error_text($0, $1) }
    return text.isEmpty ? "no memory" : text
}
