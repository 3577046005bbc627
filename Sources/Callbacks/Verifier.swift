// Whether a callback is genuine and fresh. Whether it is new is the store's question, and asked last: a nonce is
// never looked at, let alone spent, before the signature over it was found right.

/// A secret that an endpoint accepts.
public struct WebhookSecret: Sendable {
    /// The secret, prepared.
    public let key: HMACKey
    /// When it stops being accepted, in seconds since 1970 (UTC); nil for never.
    public let until: Int64?

    /// A secret that is accepted before `until`, or always.
    public init(key: HMACKey, until: Int64? = nil) {
        self.key = key
        self.until = until
    }
}

/// A callback whose signature is right.
public struct VerifiedCallback: Sendable {
    /// The signature, decoded.
    public let signature: Digest
    /// The signed timestamp, in seconds since 1970 (UTC).
    public let signedAt: Int64
    /// Whether the timestamp is further from now than the endpoint tolerates, in either direction.
    public let isLate: Bool
    /// Which of the endpoint's secrets made the signature.
    public let secretIndex: Int
}

/// The verification of one endpoint's callbacks.
public struct Verifier: Sendable {
    /// The longest nonce, in bytes.
    public static let longestNonceBytes = 128

    private let secrets: [WebhookSecret]
    private let toleranceSeconds: Int64

    /// A verifier that accepts any of `secrets` and timestamps up to `toleranceSeconds` away from now.
    public init(secrets: [WebhookSecret], toleranceSeconds: Int64) {
        self.secrets = secrets
        self.toleranceSeconds = toleranceSeconds
    }

    /// Checks the form of the headers, then the signature, then the time window.
    ///
    /// - Parameters:
    ///   - body: where the body lies in `bytes`, byte for byte as it was received.
    ///   - bytes: the request.
    ///   - now: the wall clock, in seconds since 1970 (UTC).
    public func verify(
        _ headers: SignatureHeaders, body: Range<Int>, in bytes: borrowing Span<UInt8>, now: Int64
    ) throws(VerificationError) -> VerifiedCallback {
        try headers.refuseDoubled()
        let signatureText = try headers.required(.signature)
        let timestamp = try headers.required(.timestamp)
        let nonce = try headers.required(.nonce)
        if let algorithm = headers[.algorithm], !isEqual(algorithm, "hmacsha256", in: bytes) {
            throw .unknownAlgorithm
        }
        guard let signature = Digest(base64: bytes.extracting(signatureText)) else { throw .malformed(.signature) }
        guard isNonce(nonce, in: bytes) else { throw .malformed(.nonce) }
        guard let signedAt = seconds(timestamp, in: bytes) else { throw .malformed(.timestamp) }

        let message = SignedMessage(body: body, nonce: nonce, timestamp: timestamp)
        let secretIndex = try match(signature, message, in: bytes, now: now)
        return VerifiedCallback(
            signature: signature, signedAt: signedAt, isLate: abs(now - signedAt) > toleranceSeconds,
            secretIndex: secretIndex)
    }

    private struct SignedMessage {
        let body: Range<Int>, nonce: Range<Int>, timestamp: Range<Int>
    }

    /// The index of the secret that makes `signature`.
    private func match(
        _ signature: Digest, _ message: SignedMessage, in bytes: borrowing Span<UInt8>, now: Int64
    ) throws(VerificationError) -> Int {
        for (index, secret) in secrets.enumerated() {
            if let until = secret.until, now >= until { continue }
            let code: Digest
            do {
                code = try secret.key.code(
                    body: bytes.extracting(message.body), nonce: bytes.extracting(message.nonce),
                    timestamp: bytes.extracting(message.timestamp))
            } catch {
                throw .undecided(error)
            }
            if code.isEqualInConstantTime(to: signature) { return index }
        }
        throw .wrongSignature
    }
}

/// Whether the bytes are a nonce as hookd takes it. Never with a dot: the signed parts are joined by dots without
/// their lengths, so a nonce with a dot could hold the cut-off end of a genuine body, under the same signature.
private func isNonce(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Bool {
    guard !range.isEmpty, range.count <= Verifier.longestNonceBytes else { return false }
    for index in range {
        switch bytes[index] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            continue
        default:
            return false
        }
    }
    return true
}

/// Plain decimal digits as a number of seconds. No sign, no fraction, no leading zero: each number has one text,
/// so the header can be made again from the stored number. 15 digits reach further than any clock.
private func seconds(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int64? {
    guard !range.isEmpty, range.count <= 15 else { return nil }
    if range.count > 1, bytes[range.lowerBound] == UInt8(ascii: "0") { return nil }
    var value: Int64 = 0
    for index in range {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        value = value * 10 + Int64(digit)
    }
    return value
}
