// Hosts and ports, as they stand in `Host` and in two of the four forms of a target (RFC 3986 §3.2.2, §3.2.3).

/// Whether the bytes are `uri-host [":" port]` (RFC 9110 §7.2), with a host that is not empty.
///
/// User information is none of it: in a request it is an attempt to mislead (RFC 9110 §4.2.4).
///
/// - Parameter needsPort: whether a port must be there, as in CONNECT's target (RFC 9110 §9.3.6).
func isAuthority(_ range: Range<Int>, in bytes: borrowing Span<UInt8>, needsPort: Bool = false) -> Bool {
    guard let first = range.first else { return false }
    let hostEnd = bytes[first] == UInt8(ascii: "[") ? endOfLiteral(range, in: bytes) : endOfName(range, in: bytes)
    guard let hostEnd, hostEnd > first else { return false }
    if hostEnd == range.upperBound { return !needsPort }
    guard bytes[hostEnd] == UInt8(ascii: ":") else { return false }
    return isPort(hostEnd + 1..<range.upperBound, in: bytes, mayBeEmpty: !needsPort)
}

/// Where the name or IPv4 address ends that begins the range; nil where a percent sign is not one of an encoding.
private func endOfName(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int? {
    let characters = hostCharacters
    var index = range.lowerBound
    while index < range.upperBound {
        if bytes[index] == UInt8(ascii: "%") {
            guard isPercentEncoded(at: index, before: range.upperBound, in: bytes) else { return nil }
            index += 3
        } else {
            guard characters.contains(bytes[index]) else { return index }
            index += 1
        }
    }
    return index
}

/// Where the IPv6 address ends that begins the range with a bracket; nil where it is none. A literal of another
/// version has a meaning that nobody here knows, and is an error (RFC 3986 §3.2.2).
private func endOfLiteral(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int? {
    var index = range.lowerBound + 1
    while index < range.upperBound, bytes[index] != UInt8(ascii: "]") { index += 1 }
    guard index < range.upperBound, isIPv6Address(range.lowerBound + 1..<index, in: bytes) else { return nil }
    return index + 1
}

/// Whether the bytes are the number of a port, which may have zeros in front.
private func isPort(_ range: Range<Int>, in bytes: borrowing Span<UInt8>, mayBeEmpty: Bool) -> Bool {
    if range.isEmpty { return mayBeEmpty }
    var port = 0
    for index in range {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return false }
        port = port * 10 + Int(digit)
        guard port <= 65_535 else { return false }
    }
    return port > 0
}

/// Whether the bytes are an IPv6 address (RFC 3986 §3.2.2): eight groups of hexadecimal digits, of which `::` stands
/// for one or more that are zero, once, and an IPv4 address for the last two. No zone.
func isIPv6Address(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Bool {
    let colon = UInt8(ascii: ":")
    let end = range.upperBound
    var index = range.lowerBound
    var groups = 0
    var isCompressed = false
    if end - index >= 2, bytes[index] == colon, bytes[index + 1] == colon {
        isCompressed = true
        index += 2
    }
    while index < end {
        let start = index
        while index < end, hexadecimalDigit(bytes[index]) != nil { index += 1 }
        if index < end, bytes[index] == UInt8(ascii: ".") {
            guard isIPv4Address(start..<end, in: bytes) else { return false }
            groups += 2
            break
        }
        guard (1...4).contains(index - start) else { return false }
        groups += 1
        if index == end { break }
        guard bytes[index] == colon, index + 1 < end else { return false }
        index += 1
        if bytes[index] == colon {
            guard !isCompressed else { return false }
            isCompressed = true
            index += 1
        }
    }
    return isCompressed ? groups < 8 : groups == 8
}

/// Whether the bytes are four numbers from 0 to 255, without zeros in front, between dots.
private func isIPv4Address(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Bool {
    var numbers = 0
    var index = range.lowerBound
    while true {
        let start = index
        var number = 0
        while index < range.upperBound, bytes[index] &- UInt8(ascii: "0") <= 9, index - start < 3 {
            number = number * 10 + Int(bytes[index] - UInt8(ascii: "0"))
            index += 1
        }
        guard index > start, number <= 255, index - start == 1 || bytes[start] != UInt8(ascii: "0") else {
            return false
        }
        numbers += 1
        if index == range.upperBound { return numbers == 4 }
        guard bytes[index] == UInt8(ascii: "."), numbers < 4 else { return false }
        index += 1
    }
}
