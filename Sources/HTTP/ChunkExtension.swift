// The extensions behind the size of a chunk (RFC 9112 §7.1.1). They are read past and mean nothing here; but their form
// is checked, since a reader that sees another end of this line sees other chunks behind it (CVE-2025-55315).
//
//     5 ;name=value ; name="a quoted \" value" CRLF

/// Where in a chunk's extensions a decoder is.
enum ChunkExtension: Sendable {
    /// Behind a semicolon.
    case nameStart
    case name
    /// In the white space behind a name.
    case nameEnd
    /// Behind an equals sign.
    case valueStart
    case value
    case quoted
    /// Behind a backslash in quotes.
    case escaped
    /// Behind the closing quote.
    case quotedEnd
    /// In the white space behind a value.
    case valueEnd

    /// Whether the line may end here.
    var mayEnd: Bool {
        switch self {
        case .name, .value, .quotedEnd: true
        case .nameStart, .nameEnd, .valueStart, .quoted, .escaped, .valueEnd: false
        }
    }

    /// Where the decoder is behind `byte`; nil where the byte cannot stand here.
    func next(_ byte: UInt8) -> ChunkExtension? {
        switch self {
        case .nameStart: isWhitespace(byte) ? .nameStart : tokenCharacters.contains(byte) ? .name : nil
        case .name: tokenCharacters.contains(byte) ? .name : Self.behindName(byte)
        case .nameEnd: Self.behindName(byte)
        case .valueStart:
            byte == UInt8(ascii: "\"")
                ? .quoted : isWhitespace(byte) ? .valueStart : tokenCharacters.contains(byte) ? .value : nil
        case .value: tokenCharacters.contains(byte) ? .value : Self.behindValue(byte)
        case .quoted:
            byte == UInt8(ascii: "\"")
                ? .quotedEnd : byte == UInt8(ascii: "\\") ? .escaped : isFieldContent(byte) ? .quoted : nil
        case .escaped: isFieldContent(byte) ? .quoted : nil
        case .quotedEnd, .valueEnd: Self.behindValue(byte)
        }
    }

    private static func behindName(_ byte: UInt8) -> ChunkExtension? {
        if byte == UInt8(ascii: "=") { return .valueStart }
        if byte == UInt8(ascii: ";") { return .nameStart }
        return isWhitespace(byte) ? .nameEnd : nil
    }

    private static func behindValue(_ byte: UInt8) -> ChunkExtension? {
        if byte == UInt8(ascii: ";") { return .nameStart }
        return isWhitespace(byte) ? .valueEnd : nil
    }
}
