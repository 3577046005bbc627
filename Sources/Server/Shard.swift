// An event loop: one serial queue, one epoll set, the listening sockets and connections in it. Its queue runs one
// long block around a blocking epoll_wait; everything a connection does happens inside it, so nothing here is locked
// but the mailbox through which others reach the shard.

import CLinux
import Dispatch
import Glibc
import HTTP
import Synchronization

/// send(2) must not raise SIGPIPE.
private let noSignal = Int32(MSG_NOSIGNAL)

/// The event bits of epoll_ctl(2), as plain numbers.
private enum EpollEvents {
    static let input = EPOLLIN.rawValue
    static let output = EPOLLOUT.rawValue
    static let error = EPOLLERR.rawValue
    /// The peer sends nothing more, or both directions are closed.
    static let peerFinished = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue
    static let edgeTriggered = EPOLLET.rawValue
    static let exclusive = EPOLLEXCLUSIVE.rawValue
}

/// One of the server's event loops. All of it but `post(_:)` is for its own queue only.
public final class Shard: @unchecked Sendable {  // confined to `queue`; `mailbox` and `isAsleep` are synchronised
    /// How many bytes are read from a socket at once.
    private static let readBytes = 64 << 10
    /// How often deadlines are looked at.
    private static let tick = Duration.milliseconds(500)
    /// How long the rest of a closing client's bytes is waited for.
    private static let lingerTimeout = Duration.seconds(2)
    /// The epoll tokens that no connection has: generations begin at 1.
    private static let wakeToken: UInt64 = .max
    private static let listenerTokens: UInt64 = 0xffff_ffff

    private let queue: DispatchQueue
    private let epoll: Int32
    private let wakeDescriptor: Int32
    private let limits: ServerLimits
    private let budget: ConnectionBudget
    private let mailbox = Mutex<[@Sendable (Shard) -> Void]>([])
    private let isAsleep = Atomic<Bool>(false)

    private var handler: (any RequestHandler)?
    private var parser: RequestParser
    private var listeners: [Listener]
    private var isAccepting = false
    private var isDraining = false
    /// By descriptor.
    private var connections: [Connection?] = []
    private var connectionCount = 0
    private var generation: UInt32 = 0
    private var events = [clinux_event](repeating: clinux_event(), count: 512)
    private let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: readBytes)
    private var answerBytes: [UInt8] = []
    private var now: Int64 = monotonicNanoseconds()
    private var nextTick: Int64 = 0
    private var date = HTTPDate(unixSeconds: 0)
    /// The wall clock at the start of this turn, in microseconds since 1970 (UTC).
    public private(set) var wallClock: Int64 = wallMicroseconds()

    init(index: Int, listeners: [Listener], limits: ServerLimits, budget: ConnectionBudget) throws(SystemError) {
        queue = DispatchQueue(label: "hookd.shard.\(index)", qos: .userInitiated)
        self.listeners = listeners
        self.limits = limits
        self.budget = budget
        parser = RequestParser(limits: limits.request)
        epoll = try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        wakeDescriptor = try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        // Edge-triggered, so the eventfd is never read: each write wakes once.
        try systemCall("epoll_ctl") {
            clinux_epoll_add(epoll, wakeDescriptor, EpollEvents.input | EpollEvents.edgeTriggered, Self.wakeToken)
        }
    }

    deinit {
        close(epoll)
        close(wakeDescriptor)
        readBuffer.deallocate()
    }

    /// Starts the loop. `finished` is called on the shard's queue when it has drained.
    func start(
        handler makeHandler: @escaping @Sendable (Shard) -> any RequestHandler, finished: @escaping @Sendable () -> Void
    ) {
        queue.async {
            self.handler = makeHandler(self)
            self.resumeAccepting()
            self.run()
            self.handler = nil
            finished()
        }
    }

    /// Has `work` done on the shard's queue, soon, in the order of the calls. From any thread.
    public func post(_ work: @escaping @Sendable (Shard) -> Void) {
        mailbox.withLock { $0.append(work) }
        if isAsleep.exchange(false, ordering: .sequentiallyConsistent) {
            var one: UInt64 = 1
            _ = transfer { Glibc.write(wakeDescriptor, &one, MemoryLayout<UInt64>.size) }
        }
    }

    // MARK: The loop

    private func run() {
        while !(isDraining && connectionCount == 0) {
            let ready = waitForEvents()
            readClocks()
            for index in 0..<ready { dispatch(events[index]) }
            readMail()
            handler?.turnEnded()
            if now >= nextTick { sweep() }
        }
    }

    private func waitForEvents() -> Int {
        // Said before the mailbox is looked at, so that mail which comes in between wakes the wait.
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        let hasMail = mailbox.withLock { !$0.isEmpty }
        let isIdle = connectionCount == 0 && isAccepting
        let timeout: Int32 = hasMail ? 0 : isIdle ? -1 : Int32(Self.tick.nanoseconds / 1_000_000)
        let ready = clinux_epoll_wait(epoll, &events, Int32(events.count), timeout)
        isAsleep.store(false, ordering: .sequentiallyConsistent)
        return Int(max(ready, 0))  // interrupted by a signal: as if nothing was ready
    }

    private func readClocks() {
        now = monotonicNanoseconds()
        wallClock = wallMicroseconds()
        if date.unixSeconds != wallClock / 1_000_000 { date = HTTPDate(unixSeconds: wallClock / 1_000_000) }
    }

    private func readMail() {
        let mail = mailbox.withLock { mail in
            defer { mail.removeAll() }
            return mail
        }
        for work in mail { work(self) }
    }

    private func dispatch(_ event: clinux_event) {
        if event.data == Self.wakeToken { return }
        if event.data & Self.listenerTokens == event.data {
            acceptConnections(from: listeners[Int(event.data)])
            return
        }
        guard let connection = connection(token: event.data) else { return }
        if event.events & EpollEvents.error != 0 {
            end(connection)
            return
        }
        if event.events & EpollEvents.peerFinished != 0 { connection.peerHasFinished = true }
        if event.events & EpollEvents.output != 0, case .writing = connection.phase { flush(connection) }
        if event.events & (EpollEvents.input | EpollEvents.peerFinished) != 0 {
            connection.isReadable = true
            receive(connection)
        }
    }

    /// The connection that an event is meant for; nil if that one is closed and its descriptor perhaps used again.
    private func connection(token: UInt64) -> Connection? {
        let descriptor = Int(token & 0xffff_ffff)
        guard descriptor < connections.count, let connection = connections[descriptor],
            connection.generation == UInt32(token >> 32)
        else { return nil }
        return connection
    }

    // MARK: Accepting

    private func acceptConnections(from listener: Listener) {
        while isAccepting {
            guard budget.take(limit: limits.connections) else {
                pauseAccepting()
                return
            }
            let descriptor = clinux_accept(listener.descriptor)
            guard descriptor >= 0 else {
                budget.give()
                switch errno {
                case EAGAIN: return
                // The peer gave up between its connect and our accept (accept(2): treat like EAGAIN by retrying).
                case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP: continue
                // Out of descriptors or memory: the listener stays ready, so the loop would spin on it.
                default: pauseAccepting()
                }
                return
            }
            add(descriptor)
        }
    }

    private func add(_ descriptor: Int32) {
        generation = generation == UInt32.max - 1 ? 1 : generation + 1
        let connection = Connection(
            descriptor: descriptor, generation: generation, deadline: now + limits.headerTimeout.nanoseconds)
        let interest =
            EpollEvents.input | EpollEvents.output | EpollEvents.peerFinished | EpollEvents.edgeTriggered
        guard clinux_epoll_add(epoll, descriptor, interest, connection.token) == 0 else {
            close(descriptor)
            budget.give()
            return
        }
        while connections.count <= Int(descriptor) { connections.append(nil) }
        connections[Int(descriptor)] = connection
        connectionCount += 1
    }

    /// Takes the listeners out of the epoll set. They come back when a connection ends, or at the next tick.
    private func pauseAccepting() {
        guard isAccepting else { return }
        isAccepting = false
        for listener in listeners { clinux_epoll_remove(epoll, listener.descriptor) }
    }

    private func resumeAccepting() {
        guard !isAccepting, !isDraining else { return }
        isAccepting = true
        for (index, listener) in listeners.enumerated() {
            // A unix socket is shared between shards: one of them is woken for a connection.
            let exclusive: UInt32 = if case .unix = listener.address { EpollEvents.exclusive } else { 0 }
            clinux_epoll_add(epoll, listener.descriptor, EpollEvents.input | exclusive, UInt64(index))
        }
    }

    // MARK: Reading

    /// Reads and handles for as long as bytes are there and the connection takes requests.
    private func receive(_ connection: Connection) {
        while connection.isReadable {
            if case .lingering = connection.phase {
                discard(connection)
                return
            }
            guard connection.acceptsRequest, let buffer = readBuffer.baseAddress else { return }
            switch transfer({ read(connection.descriptor, buffer, Self.readBytes) }) {
            case .wouldBlock: connection.isReadable = false
            case .failed: end(connection)
            case .bytes(0): end(connection)  // nothing waits for an answer in the phases that read
            case .bytes(let count):
                // The socket is empty, unless its end is there to be read as well.
                if count < Self.readBytes, !connection.peerHasFinished { connection.isReadable = false }
                take(connection, UnsafeMutableBufferPointer(start: buffer, count: count))
            }
        }
    }

    /// Handles bytes that have just arrived. A request that came whole is handled where it lies; what is left over
    /// is kept by the connection.
    private func take(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        if connection.input.isEmpty {
            let consumed = serve(connection, bytes)
            if consumed < bytes.count {
                connection.input.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[consumed...]))
            }
        } else {
            connection.input.append(contentsOf: bytes)
            serveInput(connection)
        }
    }

    private func serveInput(_ connection: Connection) {
        var input: [UInt8] = []
        swap(&input, &connection.input)
        let consumed = input.withUnsafeMutableBufferPointer { serve(connection, $0) }
        swap(&input, &connection.input)
        connection.consumeInput(consumed)
    }

    /// Handles the requests that are whole, for as long as each is answered at once.
    ///
    /// - Returns: how many bytes belong to requests that were handled.
    private func serve(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var consumed = 0
        while connection.acceptsRequest, consumed < bytes.count {
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
    private func serveOne(
        _ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) throws(RequestError) -> Int? {
        var partial: Connection.PartialBody
        var fieldsAreParsed = true
        switch connection.phase {
        case .body(let known):
            partial = known
            fieldsAreParsed = false
        default:
            switch try beginRequest(connection, bytes) {
            case .incomplete: return nil
            case .refused(let head): return head.byteCount
            case .begun(let begun): partial = begun
            }
        }
        guard let end = try findEnd(of: &partial, in: bytes) else {
            if case .body = connection.phase {} else { awaitBody(connection, partial) }
            connection.phase = .body(partial)
            return nil
        }
        if !fieldsAreParsed { _ = try parser.parse(UnsafeBufferPointer(bytes).span) }
        handle(connection, partial, UnsafeBufferPointer(bytes))
        return end
    }

    /// How far a request has come with its head.
    private enum Beginning {
        case incomplete
        /// Answered after its head. It has no body, or the connection is closing.
        case refused(RequestHead)
        case begun(Connection.PartialBody)
    }

    private func beginRequest(
        _ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) throws(RequestError) -> Beginning {
        let scanned = if case .head(let scanned) = connection.phase { scanned } else { 0 }
        connection.answersHead = false  // what is said about a malformed head has a body, whatever came before it
        switch try parser.parse(UnsafeBufferPointer(bytes).span, scanned: scanned) {
        case .incomplete(let scanned):
            if case .idle = connection.phase { connection.deadline = now + limits.headerTimeout.nanoseconds }
            connection.phase = .head(scanned: scanned)
            return .incomplete
        case .complete(let head):
            connection.answersHead = head.method == .head
            connection.closesAfterAnswer = !head.isPersistent || isDraining
            let decoder = head.framing == .chunked ? ChunkedDecoder(limits: limits.request) : nil
            let partial = Connection.PartialBody(
                head: head, decoder: decoder, bodyEnd: head.byteCount, inputStart: head.byteCount)
            let request = makeRequest(connection, partial, UnsafeBufferPointer(bytes))
            guard let refusal = handler?.refuse(request) else { return .begun(partial) }
            // A body that was not read would be taken for the next request.
            connection.closesAfterAnswer = connection.closesAfterAnswer || head.framing != .none
            send(connection, refusal)
            return .refused(head)
        }
    }

    /// - Returns: the length of the request, or nil if its body is not whole.
    private func findEnd(
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

    private func awaitBody(_ connection: Connection, _ partial: Connection.PartialBody) {
        connection.deadline = now + limits.bodyTimeout.nanoseconds
        if partial.head.expectsContinue {
            answerBytes.removeAll(keepingCapacity: true)
            answerBytes.append(Response.continueBytes)
            write(connection)
        }
    }

    private func makeRequest(
        _ connection: Connection, _ partial: Connection.PartialBody, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Request {
        Request(
            head: partial.head, fields: parser.fields, bytes: bytes,
            body: partial.head.byteCount..<partial.bodyEnd, receivedAt: wallClock,
            descriptor: connection.descriptor)
    }

    private func handle(
        _ connection: Connection, _ partial: Connection.PartialBody, _ bytes: UnsafeBufferPointer<UInt8>
    ) {
        connection.ordinal &+= 1
        connection.phase = .waiting
        connection.deadline = now + limits.answerTimeout.nanoseconds
        let ticket = Ticket(
            descriptor: connection.descriptor, generation: connection.generation, ordinal: connection.ordinal)
        if let response = handler?.handle(makeRequest(connection, partial, bytes), ticket: ticket) {
            send(connection, response)
        }
    }

    // MARK: Answering

    /// Sends the answer to a request whose handler returned none at once. Does nothing if its connection is gone or was
    /// answered already.
    public func answer(_ ticket: Ticket, _ response: Response) {
        let token = UInt64(ticket.generation) << 32 | UInt64(UInt32(bitPattern: ticket.descriptor))
        guard let connection = connection(token: token), connection.ordinal == ticket.ordinal,
            connection.isWaiting
        else { return }
        send(connection, response)
        goOn(connection)
    }

    /// Looks at what arrived behind the request that was just answered.
    private func goOn(_ connection: Connection) {
        if connection.acceptsRequest, !connection.input.isEmpty { serveInput(connection) }
        if connection.isReadable { receive(connection) }
    }

    private func refuse(_ connection: Connection, status: Int, message: String) {
        guard let handler else { return }
        connection.closesAfterAnswer = true
        send(connection, handler.answer(status: status, message: message))
    }

    private func send(_ connection: Connection, _ response: Response) {
        connection.closesAfterAnswer = connection.closesAfterAnswer || response.closes || isDraining
        answerBytes.removeAll(keepingCapacity: true)
        response.serialize(
            to: &answerBytes, date: date, isHead: connection.answersHead, closes: connection.closesAfterAnswer)
        connection.phase = .writing
        write(connection)
        if case .writing = connection.phase, connection.output.isEmpty { finishAnswer(connection) }
    }

    /// Sends `answerBytes`; what the socket does not take waits in the connection.
    private func write(_ connection: Connection) {
        guard connection.output.isEmpty else {
            connection.output.append(contentsOf: answerBytes)
            return
        }
        let result = answerBytes.withUnsafeBytes { bytes in
            transfer { Glibc.send(connection.descriptor, bytes.baseAddress, bytes.count, noSignal) }
        }
        switch result {
        case .bytes(answerBytes.count): return
        case .bytes(let count): connection.output = Array(answerBytes[count...])
        case .wouldBlock: connection.output = answerBytes
        case .failed:
            end(connection)
            return
        }
        connection.deadline = now + limits.bodyTimeout.nanoseconds
    }

    /// Sends what waits, now that the socket takes bytes again.
    private func flush(_ connection: Connection) {
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
        finishAnswer(connection)
        goOn(connection)
    }

    private func finishAnswer(_ connection: Connection) {
        guard connection.closesAfterAnswer else {
            connection.phase = .idle
            connection.deadline = now + limits.idleTimeout.nanoseconds
            return
        }
        connection.input = []
        shutdown(connection.descriptor, Int32(SHUT_WR))
        connection.phase = .lingering
        connection.deadline = now + Self.lingerTimeout.nanoseconds
        discard(connection)
    }

    /// Reads and drops what a client sends behind the last answer, until it closes.
    private func discard(_ connection: Connection) {
        guard let buffer = readBuffer.baseAddress else { return }
        while true {
            switch transfer({ read(connection.descriptor, buffer, Self.readBytes) }) {
            case .wouldBlock:
                connection.isReadable = false
                return
            case .bytes(0), .failed:
                end(connection)
                return
            case .bytes: continue
            }
        }
    }

    private func end(_ connection: Connection) {
        if case .closed = connection.phase { return }
        connection.phase = .closed
        connection.isReadable = false
        connection.input = []
        connection.output = []
        connections[Int(connection.descriptor)] = nil
        connectionCount -= 1
        close(connection.descriptor)
        budget.give()
        resumeAccepting()
    }

    // MARK: Time

    private func sweep() {
        nextTick = now + Self.tick.nanoseconds
        for case let connection? in connections where connection.deadline <= now { expire(connection) }
        resumeAccepting()
    }

    private func expire(_ connection: Connection) {
        switch connection.phase {
        case .head: refuse(connection, status: 408, message: "the request's head took too long")
        case .body: refuse(connection, status: 408, message: "the request's body took too long")
        case .waiting:
            if let handler {
                send(connection, handler.answer(status: 503, message: "the request was not stored in time"))
                goOn(connection)
            }
        case .idle, .writing, .lingering: end(connection)
        case .closed: break
        }
    }

    // MARK: Draining

    /// Accepts what has already connected, then nothing more; answers what has been read, then ends each connection.
    func drain() {
        guard !isDraining else { return }
        for listener in listeners { acceptConnections(from: listener) }
        pauseAccepting()
        isDraining = true
        for listener in listeners { close(listener.descriptor) }
        listeners = []
        for case let connection? in connections {
            connection.isReadable = true
            receive(connection)
            if case .idle = connection.phase { end(connection) }
        }
    }

    /// Ends every connection, answered or not.
    func endAll() {
        for case let connection? in connections { end(connection) }
    }
}

extension Connection {
    var isWaiting: Bool { if case .waiting = phase { true } else { false } }

    /// Whether no further request will be handled.
    var isEnding: Bool {
        switch phase {
        case .lingering, .closed: true
        case .idle, .head, .body, .waiting, .writing: false
        }
    }
}
