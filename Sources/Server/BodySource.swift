// What the server asks of the one who makes a body while it is sent.

/// Makes the body of an answer piece by piece, each when the socket has taken the one before: a client that does not
/// read is not asked for, and holds one piece of memory.
///
/// A source is asked until it gives nil, or until it is told that nothing more is wanted.
public protocol BodySource: AnyObject, Sendable {
    /// Asks for the next piece. Called on the shard's queue, and must not block.
    ///
    /// - Parameter give: to be called once, from any thread, when there is a piece; with nil where there will be none.
    ///   It holds the shard: a source that keeps it lets go of it when it ends.
    func askForMore(_ give: @escaping @Sendable ([UInt8]?) -> Void)

    /// Nothing more is wanted: the last piece was sent, the client is gone, or the server drains. Called once, on the
    /// shard's queue.
    func ended()
}

/// An answer under way whose body is made meanwhile. It lives and dies on its shard's queue.
final class StreamedAnswer {
    let source: any BodySource
    /// Whether the body is sent in chunks; else it ends with the connection.
    let isChunked: Bool
    /// Whether the source was asked for a piece that it has not given yet.
    var isAsked = false

    init(_ source: any BodySource, isChunked: Bool) {
        (self.source, self.isChunked) = (source, isChunked)
    }
}
