// An event as one line of JSON (CloudEvents 1.0, JSON event format).

import Glibc

/// Appends the line of the event that `envelope` is about, its newline included.
///
/// The line is written in one go into room for the longest that it can become: to ask an array whether it must grow,
/// for each of some fifty pieces, took a quarter of the time (2.1 µs for the line of an 805-byte body, now 1.5).
func appendLine(of envelope: borrowing Envelope, body: Span<UInt8>, to output: inout [UInt8]) {
    let text = envelope.text.bytes.span
    output.append(addingCapacity: longestLine(of: envelope, body: body)) { line in
        appendAttributes(envelope.attributes, text, to: &line)
        switch envelope.dataForm {
        case .json:
            line.append("\",\"data\":")
            appendWithoutNewlines(body, to: &line)
            line.append("}\n")
        case .base64:
            line.append("\",\"data_base64\":\"")
            appendBase64(body, to: &line)
            line.append("\"}\n")
        }
    }
}

/// Each byte of a value may need a backslash, and Base64 makes four bytes of three. What stands around them is less
/// than 32 bytes for each attribute, its name included, and for the data.
private func longestLine(of envelope: borrowing Envelope, body: Span<UInt8>) -> Int {
    let data = envelope.dataForm == .json ? body.count : base64Count(body.count)
    return envelope.attributes.reduce((envelope.attributes.count + 1) * 32 + data) { $0 + 2 * $1.value.count }
}

/// Appends all of the line but its data and the quotation mark before it.
private func appendAttributes(
    _ attributes: [Envelope.Attribute], _ text: Span<UInt8>, to line: inout OutputSpan<UInt8>
) {
    let needsEscapes = contains(UInt8(ascii: "\""), text) || contains(UInt8(ascii: "\\"), text)
    var separator: StaticString = "{\""
    for attribute in attributes {
        line.append(separator)
        line.append(attribute.name.text)
        line.append("\":\"")
        let value = text.extracting(attribute.value.range)
        if needsEscapes {
            appendEscaped(value, to: &line)
        } else {
            line.append(value)
        }
        separator = "\",\""
    }
}

/// Appends a text that holds no control characters as the inside of a JSON string (RFC 8259 §7).
private func appendEscaped(_ text: Span<UInt8>, to line: inout OutputSpan<UInt8>) {
    for index in text.indices {
        let byte = text[index]
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { line.append(UInt8(ascii: "\\")) }
        line.append(byte)
    }
}

/// Appends JSON without its carriage returns and line feeds: unescaped, they can only be white space between tokens
/// (RFC 8259 §2, §7), and without them the text is the same value.
///
/// The next of either is searched only when the last one found was used, so a body on one line is searched twice,
/// and one of many lines with LF alone is not searched for CR at each.
private func appendWithoutNewlines(_ json: Span<UInt8>, to line: inout OutputSpan<UInt8>) {
    var start = 0
    var lineFeed = indexOf(UInt8(ascii: "\n"), in: json, from: 0)
    var carriageReturn = indexOf(UInt8(ascii: "\r"), in: json, from: 0)
    while start < json.count {
        let end = min(lineFeed, carriageReturn)
        line.append(json.extracting(start..<end))
        start = end + 1
        if end == lineFeed { lineFeed = indexOf(UInt8(ascii: "\n"), in: json, from: start) }
        if end == carriageReturn { carriageReturn = indexOf(UInt8(ascii: "\r"), in: json, from: start) }
    }
}

private func contains(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
    indexOf(byte, in: text, from: 0) < text.count
}

/// The index of the first `byte` at or behind `start`; the end where there is none. With memchr, which looks at many
/// bytes at once.
private func indexOf(_ byte: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int {
    unsafe bytes.withUnsafeBufferPointer { bytes in
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = unsafe memchr(base + start, Int32(byte), bytes.count - start)
        else { return bytes.count }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}
