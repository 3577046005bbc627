// Appending to arrays of bytes.

func append(_ text: StaticString, to bytes: inout [UInt8]) {
    text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
}

func append(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
}

/// Lower-case hexadecimal digits.
func appendHex(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    for index in span.indices {
        bytes.append(lowerHex(span[index] >> 4))
        bytes.append(lowerHex(span[index] & 0xF))
    }
}

private func lowerHex(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
}

/// Base64 with padding (RFC 4648 §4).
func appendBase64(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + (span.count + 2) / 3 * 4 + 64)
    var index = 0
    while index < span.count {
        let left = min(3, span.count - index)
        var group = UInt32(span[index]) << 16
        if left > 1 { group |= UInt32(span[index + 1]) << 8 }
        if left > 2 { group |= UInt32(span[index + 2]) }
        bytes.append(base64Digit(group >> 18))
        bytes.append(base64Digit(group >> 12 & 63))
        bytes.append(left > 1 ? base64Digit(group >> 6 & 63) : UInt8(ascii: "="))
        bytes.append(left > 2 ? base64Digit(group & 63) : UInt8(ascii: "="))
        index += 3
    }
}

private func base64Digit(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    default: return value == 62 ? UInt8(ascii: "+") : UInt8(ascii: "/")
    }
}
