// Decodes the chunked transfer coding (RFC 9112 §7.1) in place: the data of the chunks moves down over their
// framing, so that a body ends up in one piece without a second buffer.
//
//     before   head | 4 CRLF d a t a CRLF | 2 CRLF m o CRLF | …
//     after    head | d a t a m o | (free)

import Glibc

/// The state of one chunked body. Strict: every line ends in CR LF, a size is plain hexadecimal digits, and nothing
/// but an extension follows it. White space there is legal before a semicolon, and refused all the same: other readers
/// go on behind it in other ways.
public struct ChunkedDecoder: Sendable {
    private enum State {
        /// Before the first digit of a chunk's size.
        case sizeStart
        /// In the size.
        case size
        /// In the extensions behind the size.
        case sizeExtension(ChunkExtension)
        /// Behind the CR of the size's line.
        case sizeLineFeed
        /// In the data, with this many bytes to come.
        case data(Int)
        /// Behind the data.
        case dataCarriageReturn
        case dataLineFeed
        /// At the start of a line behind the last chunk.
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLineFeed
        /// Behind the CR of the empty line.
        case endLineFeed
        case done
    }

    private var state = State.sizeStart
    private var size = 0
    private var bodyBytes = 0
    private var overheadBytes = 0
    private let limits: RequestLimits

    /// A decoder for a body within `limits`; extensions and trailers together within `limits.headBytes`.
    public init(limits: RequestLimits) {
        self.limits = limits
    }

    /// Decodes what has arrived.
    ///
    /// - Parameters:
    ///   - bytes: the buffer that holds both the data decoded so far and the input behind it.
    ///   - input: what is still coded; its start moves up to what was not needed or not understood yet.
    ///   - bodyEnd: where the data decoded so far ends; it moves up.
    /// - Returns: whether the body is whole. What is left of `input` is then the next request.
    public mutating func decode(
        _ bytes: inout MutableSpan<UInt8>, input: inout Range<Int>, bodyEnd: inout Int
    ) throws(RequestError) -> Bool {
        var index = input.lowerBound
        while index < input.upperBound {
            if case .data(let remaining) = state {
                let count = min(remaining, input.upperBound - index)
                move(&bytes, from: index, to: bodyEnd, count: count)
                bodyEnd += count
                index += count
                state = count == remaining ? .dataCarriageReturn : .data(remaining - count)
            } else {
                try step(bytes[index])
                index += 1
                if case .done = state {
                    input = index..<input.upperBound
                    return true
                }
            }
        }
        input = index..<input.upperBound
        return false
    }

    private func move(_ bytes: inout MutableSpan<UInt8>, from source: Int, to target: Int, count: Int) {
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, source != target else { return }
            unsafe memmove(base + target, base + source, count)
        }
    }

    private mutating func step(_ byte: UInt8) throws(RequestError) {
        switch state {
        case .sizeStart:
            guard let digit = hexadecimalDigit(byte) else { throw .chunkInvalid }
            size = Int(digit)
            state = .size
        case .size: try stepSize(byte)
        case .sizeExtension(let place): try stepExtension(byte, place)
        case .sizeLineFeed: try endSizeLine(byte)
        case .dataCarriageReturn: try expect(0x0d, byte, then: .dataLineFeed)
        case .dataLineFeed: try expect(0x0a, byte, then: .sizeStart)
        case .trailerStart: try startTrailer(byte)
        case .trailerName:
            if byte == UInt8(ascii: ":") { state = .trailerValue }
            guard byte == UInt8(ascii: ":") || tokenCharacters.contains(byte) else { throw .fieldNameInvalid }
            try takeOverhead(byte)
        case .trailerValue:
            if byte == 0x0d { state = .trailerLineFeed } else { try takeOverhead(byte) }
        case .trailerLineFeed: try expect(0x0a, byte, then: .trailerStart)
        case .endLineFeed: try expect(0x0a, byte, then: .done)
        case .data, .done: break
        }
    }

    private mutating func stepSize(_ byte: UInt8) throws(RequestError) {
        if let digit = hexadecimalDigit(byte) {
            // Checked after every digit, so `size` cannot overflow; leading zeros are overhead.
            if size == 0 { try takeOverhead(byte) }
            size = size * 16 + Int(digit)
            guard size <= limits.bodyBytes else { throw .bodyTooLarge }
        } else if byte == 0x0d {
            state = .sizeLineFeed
        } else if byte == UInt8(ascii: ";") {
            state = .sizeExtension(.nameStart)
        } else {
            throw .chunkInvalid
        }
    }

    private mutating func stepExtension(_ byte: UInt8, _ place: ChunkExtension) throws(RequestError) {
        if byte == 0x0d, place.mayEnd {
            state = .sizeLineFeed
        } else {
            guard let next = place.next(byte) else { throw .chunkInvalid }
            state = .sizeExtension(next)
            try takeOverhead(byte)
        }
    }

    private mutating func endSizeLine(_ byte: UInt8) throws(RequestError) {
        guard byte == 0x0a else { throw .chunkInvalid }
        guard size > 0 else {
            state = .trailerStart
            return
        }
        bodyBytes += size
        guard bodyBytes <= limits.bodyBytes else { throw .bodyTooLarge }
        state = .data(size)
    }

    private mutating func startTrailer(_ byte: UInt8) throws(RequestError) {
        if byte == 0x0d {
            state = .endLineFeed
        } else {
            guard tokenCharacters.contains(byte) else { throw .fieldNameInvalid }
            try takeOverhead(byte)
            state = .trailerName
        }
    }

    private mutating func expect(_ expected: UInt8, _ byte: UInt8, then next: State) throws(RequestError) {
        guard byte == expected else { throw .chunkInvalid }
        state = next
    }

    /// Counts a byte of an extension or a trailer, which are read past and never used.
    private mutating func takeOverhead(_ byte: UInt8) throws(RequestError) {
        guard isFieldContent(byte) else { throw .chunkInvalid }
        overheadBytes += 1
        guard overheadBytes <= limits.headBytes else { throw .chunkOverheadTooLarge }
    }
}
