// The four headers by which Sinch signs a callback, found among a request's header fields.

import Glibc

/// A header of Sinch's webhook signature.
public enum SignatureHeader: Int, Sendable, CaseIterable {
    case signature
    case timestamp
    case nonce
    case algorithm

    /// The field name in lower case, as Sinch's documentation prints it. Any case is accepted (RFC 9110 §5.1).
    public var name: StaticString {
        switch self {
        case .signature: "x-sinch-webhook-signature"
        case .timestamp: "x-sinch-webhook-signature-timestamp"
        case .nonce: "x-sinch-webhook-signature-nonce"
        case .algorithm: "x-sinch-webhook-signature-algorithm"
        }
    }
}

/// Where the signature's headers lie in the bytes of a request.
public struct SignatureHeaders: Sendable {
    private var values = InlineArray<4, Range<Int>?>(repeating: nil)
    private var doubled: SignatureHeader?

    /// No header found yet.
    public init() {}

    /// Takes note of a field if it is one of the signature's.
    ///
    /// - Parameters:
    ///   - name: where the field's name lies in `bytes`.
    ///   - value: where its value lies, without the white space around it.
    public mutating func take(name: Range<Int>, value: Range<Int>, in bytes: borrowing Span<UInt8>) {
        guard let header = SignatureHeader.named(name, in: bytes) else { return }
        if values[header.rawValue] != nil { doubled = header }
        values[header.rawValue] = value
    }

    /// Where the header's value lies; nil where the header is missing.
    public subscript(header: SignatureHeader) -> Range<Int>? { values[header.rawValue] }

    /// Where the value of a header lies that must be there.
    func required(_ header: SignatureHeader) throws(VerificationError) -> Range<Int> {
        guard let value = self[header] else { throw .missing(header) }
        return value
    }

    /// A header that came more than once could be read one way by us and another way by a proxy before us.
    func refuseDoubled() throws(VerificationError) {
        if let doubled { throw .doubled(doubled) }
    }
}

extension SignatureHeader {
    /// The header that the field name is, in any case of its letters. Told apart by length first: most fields are none.
    static func named(_ name: Range<Int>, in bytes: borrowing Span<UInt8>) -> SignatureHeader? {
        let candidate: SignatureHeader
        switch name.count {
        case 25: candidate = .signature
        case 31: candidate = .nonce
        case 35:
            // The two names of this length differ from their 27th character on.
            candidate = bytes[name.lowerBound + 26] | 0x20 == UInt8(ascii: "t") ? .timestamp : .algorithm
        default: return nil
        }
        return isEqual(name, candidate.name, in: bytes) ? candidate : nil
    }
}

/// Whether the bytes are `text`, which is ASCII, in any case of their letters.
func isEqual(_ range: Range<Int>, _ text: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    // The C locale is in force, in which only ASCII letters have two cases.
    return unsafe bytes.extracting(range).bytes.withUnsafeBytes { bytes in
        guard let start = unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return true }
        return unsafe text.utf8Start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
            unsafe strncasecmp(start, $0, bytes.count) == 0
        }
    }
}
