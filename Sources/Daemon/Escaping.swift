// Text from outside, made safe for a terminal and for a log: what moves the cursor, ends a line or turns the
// direction of writing is shown as an escape.

/// `text` with every character that a terminal would obey instead of showing written as an escape: C0 controls,
/// DEL, C1 controls, line and paragraph separators, and the marks that turn the direction of writing (with which
/// `exe.txt` is shown for `txt.exe`). `\n`, `\r`, `\t` by those names, others as `\u001b`.
///
/// Quotes and backslashes are left as they are.
public func escapingControls(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if isUnprintable(scalar) {
            escaped.append(contentsOf: escape(of: scalar).unicodeScalars)
        } else {
            escaped.append(scalar)
        }
    }
    return String(escaped)
}

/// `text` in double quotes, with quotes and backslashes escaped as in JSON besides all that
/// `escapingControls(_:)` escapes. What comes out is a JSON string.
public func quoted(_ text: String) -> String {
    var result = String.UnicodeScalarView("\"".unicodeScalars)
    for scalar in text.unicodeScalars {
        if isUnprintable(scalar) {
            result.append(contentsOf: escape(of: scalar).unicodeScalars)
        } else {
            if scalar == "\"" || scalar == "\\" { result.append("\\") }
            result.append(scalar)
        }
    }
    result.append("\"")
    return String(result)
}

/// Whether showing `scalar` as it is could mislead.
func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F: true
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    case 0x2028, 0x2029: true
    default: false
    }
}

private func escape(of scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
