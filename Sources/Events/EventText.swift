// The texts of one event, one behind the other in one array: what was read from the body, and what was made of it.

/// Where a text lies in an `EventText`. An empty one is an absent one: Sinch writes "" for what it does not know.
struct TextSlice: Equatable {
    var start: Int
    var count: Int

    static let none = TextSlice(start: 0, count: 0)
    var isEmpty: Bool { count == 0 }
    var range: Range<Int> { start..<start + count }
}

/// Texts, gathered for one event and forgotten at the next.
struct EventText {
    /// Longer texts are left out of an event's attributes: they end up in HTTP headers, whose sum receivers
    /// limit, often to 8 KiB. The longest that is documented is a correlation id of 128 characters.
    static let limitBytes = 1024

    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Gathers what `write` appends, which is hookd's own and therefore fit for an attribute.
    mutating func gather(_ write: (inout [UInt8]) -> Void) -> TextSlice {
        let start = bytes.count
        write(&bytes)
        return TextSlice(start: start, count: bytes.count - start)
    }

    /// Gathers what `write` appends from outside; `.none` if that may not stand in an attribute.
    mutating func gatherForeign(_ write: (inout [UInt8]) -> Void) -> TextSlice {
        let slice = gather(write)
        guard slice.count <= Self.limitBytes, isAttributeText(bytes.span.extracting(slice.range)) else {
            bytes.removeLast(slice.count)
            return .none
        }
        return slice
    }

    func bytes(of slice: TextSlice) -> ArraySlice<UInt8> { bytes[slice.range] }

    func string(of slice: TextSlice) -> String { String(decoding: bytes[slice.range], as: UTF8.self) }

    func areEqual(_ a: TextSlice, _ b: TextSlice) -> Bool { bytes[a.range] == bytes[b.range] }

    /// Appends a text of this event to the one being gathered.
    static func append(_ slice: TextSlice, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: bytes[slice.range])
    }
}

/// Whether `text`, which must be UTF-8, may be the value of a CloudEvents attribute: CloudEvents 1.0 §2.3 ("String")
/// forbids control characters (U+0000–U+001F, U+007F–U+009F) and noncharacters.
///
/// A value that holds one is left out as a whole. Were only the character taken out, what is left would name some
/// other contact or message; and an id that holds an escape sequence is not an id, but somebody's try.
func isAttributeText(_ text: Span<UInt8>) -> Bool {
    isPrintableASCII(text) || hasOnlyAttributeCharacters(text)
}

/// Nearly every text is, and this looks at eight bytes in one step: the high bit of a byte of `others` is set by any
/// byte below 0x20 or above 0x7E (and sometimes by the neighbour of one, which does no harm).
private func isPrintableASCII(_ text: Span<UInt8>) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    return unsafe text.bytes.withUnsafeBytes { bytes in
        var others: UInt64 = 0
        var index = 0
        while index + 8 <= bytes.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            others |= (word &- ones &* 0x20) | (word &+ ones) | word
            index += 8
        }
        while index < bytes.count {
            let byte = unsafe bytes[index]
            others |= byte &- 0x20 < 0x5F ? 0 : 0x80
            index += 1
        }
        return others & (ones &* 0x80) == 0
    }
}

private func hasOnlyAttributeCharacters(_ text: Span<UInt8>) -> Bool {
    for index in text.indices {
        let byte = text[index]
        if byte < 0x20 || byte == 0x7F { return false }
        if byte == 0xC2, index + 1 < text.count, text[index + 1] < 0xA0 { return false }
        if byte >= 0xEF, isNoncharacter(text, at: index) { return false }
    }
    return true
}

/// Whether U+FDD0–U+FDEF, or the last two of a plane (U+FFFE, U+FFFF, U+1FFFE, …), begin at `index`.
private func isNoncharacter(_ text: Span<UInt8>, at index: Int) -> Bool {
    if text[index] == 0xEF {
        guard index + 2 < text.count else { return false }
        let (second, third) = (text[index + 1], text[index + 2])
        return second == 0xB7 ? (0x90...0xAF).contains(third) : second == 0xBF && third >= 0xBE
    }
    guard index + 3 < text.count else { return false }
    return text[index + 1] & 0x0F == 0x0F && text[index + 2] == 0xBF && text[index + 3] >= 0xBE
}
