// What the server asks of the one who answers requests.

import HTTP

/// A request, while it is being handled: its bytes are gone when the call returns.
public struct Request {
    /// What concerns HTTP.
    public let head: RequestHead
    /// The header fields; their ranges are offsets into `bytes`.
    public let fields: [Field]
    /// Head and body.
    public let bytes: UnsafeBufferPointer<UInt8>
    /// Where the body lies in `bytes`, without chunked framing.
    public let body: Range<Int>
    /// When it had arrived whole, in microseconds since 1970 (UTC).
    public let receivedAt: Int64
    let connection: Connection

    /// Who sent it: the other end of the connection, or whom a trusted proxy names.
    public var client: ClientAddress {
        guard let forwarded = connection.forwarded else { return connection.client }
        return forwarded.client(behind: connection.client, fields: fields, bytes)
    }
}

/// Why a client was not served, where no request of it came to the handler.
public enum ConnectionProblem: Sendable {
    /// A request was malformed, too large, too slow or too much, and answered so.
    case request(status: Int, message: String)
    /// The client and the server did not agree on an encryption, or what came over it was no TLS.
    case encryption(_ reason: String)
    /// A trusted proxy did not say who its client is.
    case proxyHeader(_ reason: String)
    /// There were too many connections, of the client or in all.
    case tooManyConnections
}

/// To which request an answer belongs. A ticket whose connection is gone answers nothing.
public struct Ticket: Sendable {
    let descriptor: Int32
    let generation: UInt32
    let ordinal: UInt32
}

/// Answers the requests of one shard. Every call comes on the shard's queue.
public protocol RequestHandler: AnyObject {
    /// Decides after the head whether the body is worth reading.
    ///
    /// - Parameter request: the head; `body` is empty.
    /// - Returns: an answer that refuses the request, or nil to go on.
    func refuse(_ request: Request) -> Response?

    /// Handles a whole request.
    ///
    /// - Returns: the answer, or nil if it comes later through `Shard.answer(_:_:)` with this ticket.
    func handle(_ request: Request, ticket: Ticket) -> Response?

    /// The answer to a request that is malformed, too large, too slow, or was not answered in time.
    func answer(status: Int, message: String) -> Response

    /// Told of a client that is not served, for the log.
    func report(_ problem: ConnectionProblem, client: ClientAddress)

    /// Called after the requests that arrived together were handled: time to pass on what was gathered.
    func turnEnded()
}
