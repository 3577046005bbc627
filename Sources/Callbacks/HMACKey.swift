// OpenSSL's HMAC-SHA256, SHA-256 and equality as one safe type and a digest: nothing outside this file sees CSSL.

internal import CSSL

/// A SHA-256 digest or an HMAC-SHA256 code: 32 bytes.
public struct Digest: Sendable {
    /// The bytes.
    public var bytes = InlineArray<32, UInt8>(repeating: 0)

    /// All zero.
    init() {}

    /// SHA-256 of `message`.
    public init(of message: borrowing Span<UInt8>) throws(CryptographyError) {
        let done = unsafe message.bytes.withUnsafeBytes { message in
            unsafe withUnsafeMutableDigest { out in unsafe cssl_sha256(cssl_bytes(message), out) }
        }
        guard done else { throw .fromQueue() }
    }

    /// Reads the base64 of a digest: 44 characters of the standard alphabet with padding, exactly one text for each
    /// digest (RFC 4648 §3.5, §4). Nil for any other text.
    public init?(base64 text: borrowing Span<UInt8>) {
        let done = unsafe text.bytes.withUnsafeBytes { text in
            unsafe withUnsafeMutableDigest { out in unsafe cssl_base64_decode_32(cssl_bytes(text), out) }
        }
        guard done else { return nil }
    }

    /// The digest in base64 with padding: 44 characters.
    public var base64: String {
        unsafe String(unsafeUninitializedCapacity: Int(CSSL_SHA256_BASE64_BYTES)) { text in
            guard let text = text.baseAddress else { return 0 }
            return unsafe withUnsafeBytes(of: bytes) { digest in
                guard let digest = digest.baseAddress else { return 0 }
                unsafe cssl_base64_encode_32(digest, text)
                return Int(CSSL_SHA256_BASE64_BYTES)
            }
        }
    }

    /// Whether both are equal, in a time that does not depend on where they differ.
    public func isEqualInConstantTime(to other: Digest) -> Bool {
        unsafe withUnsafeBytes(of: bytes) { left in
            unsafe withUnsafeBytes(of: other.bytes) { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return false }
                return unsafe cssl_equal(left, right, Int(CSSL_SHA256_BYTES))
            }
        }
    }

    fileprivate mutating func withUnsafeMutableDigest(_ write: (UnsafeMutablePointer<UInt8>) -> Bool) -> Bool {
        unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
            guard let start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return false }
            return unsafe write(start)
        }
    }
}

/// A webhook secret, prepared for signing. Safe from any thread.
@safe public final class HMACKey: @unchecked Sendable {  // cssl.h: never written after creation
    private let key: OpaquePointer

    /// Prepares `secret`, whose bytes are taken as they are, whatever their number (RFC 2104 §2).
    public init(secret: [UInt8]) throws(CryptographyError) {
        guard let key = unsafe cssl_hmac_key_new(secret, secret.count) else { throw .fromQueue() }
        unsafe self.key = key
    }

    deinit { unsafe cssl_hmac_key_free(key) }

    /// HMAC-SHA256 over body, dot, nonce, dot, timestamp: what Sinch signs.
    public func code(
        body: borrowing Span<UInt8>, nonce: borrowing Span<UInt8>, timestamp: borrowing Span<UInt8>
    ) throws(CryptographyError) -> Digest {
        let dot = CChar(bitPattern: UInt8(ascii: "."))
        var code = Digest()
        let done = unsafe body.bytes.withUnsafeBytes { body in
            unsafe nonce.bytes.withUnsafeBytes { nonce in
                unsafe timestamp.bytes.withUnsafeBytes { timestamp in
                    unsafe code.withUnsafeMutableDigest { out in
                        unsafe cssl_hmac_sha256_joined(
                            key, dot, cssl_bytes(body), cssl_bytes(nonce), cssl_bytes(timestamp), out)
                    }
                }
            }
        }
        guard done else { throw .fromQueue() }
        return code
    }
}

/// OpenSSL did not do what it always does.
public struct CryptographyError: Error, Sendable, CustomStringConvertible {
    /// The text of the oldest error in OpenSSL's queue.
    public let reason: String

    /// What was wrong, where, and what to do.
    public var description: String {
        "OpenSSL cannot compute HMAC-SHA256: \(reason). Look for a FIPS or security policy in openssl.cnf."
    }

    /// Takes the reason from this thread's error queue, and clears that.
    fileprivate static func fromQueue() -> CryptographyError {
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            unsafe cssl_error_text(start, buffer.count)
            return unsafe String(cString: start)
        }
        return CryptographyError(reason: text.isEmpty ? "it gave no reason" : text)
    }
}

extension cssl_bytes {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.init(start: bytes.baseAddress, count: bytes.count)
    }
}
