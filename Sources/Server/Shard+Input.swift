// The bytes of requests that have not come whole: kept by their connections, counted for the whole process.
// Memory grows with what has come, never with what a length announces.

extension Shard {
    /// Keeps bytes until more of their request has come. Where all of them together would take too much memory, the
    /// request is answered 503 instead, and what it had is given back.
    func keep(_ connection: Connection, _ bytes: UnsafeBufferPointer<UInt8>) {
        let needed = connection.input.count + bytes.count
        if needed > connection.input.capacity {
            // Twice as much as there is, but not more than the request will ever be.
            let twice = min(2 * connection.input.count, mostBytes(ofRequestOn: connection))
            connection.input.reserveCapacity(max(needed, twice))
        }
        connection.input.append(contentsOf: bytes)
        if endUnlessRead(connection) { return }
        guard charge(connection) else {
            dropInput(connection)
            // What came behind a request that is being answered is not looked at: the connection ends with the answer.
            guard connection.acceptsRequest else { return connection.closesAfterAnswer = true }
            return refuse(connection, status: 503, message: "too many requests are arriving at once")
        }
    }

    /// Ends the connection of a client that sends one request after the other and does not read the answers.
    @discardableResult
    func endUnlessRead(_ connection: Connection) -> Bool {
        guard case .writing = connection.phase, connection.input.count > Self.unreadInputBytes else { return false }
        end(connection)
        return true
    }

    /// How many bytes the request that is arriving will have at the most, without chunked framing.
    private func mostBytes(ofRequestOn connection: Connection) -> Int {
        guard case .body(let partial) = connection.phase else { return limits.request.headBytes }
        let body = if case .length(let length) = partial.head.framing { length } else { limits.request.bodyBytes }
        return partial.head.byteCount + body
    }

    /// Drops the first `count` bytes of the input, and its memory with the last of them.
    func consumeInput(_ connection: Connection, _ count: Int) {
        if count == connection.input.count {
            dropInput(connection)
        } else if count > 0 {
            connection.input.removeFirst(count)
        }
    }

    func dropInput(_ connection: Connection) {
        connection.input = []
        budget.giveRequestBytes(connection.chargedBytes)
        connection.chargedBytes = 0
    }

    /// Has what the connection keeps counted.
    ///
    /// - Returns: whether all connections together keep no more than they may.
    private func charge(_ connection: Connection) -> Bool {
        let more = connection.input.capacity - connection.chargedBytes
        guard more > 0 else { return true }
        guard budget.takeRequestBytes(more, limit: limits.requestMemoryBytes) else { return false }
        connection.chargedBytes += more
        return true
    }
}
