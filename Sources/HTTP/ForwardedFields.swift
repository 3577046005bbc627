// The header fields in which proxies say whom they pass on: X-Forwarded-For, and Forwarded (RFC 7239). Each proxy
// appends an element, so the last one is that of the proxy that is nearest; what is further left was there when the
// request came to it, and may be anybody's invention. So the elements are taken from the right, and one that cannot be
// read, such as a quote without its end, never swallows what is right of it. Pure: bytes in, offsets out.

/// The header field that is looked at. Never both: a proxy that writes one passes on the other as it came.
public enum ForwardedHeader: String, CaseIterable, Sendable {
    /// `X-Forwarded-For`, a list of addresses.
    case xForwardedFor = "x-forwarded-for"
    /// `Forwarded`, a list of parameters, of which `for` is the client.
    case forwarded

    /// Whether a field is the one.
    func isName(of field: Field, in bytes: borrowing Span<UInt8>) -> Bool {
        switch self {
        case .xForwardedFor: isEqual(field.name, "x-forwarded-for", in: bytes)
        case .forwarded: isEqual(field.name, "forwarded", in: bytes)
        }
    }
}

/// Whom an element names.
public struct ForwardedAddress: Sendable, Equatable {
    /// Where the text of the address lies, without brackets. Whether it is an address is for the reader to find out.
    public var text: Range<Int>
    /// What it must be then.
    public var isIPv4: Bool
    /// The port; 0 where none is told.
    public var port: UInt16
}

/// Calls `body` with what the elements of the header's fields name, from the last to the first, until it returns false:
/// nil for one that is malformed, says `unknown`, or calls its client by a name of the proxy's own. Allocates nothing.
public func forEachForwardedAddress(
    of header: ForwardedHeader, in fields: [Field], _ bytes: borrowing Span<UInt8>,
    _ body: (ForwardedAddress?) -> Bool
) {
    var index = fields.count
    while index > 0 {
        index -= 1
        guard header.isName(of: fields[index], in: bytes) else { continue }
        var rest = fields[index].value
        while true {
            let comma = lastComma(in: bytes, rest, skipsQuoted: header == .forwarded)
            let element = trimmed((comma.map { $0 + 1 } ?? rest.lowerBound)..<rest.upperBound, in: bytes)
            let address =
                switch header {
                case .xForwardedFor: listedAddress(element, in: bytes)
                case .forwarded: parameterAddress(element, in: bytes)
                }
            guard body(address) else { return }
            guard let comma else { break }
            rest = rest.lowerBound..<comma
        }
    }
}

/// The comma before the last element. One within a quoted string is none, seen from the right as well: what a proxy
/// wrote last is well-formed, so its quotes are found in pairs before anything that was there earlier.
private func lastComma(in bytes: borrowing Span<UInt8>, _ range: Range<Int>, skipsQuoted: Bool) -> Int? {
    var isQuoted = false
    var index = range.upperBound
    while index > range.lowerBound {
        index -= 1
        switch bytes[index] {
        case UInt8(ascii: ",") where !isQuoted: return index
        case UInt8(ascii: "\"") where skipsQuoted && !(isQuoted && isEscaped(index, in: bytes, range)):
            isQuoted.toggle()
        default: continue
        }
    }
    return nil
}

/// Whether an odd number of backslashes is before the byte.
private func isEscaped(_ position: Int, in bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
    var index = position
    while index > range.lowerBound, bytes[index - 1] == UInt8(ascii: "\\") { index -= 1 }
    return (position - index) % 2 == 1
}

// MARK: X-Forwarded-For

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`: no standard says what is
/// allowed, these are what proxies write.
private func listedAddress(_ element: Range<Int>, in bytes: borrowing Span<UInt8>) -> ForwardedAddress? {
    let isBareIPv6 = colonCount(element, in: bytes) > 1 && bytes[element.lowerBound] != UInt8(ascii: "[")
    if isBareIPv6 { return ForwardedAddress(text: element, isIPv4: false, port: 0) }
    return node(element, in: bytes)
}

private func colonCount(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int {
    var count = 0
    for index in range where bytes[index] == UInt8(ascii: ":") { count += 1 }
    return count
}

// MARK: Forwarded

/// The `for` of one element's parameters: `for=192.0.2.1;proto=https;by="[2001:db8::1]:443"`.
private func parameterAddress(_ element: Range<Int>, in bytes: borrowing Span<UInt8>) -> ForwardedAddress? {
    var found: Range<Int>?
    var position = element.lowerBound
    while position < element.upperBound {
        let nameEnd = endOfToken(position..<element.upperBound, in: bytes)
        guard nameEnd > position, nameEnd < element.upperBound, bytes[nameEnd] == UInt8(ascii: "="),
            let value = parameterValue(nameEnd + 1..<element.upperBound, in: bytes)
        else { return nil }
        if isEqual(position..<nameEnd, "for", in: bytes) {
            // No parameter may occur twice in an element (RFC 7239 §4).
            if found != nil { return nil }
            found = value.content
        }
        position = skippingWhitespace(value.end..<element.upperBound, in: bytes)
        if position == element.upperBound { break }
        guard bytes[position] == UInt8(ascii: ";") else { return nil }
        position = skippingWhitespace(position + 1..<element.upperBound, in: bytes)
    }
    guard let found else { return nil }
    return node(found, in: bytes)
}

/// A token or a quoted string at the beginning of the range: what is in it, and where it ends.
private func parameterValue(
    _ range: Range<Int>, in bytes: borrowing Span<UInt8>
) -> (content: Range<Int>, end: Int)? {
    guard let start = range.first, bytes[start] == UInt8(ascii: "\"") else {
        let end = endOfToken(range, in: bytes)
        return end > range.lowerBound ? (range.lowerBound..<end, end) : nil
    }
    var index = start + 1
    while index < range.upperBound {
        if bytes[index] == UInt8(ascii: "\"") { return (start + 1..<index, index + 1) }
        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
}

private func skippingWhitespace(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int {
    var index = range.lowerBound
    while index < range.upperBound, isWhitespace(bytes[index]) { index += 1 }
    return index
}

// MARK: Both

/// `192.0.2.1` or `[2001:db8::1]`, with `:port` behind it or without (RFC 7239 §6).
private func node(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> ForwardedAddress? {
    guard let first = range.first else { return nil }
    let isIPv4 = bytes[first] != UInt8(ascii: "[")
    let start = isIPv4 ? first : first + 1
    var end = start
    while end < range.upperBound, bytes[end] != (isIPv4 ? UInt8(ascii: ":") : UInt8(ascii: "]")) { end += 1 }
    let text = start..<end
    if !isIPv4 {
        guard end < range.upperBound else { return nil }
        end += 1
    }
    guard end < range.upperBound else { return ForwardedAddress(text: text, isIPv4: isIPv4, port: 0) }
    guard bytes[end] == UInt8(ascii: ":"), let port = nodePort(end + 1..<range.upperBound, in: bytes) else {
        return nil
    }
    return ForwardedAddress(text: text, isIPv4: isIPv4, port: port)
}

/// One to five digits, or a name that begins with `_`, which is as good as no port (RFC 7239 §6).
private func nodePort(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> UInt16? {
    guard let first = range.first else { return nil }
    if bytes[first] == UInt8(ascii: "_") { return endOfToken(range, in: bytes) == range.upperBound ? 0 : nil }
    guard range.count <= 5 else { return nil }
    var value = 0
    for index in range {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        value = value * 10 + Int(digit)
    }
    return UInt16(exactly: value)
}
