// What can be wrong with a request as HTTP, each with the answer that it gets. After any of these the end of the
// request is unknown or not worth waiting for, so the connection is closed behind the answer.

/// A request that is not served because of its form.
public enum RequestError: Error, Equatable, Sendable {
    /// The request line is not `method SP target SP version` (RFC 9112 §3).
    case requestLineInvalid
    /// The method is longer than any that exists (RFC 9110 §15.6.2).
    case methodTooLong
    /// The target holds what no URI has, a malformed percent-encoding or authority among it, or has none of the four
    /// forms (RFC 9112 §3.2).
    case targetInvalid
    /// The request line alone is longer than all of the head may be (RFC 9110 §15.5.15).
    case targetTooLong
    /// The version is not HTTP/1.0 or HTTP/1.1 (RFC 9110 §15.6.6).
    case versionNotSupported
    /// A line ends in a bare LF, or holds a bare CR or NUL (RFC 9112 §2.2, RFC 9110 §5.5).
    case lineEndInvalid
    /// A field line has no colon, an empty name, or a name that is no token, white space before the colon included
    /// (RFC 9112 §5.1).
    case fieldNameInvalid
    /// A field's value holds control characters (RFC 9110 §5.5).
    case fieldValueInvalid
    /// A field goes on in the next line: obs-fold (RFC 9112 §5.2).
    case fieldFolded
    /// The head is larger than allowed (RFC 6585 §5).
    case headTooLarge
    /// There are more fields than allowed (RFC 6585 §5).
    case tooManyFields
    /// An HTTP/1.1 request has no `Host`, or one has several or a malformed one (RFC 9112 §3.2).
    case hostInvalid
    /// `Connection` is not a list of tokens (RFC 9110 §7.6.1).
    case connectionInvalid
    /// `Content-Length` is not one plain number (RFC 9110 §8.6).
    case contentLengthInvalid
    /// `Content-Length` and `Transfer-Encoding` contradict each other (RFC 9112 §6.1).
    case framingAmbiguous
    /// A transfer coding other than `chunked`, or `chunked` not once and last, or under HTTP/1.0 (RFC 9112 §6.1).
    case transferEncodingInvalid
    /// A transfer coding that hookd does not know (RFC 9112 §6.1).
    case transferEncodingUnknown
    /// The body is larger than allowed (RFC 9110 §15.5.14).
    case bodyTooLarge
    /// A chunk's size, its extensions, its line end, or the chunk's end is malformed (RFC 9112 §7.1).
    case chunkInvalid
    /// Chunk extensions or trailers are larger than allowed (RFC 9112 §7.1.1).
    case chunkOverheadTooLarge
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    case expectationUnknown

    /// The status code of the answer.
    public var status: Int {
        switch self {
        case .requestLineInvalid, .targetInvalid, .lineEndInvalid, .fieldNameInvalid, .fieldValueInvalid,
            .fieldFolded, .hostInvalid, .connectionInvalid, .contentLengthInvalid, .framingAmbiguous,
            .transferEncodingInvalid, .chunkInvalid:
            400
        case .bodyTooLarge, .chunkOverheadTooLarge: 413
        case .targetTooLong: 414
        case .expectationUnknown: 417
        case .headTooLarge, .tooManyFields: 431
        case .methodTooLong, .transferEncodingUnknown: 501
        case .versionNotSupported: 505
        }
    }

    /// The sentence for the sender.
    public var message: String {
        switch self {
        case .requestLineInvalid: "the request line is malformed"
        case .methodTooLong: "the method is not known"
        case .targetInvalid: "the request target is malformed"
        case .targetTooLong: "the request target is too long"
        case .versionNotSupported: "only HTTP/1.1 and HTTP/1.0 are spoken here"
        case .lineEndInvalid: "a line does not end in CR LF, or holds a bare CR or a NUL"
        case .fieldNameInvalid: "a header field's name is malformed"
        case .fieldValueInvalid: "a header field's value holds control characters"
        case .fieldFolded: "a header field is folded over two lines"
        case .headTooLarge: "the header fields are too large"
        case .tooManyFields: "there are too many header fields"
        case .hostInvalid: "there must be exactly one well-formed Host field"
        case .connectionInvalid: "Connection is not a list of words"
        case .contentLengthInvalid: "Content-Length is not one plain decimal number"
        case .framingAmbiguous: "Content-Length and Transfer-Encoding came together"
        case .transferEncodingInvalid: "Transfer-Encoding must be chunked, once, under HTTP/1.1"
        case .transferEncodingUnknown: "the transfer coding is not known"
        case .bodyTooLarge: "the body is too large"
        case .chunkInvalid: "the chunked body is malformed"
        case .chunkOverheadTooLarge: "chunk extensions or trailers are too large"
        case .expectationUnknown: "the expectation cannot be met"
        }
    }
}
