// Answers whose bodies are made while they are sent. Such an answer may take for ever, so nothing waits for it: it is
// asked for a piece when the socket has taken the last one, and a client that does not take that in time is cut off.

import HTTP

extension Shard {
    /// Begins the answer to a request whose handler has returned none, with a body from `source`. Where the connection
    /// is gone, `source` is told at once that it ended.
    ///
    /// - Parameter head: status and fields; its body is not looked at.
    public func stream(_ ticket: Ticket, _ head: Response, from source: any BodySource) {
        guard let connection = connection(of: ticket), connection.isWaiting else { return source.ended() }
        count(head, on: connection)
        let isChunked = !connection.answersHTTP10
        connection.closesAfterAnswer = connection.closesAfterAnswer || head.closes || isDraining || !isChunked
        answerBytes.removeAll(keepingCapacity: true)
        head.serializeHead(
            to: &answerBytes, date: date, isChunked: isChunked, closes: connection.closesAfterAnswer)
        let answer = StreamedAnswer(source, isChunked: isChunked)
        connection.phase = .streaming(answer)
        connection.startClock(now: now, patience: limits.bodyTimeout)
        write(connection)
        guard case .streaming = connection.phase else { return }
        if connection.answersHead || isDraining {
            finishStream(connection, answer)
            return goOn(connection)
        }
        if connection.peerHasFinished { return end(connection) }
        if connection.output.isEmpty { askForMore(connection, answer) }
    }

    /// Asks for the next piece, now that the socket has taken all others. There is no hurry.
    func askForMore(_ connection: Connection, _ answer: StreamedAnswer) {
        connection.stopClock()
        guard !answer.isAsked else { return }
        answer.isAsked = true
        let ticket = Ticket(
            descriptor: connection.descriptor, generation: connection.generation, ordinal: connection.ordinal)
        answer.source.askForMore { [self] piece in post { $0.goOn(with: piece, of: ticket) } }
    }

    /// Sends a piece that was asked for; nil is the end.
    private func goOn(with piece: [UInt8]?, of ticket: Ticket) {
        guard let connection = connection(of: ticket), case .streaming(let answer) = connection.phase, answer.isAsked
        else { return }
        answer.isAsked = false
        guard let piece else {
            finishStream(connection, answer)
            return goOn(connection)
        }
        answerBytes.removeAll(keepingCapacity: true)
        if answer.isChunked { answerBytes.append(chunk: piece) } else { answerBytes.append(contentsOf: piece) }
        if !answerBytes.isEmpty { write(connection) }
        guard case .streaming = connection.phase, connection.output.isEmpty else { return }
        askForMore(connection, answer)
    }

    /// Ends the body behind what was made of it, so that the client can tell it from one that was cut.
    func finishStream(_ connection: Connection, _ answer: StreamedAnswer) {
        connection.phase = .writing
        answer.source.ended()
        answerBytes.removeAll(keepingCapacity: true)
        if answer.isChunked, !connection.answersHead { answerBytes.append([UInt8].lastChunk) }
        if !answerBytes.isEmpty { write(connection) }
        if case .writing = connection.phase, connection.output.isEmpty { finishAnswer(connection) }
    }

    /// Notes that the client sends nothing more. While it is sent a body that may have no end, that means that it has
    /// gone: the next write would tell it too, but there may be none for long.
    func noteEnd(of connection: Connection) {
        connection.peerHasFinished = true
        if case .streaming = connection.phase { end(connection) }
    }
}
