// Why a callback is not taken as genuine. The words say what was wrong with the request, never what would have
// been right.

/// Why a callback is not taken as genuine.
public enum VerificationError: Error, Sendable, CustomStringConvertible {
    /// A header of the signature is missing.
    case missing(SignatureHeader)
    /// A header of the signature came more than once.
    case doubled(SignatureHeader)
    /// A header's value has not the form that Sinch gives it.
    case malformed(SignatureHeader)
    /// The algorithm is not `HmacSHA256`.
    case unknownAlgorithm
    /// No configured secret makes this signature.
    case wrongSignature
    /// OpenSSL failed: it is not known whether the callback is genuine.
    case undecided(CryptographyError)

    /// The sentence for the sender.
    public var description: String {
        switch self {
        case .missing(let header): "the header \(header.name) is missing"
        case .doubled(let header): "the header \(header.name) came more than once"
        case .malformed(.signature): "\(SignatureHeader.signature.name) is not the base64 of 32 bytes"
        case .malformed(.timestamp): "\(SignatureHeader.timestamp.name) is not a number of seconds in plain decimal"
        case .malformed(.nonce):
            "\(SignatureHeader.nonce.name) is not 1 to 128 letters, digits, hyphens and underscores"
        case .malformed(.algorithm), .unknownAlgorithm:
            "\(SignatureHeader.algorithm.name) names an algorithm that is not accepted"
        case .wrongSignature: "the signature does not match"
        case .undecided: "the signature could not be checked"
        }
    }
}
