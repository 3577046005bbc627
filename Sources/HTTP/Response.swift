// An answer, and its bytes on the wire (RFC 9112 §4, §5).

/// An answer to a request.
public struct Response: Sendable {
    /// The status code.
    public var status: Int
    /// The body.
    public var body: [UInt8]
    /// The media type of the body; nothing is said of it where there is no body.
    public var contentType: StaticString
    /// The seconds after which the sender may try again (RFC 9110 §10.2.3).
    public var retryAfterSeconds: Int?
    /// The methods that the target allows (RFC 9110 §10.2.1), such as `POST`.
    public var allow: StaticString?
    /// How to prove who one is, which a 401 must say (RFC 9110 §11.6.1): the name of a scheme.
    public var challenge: StaticString?
    /// The content codings that are taken, which a 415 should say (RFC 9110 §12.5.3).
    public var acceptEncoding: StaticString?
    /// Whether the connection is closed behind it.
    public var closes: Bool

    /// An answer with a body, of JSON unless said otherwise, or with none.
    public init(
        status: Int, body: [UInt8] = [], contentType: StaticString = "application/json", retryAfterSeconds: Int? = nil,
        allow: StaticString? = nil, challenge: StaticString? = nil, acceptEncoding: StaticString? = nil,
        closes: Bool = false
    ) {
        self.status = status
        self.body = body
        self.contentType = contentType
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
        self.challenge = challenge
        self.acceptEncoding = acceptEncoding
        self.closes = closes
    }

    /// The interim answer to a client that waits with its body (RFC 9110 §15.2.1).
    public static let continueBytes: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// Appends the answer as it goes over the wire.
    ///
    /// - Parameters:
    ///   - date: the value of `Date`.
    ///   - isHead: whether it answers HEAD: the length is told, the body kept back (RFC 9110 §9.3.2).
    ///   - closes: whether the connection is closed behind it, for whatever reason.
    public func serialize(to output: inout [UInt8], date: HTTPDate, isHead: Bool, closes: Bool) {
        appendFields(to: &output, date: date, hasContent: !body.isEmpty)
        output.append("\r\nContent-Length: ")
        output.append(decimal: body.count)
        output.append(closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
        if !isHead { output.append(contentsOf: body) }
    }

    /// Appends the head of an answer whose body follows piece by piece; `body` is not looked at. It is told that no
    /// cache may keep it, for it is of the moment.
    ///
    /// - Parameters:
    ///   - date: the value of `Date`.
    ///   - isChunked: whether the body is sent in chunks; else it ends with the connection (RFC 9112 §6.3).
    ///   - closes: whether the connection is closed behind it.
    public func serializeHead(to output: inout [UInt8], date: HTTPDate, isChunked: Bool, closes: Bool) {
        appendFields(to: &output, date: date, hasContent: true)
        output.append("\r\nCache-Control: no-store")
        if isChunked { output.append("\r\nTransfer-Encoding: chunked") }
        output.append(closes || !isChunked ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
    }

    private func appendFields(to output: inout [UInt8], date: HTTPDate, hasContent: Bool) {
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(" ")
        output.append(reasonPhrase(of: status))
        output.append("\r\nDate: ")
        date.append(to: &output)
        if hasContent { Self.append("Content-Type", contentType, to: &output) }
        if let retryAfterSeconds {
            output.append("\r\nRetry-After: ")
            output.append(decimal: retryAfterSeconds)
        }
        Self.append("Allow", allow, to: &output)
        Self.append("WWW-Authenticate", challenge, to: &output)
        Self.append("Accept-Encoding", acceptEncoding, to: &output)
    }

    private static func append(_ name: StaticString, _ value: StaticString?, to output: inout [UInt8]) {
        guard let value else { return }
        output.append("\r\n")
        output.append(name)
        output.append(": ")
        output.append(value)
    }
}

/// The reason phrase of a status code (RFC 9110 §15); empty for one that hookd never answers.
func reasonPhrase(of status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 429: "Too Many Requests"  // RFC 6585 §4, as is the next
    case 421: "Misdirected Request"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
}

extension [UInt8] {
    /// Appends ASCII text.
    public mutating func append(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number that is not negative in decimal digits, with zeros in front up to `width`, which is at most 20.
    public mutating func append(decimal value: Int, width: Int = 1) {
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var start = 20
        var rest = UInt(value)
        while rest > 0 {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        start = Swift.min(start, 20 - width)
        unsafe digits.span.extracting(start..<20).withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
