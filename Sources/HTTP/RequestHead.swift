// The head of a request as a parser leaves it: what concerns HTTP as values, everything else as offsets into the
// bytes that were parsed.

/// A request's method (RFC 9110 §9), as far as a receiver of callbacks tells them apart.
public enum Method: Sendable, Equatable {
    case post
    case get
    case head
    case options
    case trace
    case connect
    /// Any other token.
    case other
}

/// Where the body of a request ends (RFC 9112 §6.3).
public enum BodyFraming: Sendable, Equatable {
    /// The request has no body.
    case none
    /// The body has this many bytes.
    case length(Int)
    /// The body comes in chunks.
    case chunked
}

/// Where a header field lies in the bytes of its head.
public struct Field: Sendable, Equatable {
    /// The name, a token.
    public var name: Range<Int>
    /// The value, without the white space around it.
    public var value: Range<Int>
}

/// A parsed head.
public struct RequestHead: Sendable, Equatable {
    /// The method.
    public var method: Method
    /// Where the request target lies.
    public var target: Range<Int>
    /// The minor version: 0 or 1.
    public var minorVersion: Int
    /// Where the body ends.
    public var framing: BodyFraming
    /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
    public var isPersistent: Bool
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    public var expectsContinue: Bool
    /// The length of the head in bytes, the empty line included: where the body begins.
    public var byteCount: Int
}
