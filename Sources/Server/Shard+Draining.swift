// How a shard stops.

import Glibc

extension Shard {
    /// Accepts what has already connected, then nothing more; answers what has been read, then ends each connection.
    /// A body that is made while it is sent ends with what has been made of it.
    func drain() {
        guard !isDraining else { return }
        for listener in listeners { acceptConnections(from: listener, atMost: Int(Listener.backlog)) }
        pauseAccepting()
        isDraining = true
        for listener in listeners { close(listener.descriptor) }
        listeners = []
        for case let connection? in connections {
            connection.isReadable = true
            receive(connection)
            // Requests that were left for the next turn are answered in it.
            if case .idle = connection.phase, !connection.hasUnserved { endInOrder(connection) }
            if case .streaming(let answer) = connection.phase { finishStream(connection, answer) }
        }
    }

    /// Ends every connection, answered or not.
    func endAll() {
        for case let connection? in connections { end(connection) }
    }
}
