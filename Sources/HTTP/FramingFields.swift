// The header fields that decide where a request ends and what becomes of the connection (RFC 9112 §6, §9.3).
// This is where request smuggling happens: whatever two readers could take in two ways is refused.

/// What the framing fields of one head said.
struct FramingFields {
    private var length: Int?
    private var isChunked = false
    private var hostCount = 0
    private var closes = false
    private var expectsContinue = false

    /// Takes note of a field if it concerns framing.
    mutating func take(_ field: Field, in bytes: borrowing Span<UInt8>) throws(RequestError) {
        // Told apart by length first: no other field costs a comparison.
        switch field.name.count {
        case 4 where isEqual(field.name, "host", in: bytes): try takeHost(field.value, in: bytes)
        case 6 where isEqual(field.name, "expect", in: bytes):
            guard isEqual(field.value, "100-continue", in: bytes) else { throw .expectationUnknown }
            expectsContinue = true
        case 10 where isEqual(field.name, "connection", in: bytes): try takeConnection(field.value, in: bytes)
        case 14 where isEqual(field.name, "content-length", in: bytes):
            // Even equal repeats are refused: one sender, one length.
            guard length == nil else { throw .contentLengthInvalid }
            length = try parseContentLength(field.value, in: bytes)
        case 17 where isEqual(field.name, "transfer-encoding", in: bytes):
            guard !isChunked else { throw .transferEncodingInvalid }
            try takeTransferEncoding(field.value, in: bytes)
        default: break
        }
    }

    /// Writes the verdict into the head.
    func decide(_ head: inout RequestHead, limits: RequestLimits) throws(RequestError) {
        // An HTTP/1.1 request must have Host; a 1.0 one may (RFC 9112 §3.2).
        guard hostCount == 1 || (head.minorVersion == 0 && hostCount == 0) else { throw .hostInvalid }
        if isChunked {
            guard length == nil else { throw .framingAmbiguous }
            guard head.minorVersion == 1 else { throw .transferEncodingInvalid }
            head.framing = .chunked
        } else if let length, length > 0 {
            guard length <= limits.bodyBytes else { throw .bodyTooLarge }
            head.framing = .length(length)
        }
        // A 1.0 client that asks for keep-alive must be told that it gets it (RFC 9112 §C.2.2): none does here.
        head.isPersistent = head.minorVersion == 1 && !closes
        // A 1.0 client cannot wait for 100 (RFC 9110 §10.1.1), and without a body there is nothing to wait for.
        head.expectsContinue = expectsContinue && head.minorVersion == 1 && head.framing != .none
    }

    /// `uri-host [":" port]`, or nothing, which stands for a target without an authority (RFC 9110 §7.2).
    private mutating func takeHost(_ value: Range<Int>, in bytes: borrowing Span<UInt8>) throws(RequestError) {
        hostCount += 1
        guard hostCount == 1 else { throw .hostInvalid }
        guard value.isEmpty || isAuthority(value, in: bytes) else { throw .hostInvalid }
    }

    /// A list of tokens (RFC 9110 §7.6.1). What it names besides `close` concerns proxies: a length or a coding that
    /// is named here is heeded all the same.
    private mutating func takeConnection(
        _ value: Range<Int>, in bytes: borrowing Span<UInt8>
    ) throws(RequestError) {
        var isList = true
        forEachElement(of: value, in: bytes) { option, bytes in
            if isEqual(option, "close", in: bytes) { closes = true }
            if !isToken(bytes, option) { isList = false }
        }
        guard isList else { throw .connectionInvalid }
    }

    /// Only `chunked`, once and alone, is served. Another coding that exists is 501, a malformed list is 400
    /// (RFC 9112 §6.1).
    private mutating func takeTransferEncoding(
        _ value: Range<Int>, in bytes: borrowing Span<UInt8>
    ) throws(RequestError) {
        if isEqual(value, "chunked", in: bytes) {
            isChunked = true
        } else if !value.isEmpty, isToken(bytes, value) {
            throw .transferEncodingUnknown
        } else {
            throw .transferEncodingInvalid
        }
    }
}

/// Reads the value of a `Content-Length` field (RFC 9110 §8.6: `1*DIGIT`).
///
/// - Returns: the length in bytes, or `Int.max` for any number that is larger.
func parseContentLength(_ value: Range<Int>, in bytes: borrowing Span<UInt8>) throws(RequestError) -> Int {
    guard !value.isEmpty else { throw .contentLengthInvalid }
    var length = 0
    for index in value {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { throw .contentLengthInvalid }
        let (tenfold, overflow) = length.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tenfold.addingReportingOverflow(Int(digit))
        length = overflow || carry ? Int.max : sum
    }
    return length
}

/// Calls `body` with each non-empty element of a comma-separated list (RFC 9110 §5.6.1).
func forEachElement(
    of list: Range<Int>, in bytes: borrowing Span<UInt8>, _ body: (Range<Int>, borrowing Span<UInt8>) -> Void
) {
    var start = list.lowerBound
    var index = start
    while index <= list.upperBound {
        if index == list.upperBound || bytes[index] == UInt8(ascii: ",") {
            let element = trimmed(start..<index, in: bytes)
            if !element.isEmpty { body(element, bytes) }
            start = index + 1
        }
        index += 1
    }
}
