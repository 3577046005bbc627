// A secret to sign with, in the form in which Standard Webhooks hands it around.

/// The bytes of a secret: base64 behind `whsec_`, or the bytes themselves. Nil where base64 should be and is not.
func signingSecret(_ text: [UInt8]) -> [UInt8]? {
    let prefix = Array("whsec_".utf8)
    guard text.starts(with: prefix) else { return text }
    guard let bytes = decodedBase64(text.dropFirst(prefix.count)), (24...64).contains(bytes.count) else { return nil }
    return bytes
}

/// The bytes that padded base64 of the standard alphabet stands for (RFC 4648 §4); nil for anything else.
func decodedBase64(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    var digits = Array(text)
    var padding = 0
    while padding < 2, digits.last == UInt8(ascii: "=") {
        digits.removeLast()
        padding += 1
    }
    var bytes: [UInt8] = []
    var pending: UInt32 = 0
    var bits = 0
    for digit in digits {
        guard let value = base64Value(digit) else { return nil }
        pending = pending << 6 | value
        bits += 6
        guard bits >= 8 else { continue }
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
    }
    // Bits that carry nothing must be zero, so that one text stands for one secret.
    return pending & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
}

private func base64Value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
}
