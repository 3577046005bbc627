// What takes too long is ended here: twice a second the shard looks at every connection's deadline, and at how fast
// the requests that are arriving have come.

import HTTP

extension Shard {
    func sweep() {
        nextTick = now + Self.tick.nanoseconds
        apologies = 0
        for case let connection? in connections where connection.deadline <= now || isTooSlow(connection) {
            expire(connection)
        }
        // Connections are counted for all shards, but each knows only its own.
        if budget.takeWantOfRoom(limit: limits.connections) { makeRoom() }
        resumeAccepting()
    }

    private func expire(_ connection: Connection) {
        // It may be us who were late, suspended or on a busy machine: what has arrived meanwhile counts.
        if connection.acceptsRequest {
            connection.isReadable = true
            receive(connection)
            guard connection.deadline <= now || isTooSlow(connection) else { return }
        }
        switch connection.phase {
        case .head: refuse(connection, status: 408, message: "the request's head took too long")
        case .body: refuse(connection, status: 408, message: "the request's body took too long")
        case .waiting:
            if let handler {
                send(connection, handler.answer(status: 503, message: "the request was not stored in time"))
                goOn(connection)
            }
        case .idle: endInOrder(connection)
        case .writing, .streaming, .lingering: end(connection)
        case .closed: break
        }
    }

    /// Whether a request comes so slowly that it will not be waited for, although its time is not up.
    private func isTooSlow(_ connection: Connection) -> Bool {
        guard limits.minimumBytesPerSecond > 0 else { return false }
        switch connection.phase {
        case .head, .body: break
        case .idle, .waiting, .writing, .streaming, .lingering, .closed: return false
        }
        let elapsed = now - connection.phaseBegan
        guard elapsed >= limits.rateGrace.nanoseconds else { return false }
        return Double(connection.arrivedBytes) * 1e9 < Double(limits.minimumBytesPerSecond) * Double(elapsed)
    }
}
