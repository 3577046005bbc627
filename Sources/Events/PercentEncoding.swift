// Percent-encoding, in the two forms that events need: parts of a URI, and values of HTTP headers.

/// The value of a `ce-` header for an attribute's value (CloudEvents 1.0, HTTP protocol binding §3.1.3.2): space,
/// quotation mark, percent sign, and all that is not printable ASCII as the percent-encoded bytes of its UTF-8.
public func percentEncodedHeaderValue(_ value: String) -> String {
    var bytes: [UInt8] = []
    appendHeaderValue(Array(value.utf8)[...], to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// Appends what `percentEncodedHeaderValue` makes of UTF-8.
func appendHeaderValue(_ value: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
    // Most values need no encoding, and are then copied whole.
    if value.allSatisfy(isHeaderByte) {
        bytes.append(contentsOf: value)
    } else {
        for byte in value {
            if isHeaderByte(byte) { bytes.append(byte) } else { appendPercentEncoded(byte, to: &bytes) }
        }
    }
}

private func isHeaderByte(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "%")
}

private func appendPercentEncoded(_ byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "%"))
    bytes.append(upperHex(byte >> 4))
    bytes.append(upperHex(byte & 0xF))
}

private func upperHex(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
}

/// Appends `byte` as one segment of a URI's path may hold it (RFC 3986 §3.3, `pchar`).
func appendPathByte(_ byte: UInt8, to bytes: inout [UInt8]) {
    if isPathByte(byte) {
        bytes.append(byte)
    } else {
        appendPercentEncoded(byte, to: &bytes)
    }
}

/// Appends a text that stands in `bytes` already, as one segment of a URI's path.
func appendPathSegment(_ text: TextSlice, of bytes: inout [UInt8]) {
    // Ids need no encoding, and are then copied whole.
    if bytes[text.range].allSatisfy(isPathByte) {
        EventText.append(text, to: &bytes)
    } else {
        for index in text.range { appendPathByte(bytes[index], to: &bytes) }
    }
}

private func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):  // unreserved
        true
    case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
        UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
        UInt8(ascii: "="):  // sub-delims
        true
    case UInt8(ascii: ":"), UInt8(ascii: "@"): true
    default: false
    }
}
