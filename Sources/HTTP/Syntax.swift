// The alphabets of RFC 9110 and 9112, and comparisons over them.

import Glibc

/// A set of ASCII characters: one bit each.
struct CharacterSet: Sendable {
    private let low: UInt64
    private let high: UInt64

    init(_ characters: StaticString) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for index in 0..<characters.utf8CodeUnitCount {
            let byte = unsafe characters.utf8Start[index]
            if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
        }
        self.low = low
        self.high = high
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        return ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }
}

/// The characters of a token (RFC 9110 §5.6.2).
let tokenCharacters = CharacterSet("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

/// The characters that mean the same percent-encoded or not (RFC 3986 §2.3).
let unreservedCharacters = CharacterSet("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

/// The characters of a host's name (RFC 3986 §3.2.2): unreserved ones and sub-delims, but not the comma, which would
/// make a list of two hosts out of one.
let hostCharacters = CharacterSet("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!$&'()*+;=")

/// The characters of a path and a query, each as it is (RFC 3986 §3.3, §3.4).
let pathAndQueryCharacters = CharacterSet(
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!$&'()*+,;=:@/?")

/// The value of a hexadecimal digit.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Space and horizontal tab: optional white space (RFC 9110 §5.6.3).
@inline(__always)
func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// Whether the byte may stand in a field's value: visible, white space, or obs-text (RFC 9110 §5.5).
@inline(__always)
func isFieldContent(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7f : byte == 0x09 }

/// Where the first byte is that may not stand in a field's value; nil if all may.
///
/// Eight bytes are looked at in one step: most of a request's head is values, and byte by byte they would take half of
/// the parser's time.
func firstOutsideFieldContent(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var index = range.lowerBound
    while index + 8 <= range.upperBound {
        let word = unsafe bytes.bytes.unsafeLoadWord(at: index)
        // A byte's high bit is set in `low` if the byte is below 0x20, in `delete` if it is 0x7f, both among others.
        let low = (word &- ones &* 0x20) & ~word
        let flipped = word ^ (ones &* 0x7f)
        let delete = (flipped &- ones) & ~flipped
        if (low | delete) & highs != 0 { break }
        index += 8
    }
    while index < range.upperBound {
        if !isFieldContent(bytes[index]) { return index }
        index += 1
    }
    return nil
}

extension RawSpan {
    /// The eight bytes at `offset`, which must be there.
    @inline(__always)
    fileprivate func unsafeLoadWord(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 8 <= byteCount)
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }
}

/// Whether the bytes are `text`, which is ASCII, in any case of their letters.
public func isEqual(_ range: Range<Int>, _ text: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    // The C locale is in force, in which only ASCII letters have two cases.
    return unsafe bytes.extracting(range).bytes.withUnsafeBytes { bytes in
        guard let start = unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return true }
        return unsafe text.utf8Start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
            unsafe strncasecmp(start, $0, bytes.count) == 0
        }
    }
}

/// The range without the white space at its ends.
func trimmed(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, isWhitespace(bytes[start]) { start += 1 }
    while start < end, isWhitespace(bytes[end - 1]) { end -= 1 }
    return start..<end
}

/// Where the first LF at or behind `start` is.
func firstLineFeed(in bytes: borrowing Span<UInt8>, from start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress,
            let found = unsafe memchr(base + start, 0x0a, buffer.count - start)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}

/// Whether all of the bytes are token characters; an empty range is.
func isToken(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
    endOfToken(range, in: bytes) == range.upperBound
}

/// Where the token ends that begins the range.
func endOfToken(_ range: Range<Int>, in bytes: borrowing Span<UInt8>) -> Int {
    let tokens = tokenCharacters
    return unsafe bytes.extracting(range).withUnsafeBufferPointer { bytes in
        var index = 0
        while index < bytes.count, unsafe tokens.contains(bytes[index]) { index += 1 }
        return range.lowerBound + index
    }
}

/// Whether the bytes are exactly `text`.
func isExactly(_ range: Range<Int>, _ text: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
        guard unsafe text.utf8Start[index] == bytes[range.lowerBound + index] else { return false }
    }
    return true
}

/// Whether the bytes begin with `text`, which is in lower case, in any case of their letters.
func hasPrefix(_ range: Range<Int>, _ text: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
    range.count >= text.utf8CodeUnitCount && isEqual(range.prefix(text.utf8CodeUnitCount), text, in: bytes)
}
