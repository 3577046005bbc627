// Writing bytes, to arrays that grow and into room that is there already.

extension OutputSpan<UInt8> {
    /// Appends all of `bytes`. There must be room, as for one element.
    mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    /// Appends `text` as UTF-8.
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe append($0) }
    }

    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        precondition(bytes.count <= freeCapacity, "OutputSpan capacity overflow")
        unsafe withUnsafeMutableBufferPointer { room, count in
            guard let start = room.baseAddress, let source = bytes.baseAddress else { return }
            unsafe (start + count).initialize(from: source, count: bytes.count)
            count += bytes.count
        }
    }
}

func append(_ text: StaticString, to bytes: inout [UInt8]) {
    text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
}

func append(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
}

/// Lower-case hexadecimal digits.
func appendHex(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: span.count * 2) { output in
        for index in span.indices {
            output.append(lowerHex(span[index] >> 4))
            output.append(lowerHex(span[index] & 0xF))
        }
    }
}

private func lowerHex(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
}

/// How many bytes Base64 makes of `count`.
func base64Count(_ count: Int) -> Int { (count + 2) / 3 * 4 }

/// Base64 with padding (RFC 4648 §4).
func appendBase64(_ span: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
    var index = 0
    while index < span.count {
        let left = min(3, span.count - index)
        var group = UInt32(span[index]) << 16
        if left > 1 { group |= UInt32(span[index + 1]) << 8 }
        if left > 2 { group |= UInt32(span[index + 2]) }
        output.append(base64Digit(group >> 18))
        output.append(base64Digit(group >> 12 & 63))
        output.append(left > 1 ? base64Digit(group >> 6 & 63) : UInt8(ascii: "="))
        output.append(left > 2 ? base64Digit(group & 63) : UInt8(ascii: "="))
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
