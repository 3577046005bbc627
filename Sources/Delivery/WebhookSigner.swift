// Signatures as Standard Webhooks 1.0 has them, for targets that check them with a library of their own language:
// `webhook-id`, `webhook-timestamp`, and `webhook-signature`, a list of `v1,` and the HMAC-SHA256 in base64 over
// `id.timestamp.body`, one for each secret so that a secret can be changed without a gap.

import CSSL

/// A secret, prepared for signing. Safe from any thread.
final class SigningKey: @unchecked Sendable {  // cssl.h: never written after creation
    private let key: OpaquePointer

    init(_ secret: HiddenBytes) throws(SinkError) {
        guard let key = secret.bytes.withUnsafeBytes({ cssl_hmac_key_new($0.baseAddress, $0.count) }) else {
            throw .exhausted(what: "memory for OpenSSL")
        }
        self.key = key
    }

    deinit { cssl_hmac_key_free(key) }

    /// The code of `id.timestamp.body` in base64; nil where OpenSSL fails.
    func signature(id: String, timestamp: String, body: [UInt8]) -> String? {
        var code = [UInt8](repeating: 0, count: Int(CSSL_SHA256_BYTES))
        let (id, timestamp) = (Array(id.utf8), Array(timestamp.utf8))
        let isDone = id.withUnsafeBytes { id in
            timestamp.withUnsafeBytes { timestamp in
                body.withUnsafeBytes { body in
                    let separator = CChar(bitPattern: UInt8(ascii: "."))
                    return cssl_hmac_sha256_joined(key, separator, part(id), part(timestamp), part(body), &code)
                }
            }
        }
        return isDone ? base64(code) : nil
    }
}

/// The value of `webhook-signature`; nil where OpenSSL fails, for a request without one is not what was asked for.
func webhookSignature(_ keys: [SigningKey], id: String, timestamp: String, body: [UInt8]) -> String? {
    var signatures: [String] = []
    for key in keys {
        guard let signature = key.signature(id: id, timestamp: timestamp, body: body) else { return nil }
        signatures.append("v1," + signature)
    }
    return signatures.joined(separator: " ")
}

/// SHA-256 of `bytes`, its first half in hexadecimal; nil where OpenSSL fails.
func shortHash(_ bytes: [UInt8]) -> String? {
    var digest = [UInt8](repeating: 0, count: Int(CSSL_SHA256_BYTES))
    guard bytes.withUnsafeBytes({ cssl_sha256(part($0), &digest) }) else { return nil }
    return hex(digest[..<16])
}

/// Lower-case hexadecimal digits.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

private func part(_ bytes: UnsafeRawBufferPointer) -> cssl_bytes {
    cssl_bytes(start: bytes.baseAddress, count: bytes.count)
}
