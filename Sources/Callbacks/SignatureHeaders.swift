// The four headers by which Sinch signs a callback, found among a request's header fields.

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
        guard name.count >= 25, let header = SignatureHeader.named(name, in: bytes) else { return }
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
    /// The header that the field name is, in any case of its letters.
    static func named(_ name: Range<Int>, in bytes: borrowing Span<UInt8>) -> SignatureHeader? {
        for header in allCases where isEqual(name, header.name, in: bytes) { return header }
        return nil
    }
}

/// Whether the bytes are the ASCII `text`, which is in lower case, in any case of their letters.
func isEqual(_ range: Range<Int>, _ text: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    // From the end: the signature's names differ only there.
    for index in stride(from: range.count - 1, through: 0, by: -1) {
        var byte = bytes[range.lowerBound + index]
        if byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") { byte |= 0x20 }
        guard unsafe text.utf8Start[index] == byte else { return false }
    }
    return true
}
