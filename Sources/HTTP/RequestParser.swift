// Parses the head of an HTTP/1.1 request (RFC 9112 §2 to §6) out of raw bytes: no sockets, no clock, no allocation
// for a header field. A head that has not arrived whole is no error: the answer is `.incomplete`.

/// What a parser made of the bytes it was given.
public enum HeadResult: Sendable, Equatable {
    /// The head goes on behind these bytes. `scanned` of them need not be looked at again.
    case incomplete(scanned: Int)
    /// The head is whole. Its fields are in the parser's `fields`.
    case complete(RequestHead)
}

/// A parser of request heads. One serves many connections, one head after the other.
public struct RequestParser: Sendable {
    /// The longest method that is told from an unknown one, in bytes.
    static let longestMethodBytes = 32

    /// The fields of the head that was last parsed, in their order.
    public private(set) var fields: [Field] = []

    private let limits: RequestLimits

    /// A parser that refuses what is larger than `limits`.
    public init(limits: RequestLimits) {
        self.limits = limits
        fields.reserveCapacity(limits.fieldCount)
    }

    /// Parses a head.
    ///
    /// - Parameters:
    ///   - bytes: what has arrived of the request, from its first byte.
    ///   - scanned: what the last `.incomplete` for this request said; 0 at first.
    public mutating func parse(
        _ bytes: borrowing Span<UInt8>, scanned: Int = 0
    ) throws(RequestError) -> HeadResult {
        // A server ought to overlook an empty line before the request line (RFC 9112 §2.2); only one is.
        let start = bytes.count >= 2 && bytes[0] == 0x0d && bytes[1] == 0x0a ? 2 : 0
        // Whatever follows a first byte that no method has, such as a TLS hello's, it becomes no request. A CR alone
        // may become that empty line.
        if bytes.count > max(start, 1) || (bytes.count == 1 && bytes[0] != 0x0d) {
            guard tokenCharacters.contains(bytes[start]) else { throw .requestLineInvalid }
        }
        switch endOfHead(in: bytes, from: max(scanned, start)) {
        case .incomplete(let scanned):
            if bytes.count > limits.headBytes { throw tooLarge(bytes, start: start) }
            return .incomplete(scanned: scanned)
        case .complete(let end):
            guard end <= limits.headBytes else { throw tooLarge(bytes, start: start) }
            return .complete(try parseHead(bytes, start: start, end: end))
        }
    }

    // MARK: The end of the head

    private enum Search {
        case incomplete(scanned: Int)
        case complete(end: Int)
    }

    /// Looks for an empty line. One that follows a bare LF counts, so that the head is looked at and refused.
    private func endOfHead(in bytes: borrowing Span<UInt8>, from scanned: Int) -> Search {
        var from = scanned
        while let lineFeed = firstLineFeed(in: bytes, from: from) {
            let next = lineFeed + 1
            if next < bytes.count, bytes[next] == 0x0a { return .complete(end: next + 1) }
            if next + 1 < bytes.count, bytes[next] == 0x0d, bytes[next + 1] == 0x0a {
                return .complete(end: next + 2)
            }
            // What decides may not have arrived: this LF is to be looked at again.
            if next >= bytes.count || (bytes[next] == 0x0d && next + 1 >= bytes.count) {
                return .incomplete(scanned: lineFeed)
            }
            from = next
        }
        return .incomplete(scanned: bytes.count)
    }

    /// The error for a head beyond its limit: the same however the bytes arrive.
    private func tooLarge(_ bytes: borrowing Span<UInt8>, start: Int) -> RequestError {
        let endOfLine = firstLineFeed(in: bytes, from: start) ?? .max
        return endOfLine < limits.headBytes ? .headTooLarge : .targetTooLong
    }

    // MARK: The lines

    private mutating func parseHead(
        _ bytes: borrowing Span<UInt8>, start: Int, end: Int
    ) throws(RequestError) -> RequestHead {
        fields.removeAll(keepingCapacity: true)
        let requestLine = try line(in: bytes, from: start, end: end)
        var head = try parseRequestLine(bytes, requestLine)
        head.byteCount = end
        var seen = FramingFields()
        var position = requestLine.upperBound + 2
        while true {
            let line = try line(in: bytes, from: position, end: end)
            if line.isEmpty { break }
            guard fields.count < limits.fieldCount else { throw .tooManyFields }
            let field = try parseField(bytes, line)
            fields.append(field)
            try seen.take(field, in: bytes)
            position = line.upperBound + 2
        }
        try seen.decide(&head, limits: limits)
        return head
    }

    /// The next line without its CR LF.
    private func line(in bytes: borrowing Span<UInt8>, from start: Int, end: Int) throws(RequestError) -> Range<Int> {
        guard let lineFeed = firstLineFeed(in: bytes, from: start), lineFeed < end, lineFeed > start,
            bytes[lineFeed - 1] == 0x0d
        else { throw .lineEndInvalid }
        return start..<lineFeed - 1
    }

    private func parseRequestLine(
        _ bytes: borrowing Span<UInt8>, _ line: Range<Int>
    ) throws(RequestError) -> RequestHead {
        guard let methodEnd = firstSpace(in: bytes, line) else { throw .requestLineInvalid }
        let method = try parseMethod(bytes, line.lowerBound..<methodEnd)
        let rest = methodEnd + 1..<line.upperBound
        guard let targetEnd = firstSpace(in: bytes, rest) else { throw .requestLineInvalid }
        let target = rest.lowerBound..<targetEnd
        // Before the target, so that HTTP/2 is told what is spoken here: its preface has a target of its own kind.
        let minorVersion = try parseVersion(bytes, targetEnd + 1..<line.upperBound)
        guard isTarget(target, of: method, in: bytes) else { throw .targetInvalid }
        return RequestHead(
            method: method, target: target, minorVersion: minorVersion, framing: .none, isPersistent: false,
            expectsContinue: false, byteCount: 0)
    }

    private func firstSpace(in bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == 0x20 { return index }
            index += 1
        }
        return nil
    }

    /// Methods are case-sensitive (RFC 9110 §9.1).
    private func parseMethod(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(RequestError) -> Method {
        guard !range.isEmpty, isToken(bytes, range) else { throw .requestLineInvalid }
        guard range.count <= Self.longestMethodBytes else { throw .methodTooLong }
        if isExactly(range, "POST", in: bytes) { return .post }
        if isExactly(range, "GET", in: bytes) { return .get }
        if isExactly(range, "HEAD", in: bytes) { return .head }
        if isExactly(range, "OPTIONS", in: bytes) { return .options }
        if isExactly(range, "TRACE", in: bytes) { return .trace }
        if isExactly(range, "CONNECT", in: bytes) { return .connect }
        return .other
    }

    private func parseVersion(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(RequestError) -> Int {
        guard range.count == 8, isExactly(range.prefix(5), "HTTP/", in: bytes),
            bytes[range.lowerBound + 6] == UInt8(ascii: ".")
        else { throw .requestLineInvalid }
        let major = bytes[range.lowerBound + 5] &- UInt8(ascii: "0")
        let minor = bytes[range.lowerBound + 7] &- UInt8(ascii: "0")
        guard major <= 9, minor <= 9 else { throw .requestLineInvalid }
        guard major == 1, minor <= 1 else { throw .versionNotSupported }
        return Int(minor)
    }

    private func parseField(_ bytes: borrowing Span<UInt8>, _ line: Range<Int>) throws(RequestError) -> Field {
        if isWhitespace(bytes[line.lowerBound]) { throw .fieldFolded }
        let colon = endOfToken(line, in: bytes)
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
            throw .fieldNameInvalid
        }
        if let wrong = firstOutsideFieldContent(colon + 1..<line.upperBound, in: bytes) {
            throw bytes[wrong] == 0x0d || bytes[wrong] == 0 ? .lineEndInvalid : .fieldValueInvalid
        }
        return Field(
            name: line.lowerBound..<colon, value: trimmed(colon + 1..<line.upperBound, in: bytes))
    }
}
