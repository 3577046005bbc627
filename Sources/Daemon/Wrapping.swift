// Lines for a terminal: how wide text is there, and where a line that is too long is broken.

/// How many columns a terminal gives `text`: none to the codes of colours and to marks on another character, two to
/// what is as wide as it is high.
func columns(of text: String) -> Int {
    var count = 0
    var isCode = false
    for scalar in text.unicodeScalars {
        if scalar == "\u{1B}" { isCode = true }
        if !isCode { count += columns(of: scalar) }
        if scalar == "m" { isCode = false }
    }
    return count
}

private func columns(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20..<0x300: return 1
    // East Asian wide and full-width characters, and emoji (Unicode's EastAsianWidth.txt).
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        return 2
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return 1
    }
}

/// `line`, broken between words where it has more than `limit` columns; what goes on begins with `indent` blanks. A
/// word that is longer than that is left whole, for it may be copied from the terminal.
public func wrapped(_ line: String, at limit: Int, indent: Int) -> String {
    var result = ""
    var used = 0
    var rest = line[...]
    while !rest.isEmpty {
        let blanks = rest.prefix { $0 == " " }
        let word = rest[blanks.endIndex...].prefix { $0 != " " }
        rest = rest[word.endIndex...]
        let width = columns(of: String(word))
        // Blanks at the very beginning are the line's own indent, and no place to break it.
        if !result.isEmpty, used + blanks.count + width > limit {
            result += "\n" + String(repeating: " ", count: indent) + word
            used = indent + width
        } else {
            result += blanks + word
            used += blanks.count + width
        }
    }
    return result
}
