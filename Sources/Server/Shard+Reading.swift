// A shard's way from readable sockets to whole requests.

import Glibc
import HTTP

extension Shard {
    /// Reads and handles for as long as bytes are there and the connection takes requests, but not for ever: what is
    /// left after some reads is read in the next turn.
    func receive(_ connection: Connection) {
        var reads = 0
        while connection.isReadable, !connection.hasUnserved {
            guard reads < Self.readsPerTurn else {
                readOnLater(connection)
                return
            }
            reads += 1
            if case .lingering = connection.phase {
                discard(connection)
                return
            }
            guard connection.acceptsRequest, let buffer = readBuffer.baseAddress else { return }
            let most = bytesToRead(connection)
            switch transfer({ recv(connection.descriptor, buffer, most, 0) }) {
            case .wouldBlock: connection.isReadable = false
            case .failed: end(connection)
            case .bytes(0): end(connection)  // nothing waits for an answer in the phases that read
            case .bytes(let count):
                // The socket is empty, unless its end is there to be read as well.
                if count < most, !connection.peerHasFinished { connection.isReadable = false }
                arrive(connection, UnsafeMutableBufferPointer(start: buffer, count: count))
            }
        }
    }

    /// How much to read at once: much of a body that has begun, else about one callback, since what comes behind a
    /// request has to be kept until that is answered.
    private func bytesToRead(_ connection: Connection) -> Int {
        if case .body = connection.phase { return Self.readBytes }
        return Self.firstReadBytes
    }

    /// Bytes that came out of the socket: perhaps a proxy's word on who the client is, perhaps encrypted.
    func arrive(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        if connection.awaitsProxyHeader {
            takeProxyHeader(connection, bytes)
        } else if let tls = connection.tls {
            decrypt(connection, tls, bytes)
        } else {
            take(connection, bytes)
        }
    }

    /// Handles bytes of requests that have just arrived. A request that came whole is handled where it lies; what is
    /// left over is kept by the connection.
    func take(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        connection.arrivedBytes += bytes.count
        if connection.input.isEmpty {
            let consumed = serve(connection, bytes)
            if consumed < bytes.count { keep(connection, UnsafeBufferPointer(rebasing: bytes[consumed...])) }
        } else {
            keep(connection, UnsafeBufferPointer(bytes))
            if connection.acceptsRequest { serveInput(connection) }
        }
    }

    func serveInput(_ connection: Connection) {
        var input: [UInt8] = []
        swap(&input, &connection.input)
        let consumed = input.withUnsafeMutableBufferPointer { serve(connection, $0) }
        swap(&input, &connection.input)
        consumeInput(connection, consumed)
        connection.dropDecodedFraming()
        endUnlessRead(connection)
    }

    /// Handles the requests that are whole, for as long as each is answered at once.
    ///
    /// - Returns: how many bytes belong to requests that were handled.
    func serve(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var consumed = 0
        var served = 0
        while connection.acceptsRequest, consumed < bytes.count {
            if served == Self.requestsPerTurn {
                connection.hasUnserved = true
                readOnLater(connection)
                break
            }
            served += 1
            let rest = UnsafeMutableBufferPointer(rebasing: bytes[consumed...])
            do throws(RequestError) {
                guard let count = try serveOne(connection, rest) else { break }
                consumed += count
            } catch {
                refuse(connection, status: error.status, message: error.message)
            }
        }
        return connection.isEnding ? bytes.count : consumed
    }

    /// - Returns: the length of the request, or nil if it is not whole.
    func serveOne(
        _ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) throws(RequestError) -> Int? {
        var partial: Connection.PartialBody
        var fieldsAreParsed = true
        switch connection.phase {
        case .body(let known):
            partial = known
            fieldsAreParsed = false
        default:
            var scanned = 0
            if case .head(let known) = connection.phase { scanned = known }
            switch try beginRequest(connection, bytes, scanned: scanned) {
            case .incomplete: return nil
            case .refused(let byteCount): return byteCount
            case .begun(let begun): partial = begun
            }
        }
        guard let end = try findEnd(of: &partial, in: bytes) else {
            connection.phase = .body(partial)
            if fieldsAreParsed { awaitBody(connection, partial, arrivedBytes: bytes.count - partial.head.byteCount) }
            return nil
        }
        // The parser has served other connections since it parsed this head: its fields are needed again.
        if !fieldsAreParsed { _ = try parser.parse(UnsafeBufferPointer(bytes).span) }
        handle(connection, partial, UnsafeBufferPointer(bytes))
        return end
    }

    /// What became of the beginning of a request.
    enum Beginning {
        /// The head is not whole.
        case incomplete
        /// The request was answered after its head, which is this long; the next begins behind it, if one may come.
        case refused(byteCount: Int)
        /// The body is to be read.
        case begun(Connection.PartialBody)
    }

    /// Parses the head.
    func beginRequest(
        _ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>, scanned: Int
    ) throws(RequestError) -> Beginning {
        connection.answersHead = false  // what is said about a malformed head has a body, whatever came before it
        switch try parser.parse(UnsafeBufferPointer(bytes).span, scanned: scanned) {
        case .incomplete(let scanned):
            // The empty line that some clients send behind a body does not begin a request.
            if bytes.count <= 2, bytes.first == 0x0d { return .incomplete }
            if case .idle = connection.phase {
                connection.startClock(now: now, patience: limits.headerTimeout, arrivedBytes: bytes.count)
            }
            connection.phase = .head(scanned: scanned)
            return .incomplete
        case .complete(let head):
            connection.answersHead = head.method == .head
            connection.answersHTTP10 = head.minorVersion == 0
            connection.closesAfterAnswer = !head.isPersistent || isDraining || now >= connection.retiresAt
            let decoder = head.framing == .chunked ? ChunkedDecoder(limits: limits.request) : nil
            let partial = Connection.PartialBody(
                head: head, decoder: decoder, bodyEnd: head.byteCount, inputStart: head.byteCount)
            let request = makeRequest(connection, partial, UnsafeBufferPointer(bytes))
            guard let refusal = handler?.refuse(request) else { return .begun(partial) }
            // A body that was not read would be taken for the next request.
            connection.closesAfterAnswer = connection.closesAfterAnswer || head.framing != .none
            send(connection, refusal)
            return .refused(byteCount: head.byteCount)
        }
    }

    /// - Returns: the length of the request, or nil if its body is not whole.
    func findEnd(
        of partial: inout Connection.PartialBody, in bytes: UnsafeMutableBufferPointer<UInt8>
    ) throws(RequestError) -> Int? {
        switch partial.head.framing {
        case .none: return partial.head.byteCount
        case .length(let length):
            partial.bodyEnd = partial.head.byteCount + length
            return partial.bodyEnd <= bytes.count ? partial.bodyEnd : nil
        case .chunked:
            var input = partial.inputStart..<bytes.count
            var span = bytes.mutableSpan
            let isWhole = try partial.decoder?.decode(&span, input: &input, bodyEnd: &partial.bodyEnd)
            partial.inputStart = input.lowerBound
            return isWhole == true ? input.lowerBound : nil
        }
    }

    func awaitBody(_ connection: Connection, _ partial: Connection.PartialBody, arrivedBytes: Int) {
        connection.startClock(now: now, patience: limits.bodyTimeout, arrivedBytes: arrivedBytes)
        if partial.head.expectsContinue {
            answerBytes.removeAll(keepingCapacity: true)
            answerBytes.append(Response.continueBytes)
            write(connection)
        }
    }

    func makeRequest(
        _ connection: Connection, _ partial: Connection.PartialBody, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Request {
        Request(
            head: partial.head, fields: parser.fields, bytes: bytes,
            body: partial.head.byteCount..<partial.bodyEnd, receivedAt: wallClock,
            connection: connection)
    }

    func handle(
        _ connection: Connection, _ partial: Connection.PartialBody, _ bytes: UnsafeBufferPointer<UInt8>
    ) {
        connection.ordinal &+= 1
        connection.phase = .waiting
        connection.startClock(now: now, patience: limits.answerTimeout)
        let ticket = Ticket(
            descriptor: connection.descriptor, generation: connection.generation, ordinal: connection.ordinal)
        if let response = handler?.handle(makeRequest(connection, partial, bytes), ticket: ticket) {
            send(connection, response)
        }
    }
}
