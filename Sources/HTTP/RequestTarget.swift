// A request target: its four forms, and the path by which a request finds its endpoint.

/// Whether the bytes are a target of one of the four forms (RFC 9112 §3.2): `/path?query`, `http://host/path?query`,
/// `*` for OPTIONS, and `host:port` for CONNECT.
func isTarget(_ target: Range<Int>, of method: Method, in bytes: borrowing Span<UInt8>) -> Bool {
    guard let first = target.first else { return false }
    if method == .connect { return isAuthority(target, in: bytes, needsPort: true) }
    if bytes[first] == UInt8(ascii: "/") { return isPathAndQuery(target, in: bytes) }
    if bytes[first] == UInt8(ascii: "*") { return target.count == 1 && method == .options }
    let scheme = hasPrefix(target, "http://", in: bytes) ? 7 : hasPrefix(target, "https://", in: bytes) ? 8 : 0
    guard scheme > 0 else { return false }
    var end = first + scheme
    while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
    return isAuthority(first + scheme..<end, in: bytes) && isPathAndQuery(end..<target.upperBound, in: bytes)
}

/// Whether the bytes may stand in the path and query of a URI (RFC 3986 §3.3, §3.4): no fragment, which is never sent,
/// and no percent sign but those of an encoding.
private func isPathAndQuery(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Bool {
    let characters = pathAndQueryCharacters
    var index = range.lowerBound
    while index < range.upperBound {
        if bytes[index] == UInt8(ascii: "%") {
            guard isPercentEncoded(at: index, before: range.upperBound, in: bytes) else { return false }
            index += 3
        } else {
            guard characters.contains(bytes[index]) else { return false }
            index += 1
        }
    }
    return true
}

/// Whether the percent sign at `index` has its two hexadecimal digits before `end` (RFC 3986 §2.1).
func isPercentEncoded(at index: Int, before end: Int, in bytes: borrowing Span<UInt8>) -> Bool {
    index + 2 < end && hexadecimalDigit(bytes[index + 1]) != nil && hexadecimalDigit(bytes[index + 2]) != nil
}

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
