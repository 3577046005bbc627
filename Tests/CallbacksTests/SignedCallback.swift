// A callback as a request carries it: header fields and body in one run of bytes, to be changed in one place and
// verified as the daemon does it.

import Callbacks
import Testing

/// What a verifier made of a callback.
enum Verdict: Equatable {
    case genuine(late: Bool, secret: Int)
    case missing(SignatureHeader)
    case doubled(SignatureHeader)
    case malformed(SignatureHeader)
    case unknownAlgorithm
    case wrongSignature
    case undecided

    /// Genuine, in the window, signed with the first secret.
    static let genuine = Verdict.genuine(late: false, secret: 0)

    var isRefusal: Bool { if case .genuine = self { false } else { true } }

    init(_ error: VerificationError) {
        self =
            switch error {
            case .missing(let header): .missing(header)
            case .doubled(let header): .doubled(header)
            case .malformed(let header): .malformed(header)
            case .unknownAlgorithm: .unknownAlgorithm
            case .wrongSignature: .wrongSignature
            case .undecided: .undecided
            }
    }
}

/// A callback with its headers, every part free to be changed.
struct SignedCallback {
    static let nonce = "01FJA8B4A7BM43YGWSG9GBV067"
    static let timestamp = "1634579353"
    static let secret = "foo_secret1234"

    var headers: [(name: String, value: [UInt8])]
    var body: [UInt8]
    var secrets = [SignedCallback.secret]
    var now: Int64 = 1_634_579_353
    var toleranceSeconds: Int64 = 300

    /// A callback with the signature as given.
    init(_ body: [UInt8], nonce: String = nonce, timestamp: String = timestamp, signature: String) {
        self.body = body
        headers = [
            ("x-sinch-webhook-signature", Array(signature.utf8)),
            ("x-sinch-webhook-signature-timestamp", Array(timestamp.utf8)),
            ("x-sinch-webhook-signature-nonce", Array(nonce.utf8)),
            ("x-sinch-webhook-signature-algorithm", Array("HmacSHA256".utf8)),
        ]
    }

    /// A callback signed here, whatever its nonce and timestamp hold.
    init(
        signing body: [UInt8] = Array("{}".utf8), nonce: [UInt8] = Array(nonce.utf8),
        timestamp: [UInt8] = Array(timestamp.utf8), secret: String = secret
    ) throws {
        let code = try HMACKey(secret: Array(secret.utf8)).code(
            body: body.span, nonce: nonce.span, timestamp: timestamp.span)
        self.init(body, signature: code.base64)
        self[.nonce] = nonce
        self[.timestamp] = timestamp
    }

    /// The value of a header that is there.
    subscript(header: SignatureHeader) -> [UInt8] {
        get { headers[header.rawValue].value }
        set { headers[header.rawValue].value = newValue }
    }

    mutating func remove(_ header: SignatureHeader) { headers.remove(at: header.rawValue) }

    /// Verifies the callback with the clock at `now`.
    func verdict() throws -> Verdict {
        try verdict(of: secrets.map { WebhookSecret(key: try HMACKey(secret: Array($0.utf8))) })
    }

    func verdict(of secrets: [WebhookSecret]) -> Verdict {
        var bytes: [UInt8] = []
        func append(_ value: [UInt8]) -> Range<Int> {
            bytes += value
            return bytes.count - value.count..<bytes.count
        }
        var found = SignatureHeaders()
        for (name, value) in headers {
            let name = append(Array(name.utf8))
            let value = append(value)
            found.take(name: name, value: value, in: bytes.span)
        }
        let body = append(body)
        let verifier = Verifier(secrets: secrets, toleranceSeconds: toleranceSeconds)
        do throws(VerificationError) {
            let callback = try verifier.verify(found, body: body, in: bytes.span, now: now)
            return .genuine(late: callback.isLate, secret: callback.secretIndex)
        } catch {
            return Verdict(error)
        }
    }
}
