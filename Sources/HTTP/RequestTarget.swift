// The path of a request target, by which a request finds its endpoint.

/// Where the path lies in a target: without scheme and authority (RFC 9112 §3.2.2) and without the query.
/// Empty for `*` and for CONNECT's `host:port`.
public func path(ofTarget target: Range<Int>, in bytes: borrowing Span<UInt8>) -> Range<Int> {
    var start = target.lowerBound
    if !target.isEmpty, bytes[start] != UInt8(ascii: "/") {
        start += hasPrefix(target, "https://", in: bytes) ? 8 : hasPrefix(target, "http://", in: bytes) ? 7 : 0
        while start < target.upperBound, bytes[start] != UInt8(ascii: "/"), bytes[start] != UInt8(ascii: "?") {
            start += 1
        }
    }
    guard start < target.upperBound, bytes[start] == UInt8(ascii: "/") else { return start..<start }
    var end = start
    while end < target.upperBound, bytes[end] != UInt8(ascii: "?") { end += 1 }
    return start..<end
}

/// Whether the path is `expected` once percent-encoded unreserved characters are decoded, which changes nothing of
/// what a URI means (RFC 3986 §6.2.2.2). Nothing else is decoded or resolved: `%2F` is no slash, and `..` no way up.
public func isPath(_ path: Range<Int>, _ expected: [UInt8], in bytes: borrowing Span<UInt8>) -> Bool {
    var index = path.lowerBound
    for wanted in expected {
        guard index < path.upperBound else { return false }
        var byte = bytes[index]
        index += 1
        if byte == UInt8(ascii: "%"), wanted != byte {
            guard index + 1 < path.upperBound, let high = hexadecimalDigit(bytes[index]),
                let low = hexadecimalDigit(bytes[index + 1])
            else { return false }
            byte = high << 4 | low
            guard unreservedCharacters.contains(byte) else { return false }
            index += 2
        }
        guard byte == wanted else { return false }
    }
    return index == path.upperBound
}
