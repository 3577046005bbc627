// How a shard stops.

import Glibc

extension Shard {
    /// How long the first request of a connection is waited for, which may be under way while the server stops: a
    /// client that was let in is not turned away for having come late.
    private static let firstRequestPatience = Duration.seconds(1)

    /// Accepts what has already connected, then nothing more; answers what has been read, then ends each connection.
    /// A body that is made while it is sent ends with what has been made of it.
    ///
    /// What waits at a socket that was handed over is left there, for whoever handed it over hands it to a successor as
    /// well. It is closed and never shut down, which would end it for all.
    func drain() {
        guard !isDraining else { return }
        for arrival in doorstep.close() { add(arrival) }
        for listener in listeners where !listener.isInherited {
            acceptConnections(from: listener, atMost: Int(Listener.backlog))
        }
        pauseAccepting()
        isDraining = true
        for listener in listeners { close(listener.descriptor) }
        listeners = []
        for case let connection? in connections {
            connection.isReadable = true
            receive(connection)
            // Requests that were left for the next turn are answered in it.
            if case .idle = connection.phase, !connection.hasUnserved, !isExpectingFirstRequest(of: connection) {
                endInOrder(connection)
            }
            if case .streaming(let answer) = connection.phase { finishStream(connection, answer) }
        }
    }

    private func isExpectingFirstRequest(of connection: Connection) -> Bool {
        let patience = Self.firstRequestPatience
        guard connection.ordinal == 0, now - connection.phaseBegan < patience.nanoseconds else { return false }
        connection.startClock(now: now, patience: patience)
        return true
    }

    /// Ends every connection, answered or not.
    func endAll() {
        for case let connection? in connections { end(connection) }
    }
}
