// An event as one line of JSON (CloudEvents 1.0, JSON event format).

import Glibc

/// Appends the line of the event that `envelope` is about, its newline included.
func appendLine(of envelope: borrowing Envelope, body: Span<UInt8>, to output: inout [UInt8]) {
    var separator: StaticString = "{\""
    for attribute in envelope.attributes {
        append(separator, to: &output)
        append(attribute.name.text, to: &output)
        append("\":\"", to: &output)
        appendEscaped(envelope.text.bytes(of: attribute.value), to: &output)
        separator = "\",\""
    }
    switch envelope.dataForm {
    case .json:
        append("\",\"data\":", to: &output)
        appendWithoutNewlines(body, to: &output)
        append("}\n", to: &output)
    case .base64:
        append("\",\"data_base64\":\"", to: &output)
        appendBase64(body, to: &output)
        append("\"}\n", to: &output)
    }
}

/// Appends a text that holds no control characters as the inside of a JSON string (RFC 8259 §7).
private func appendEscaped(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
    var rest = text
    while let index = rest.firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
        output.append(contentsOf: rest[..<index])
        output.append(UInt8(ascii: "\\"))
        output.append(rest[index])
        rest = rest[(index + 1)...]
    }
    output.append(contentsOf: rest)
}

/// Appends JSON without its carriage returns and line feeds: unescaped, they can only be white space between tokens
/// (RFC 8259 §2, §7), and without them the text is the same value.
func appendWithoutNewlines(_ json: Span<UInt8>, to output: inout [UInt8]) {
    unsafe json.withUnsafeBufferPointer { unsafe appendWithoutNewlines($0, to: &output) }
}

/// The next of either is searched only when the last one found was used, so a body on one line is searched twice,
/// and one of many lines with LF alone is not searched for CR at each.
private func appendWithoutNewlines(_ json: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
    var start = 0
    var lineFeed = unsafe indexOf(UInt8(ascii: "\n"), in: json, from: 0)
    var carriageReturn = unsafe indexOf(UInt8(ascii: "\r"), in: json, from: 0)
    while start < json.count {
        let end = min(lineFeed, carriageReturn)
        unsafe output.append(contentsOf: json[start..<end])
        start = end + 1
        if end == lineFeed { lineFeed = unsafe indexOf(UInt8(ascii: "\n"), in: json, from: start) }
        if end == carriageReturn { carriageReturn = unsafe indexOf(UInt8(ascii: "\r"), in: json, from: start) }
    }
}

/// The index of the first `byte` at or behind `start`; the end where there is none. With memchr, which looks at many
/// bytes at once.
private func indexOf(_ byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard start < bytes.count, let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, Int32(byte), bytes.count - start)
    else { return bytes.count }
    return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
}
