// A shard's way from answers to sockets, and what becomes of the connection behind them.

import CLinux
import Glibc
import HTTP

/// send(2) must not raise SIGPIPE.
private let noSignal = Int32(MSG_NOSIGNAL)

extension Shard {
    /// Sends the answer to a request whose handler returned none at once. Does nothing if its connection is gone or was
    /// answered already.
    public func answer(_ ticket: Ticket, _ response: Response) {
        guard let connection = connection(of: ticket), connection.isWaiting else { return }
        send(connection, response)
        goOn(connection)
    }

    /// The connection that still has the ticket's request to answer.
    func connection(of ticket: Ticket) -> Connection? {
        let token = UInt64(ticket.generation) << 32 | UInt64(UInt32(bitPattern: ticket.descriptor))
        guard let connection = connection(token: token), connection.ordinal == ticket.ordinal else { return nil }
        return connection
    }

    /// Looks at what arrived behind the request that was just answered.
    func goOn(_ connection: Connection) {
        if connection.acceptsRequest, !connection.input.isEmpty { serveInput(connection) }
        if connection.acceptsRequest, connection.peerSaidGoodbye { return finish(connection) }
        if connection.isReadable { receive(connection) }
    }

    func refuse(_ connection: Connection, status: Int, message: String) {
        guard let handler else { return }
        handler.report(.request(status: status, message: message), client: connection.client)
        connection.closesAfterAnswer = true
        send(connection, handler.answer(status: status, message: message))
    }

    func send(_ connection: Connection, _ response: Response) {
        count(response, on: connection)
        connection.closesAfterAnswer = connection.closesAfterAnswer || response.closes || isDraining
        answerBytes.removeAll(keepingCapacity: true)
        response.serialize(
            to: &answerBytes, date: date, isHead: connection.answersHead, closes: connection.closesAfterAnswer)
        connection.phase = .writing
        write(connection)
        if case .writing = connection.phase, connection.output.isEmpty { finishAnswer(connection) }
    }

    func count(_ response: Response, on connection: Connection) {
        counts.answered(response.status)
        // Both moments are those of turns of the loop: what waits for its turn is counted, and no clock is asked.
        if connection.isWaiting { counts.answerTimes.observe(Int(now - connection.phaseBegan)) }
    }

    /// Sends `answerBytes`, encrypted where the connection is.
    func write(_ connection: Connection) {
        guard let tls = connection.tls else { return transmit(connection, answerBytes) }
        encrypt(connection, tls)
    }

    /// Sends bytes as they go over the wire; what the socket does not take waits in the connection.
    func transmit(_ connection: Connection, _ bytes: [UInt8]) {
        guard connection.output.isEmpty else {
            connection.output.append(contentsOf: bytes)
            return
        }
        let result = bytes.withUnsafeBytes { bytes in
            transfer { Glibc.send(connection.descriptor, bytes.baseAddress, bytes.count, noSignal) }
        }
        switch result {
        case .bytes(bytes.count): return
        case .bytes(let count): connection.output = Array(bytes[count...])
        case .wouldBlock: connection.output = bytes
        case .failed:
            end(connection)
            return
        }
        switch connection.phase {
        case .writing, .streaming: connection.startClock(now: now, patience: limits.bodyTimeout)
        default: break
        }
    }

    /// Sends what waits, now that the socket takes bytes again.
    func flush(_ connection: Connection) {
        while connection.outputStart < connection.output.count {
            let result = connection.output[connection.outputStart...].withUnsafeBytes { bytes in
                transfer {
                    Glibc.send(connection.descriptor, bytes.baseAddress, bytes.count, noSignal)
                }
            }
            switch result {
            case .bytes(let count): connection.outputStart += count
            case .wouldBlock: return
            case .failed:
                end(connection)
                return
            }
        }
        connection.output = []
        connection.outputStart = 0
        switch connection.phase {
        case .writing:
            finishAnswer(connection)
            goOn(connection)
        case .streaming(let answer): askForMore(connection, answer)
        default: break  // it was no more than `100 Continue`
        }
    }

    func finishAnswer(_ connection: Connection) {
        guard connection.closesAfterAnswer || isDraining else {
            connection.phase = .idle
            connection.startClock(now: now, patience: limits.idleTimeout)
            return
        }
        finish(connection)
    }

    /// Ends a connection behind its last answer.
    private func finish(_ connection: Connection) {
        if let tls = connection.tls { sayGoodbye(connection, tls) }
        linger(connection)
    }

    /// Sends nothing more, and waits for the client to close, so that no reset overtakes what was sent.
    func linger(_ connection: Connection) {
        if case .closed = connection.phase { return }
        dropInput(connection)
        connection.phase = .lingering
        connection.startClock(now: now, patience: Self.lingerTimeout)
        shutdown(connection.descriptor, Int32(SHUT_WR))
        discard(connection)
    }

    /// Reads and drops what a client sends behind the last answer, until it closes; no more in a turn than `receive`.
    func discard(_ connection: Connection) {
        guard let buffer = readBuffer.baseAddress else { return }
        for _ in 0..<Self.readsPerTurn {
            switch transfer({ recv(connection.descriptor, buffer, Self.readBytes, 0) }) {
            case .wouldBlock:
                connection.isReadable = false
                return
            case .bytes(0), .failed:
                end(connection)
                return
            case .bytes: continue
            }
        }
        connection.isReadable = true
        readOnLater(connection)
    }
}
