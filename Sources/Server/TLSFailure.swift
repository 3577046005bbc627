// Why a TLS connection failed: what is told apart, and words for a log.

import CSSL

/// Why a TLS connection cannot go on.
struct TLSFailure: Equatable {
    /// Failures that are answered, counted or told of in different ways.
    enum Kind: Equatable {
        /// The client speaks HTTP without TLS. Nothing was sent, so it can be answered in plain text.
        case plainHTTP
        /// The client knows no version of TLS that is spoken here.
        case noCommonVersion
        /// The client knows no cipher, group or kind of signature that can be used here.
        case noCommonCipher
        /// A client certificate is required, and the client has none.
        case clientCertificateMissing
        /// The client's certificate has ended, or was issued by somebody else.
        case clientCertificateRefused
        /// The client offers application protocols, such as h2, and http/1.1 is not among them.
        case noCommonProtocol
        /// The client ended it, perhaps since it does not trust our certificate.
        case endedByClient
        /// What came was no TLS, or broken.
        case broken
    }

    let kind: Kind
    /// What happened, for a log: a fixed set of texts, none of which the client can write.
    let text: String

    /// Why `session` has just failed, on the same thread.
    init(of session: OpaquePointer) {
        var code = CSSL_TLS_OTHER_FAILURE
        let reason = textFromC(capacity: 128) { code = cssl_tls_session_failure(session, $0, $1) }
        switch code {
        case CSSL_TLS_PLAIN_HTTP: (kind, text) = (.plainHTTP, "a request without TLS")
        case CSSL_TLS_NO_COMMON_VERSION:
            (kind, text) = (.noCommonVersion, "the client knows no version of TLS that is allowed here (\(reason))")
        case CSSL_TLS_NO_COMMON_CIPHER:
            (kind, text) = (.noCommonCipher, "the client knows no cipher that is allowed here (\(reason))")
        case CSSL_TLS_NO_CLIENT_CERTIFICATE:
            (kind, text) = (.clientCertificateMissing, "the client showed no certificate")
        case CSSL_TLS_CLIENT_CERTIFICATE_REFUSED:
            (kind, text) = (.clientCertificateRefused, "the client's certificate is refused: \(reason)")
        case CSSL_TLS_NO_COMMON_PROTOCOL:
            (kind, text) = (.noCommonProtocol, "the client does not offer http/1.1 (ALPN)")
        case CSSL_TLS_CLIENT_ALERT:
            (kind, text) = (.endedByClient, "the client ended the connection: \(reason)")
        default: (kind, text) = (.broken, "what the client sent is no TLS, or broken (\(reason))")
        }
    }
}
