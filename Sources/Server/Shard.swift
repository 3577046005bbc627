// An event loop: one serial queue, one epoll set, the listening sockets and connections in it. Its queue runs one
// long block around a blocking epoll_wait; everything a connection does happens inside it, so nothing here is locked
// but the mailbox through which others reach the shard.

import CLinux
import Dispatch
import Glibc
import HTTP
import Synchronization

/// One of the server's event loops. All of it but `post(_:)` is for its own queue only.
public final class Shard: @unchecked Sendable {  // confined to `queue`; `mailbox` and `isAsleep` are synchronised
    /// How many bytes are read from a socket at once, and how many times in one turn: others are waiting.
    static let readBytes = 64 << 10
    /// How many are read where no body has begun.
    static let firstReadBytes = 8 << 10
    static let readsPerTurn = 4
    /// How many requests of one connection are handled in a turn: 64 KiB hold more than a thousand small ones.
    static let requestsPerTurn = 16
    /// How much may wait behind an answer that its client does not read. No client that reads needs any of it.
    static let unreadInputBytes = 4 << 10
    /// How often deadlines are looked at.
    static let tick = Duration.milliseconds(500)
    /// How long the rest of a closing client's bytes is waited for.
    static let lingerTimeout = Duration.seconds(2)
    /// The epoll tokens that no connection has: generations begin at 1.
    private static let wakeToken: UInt64 = .max
    private static let listenerTokens: UInt64 = 0xffff_ffff

    private let queue: DispatchQueue
    let epoll: Int32
    private let wakeDescriptor: Int32
    private(set) var limits: ServerLimits
    let budget: ServerBudget
    let counts = ShardCounts()
    private let name: String
    private let mailbox = Mutex<[@Sendable (Shard) -> Void]>([])
    let turnQuestions = TurnQuestions()
    let doorstep = Doorstep()
    /// All shards of the server, this one as well; none where it is alone. Set before the start.
    var neighbours: [Neighbour] = []
    private let isAsleep = Atomic<Bool>(false)

    var handler: (any RequestHandler)?
    var parser: RequestParser
    var listeners: [Listener]
    var isAccepting = false
    var isDraining = false
    /// By descriptor.
    var connections: [Connection?] = []
    /// The tokens of connections that may have more to read, at once; each is there once.
    var unfinished: [UInt64] = []
    var connectionCount = 0
    private var generation: UInt32 = 0
    /// A descriptor to give up where there is no other one left.
    var spareDescriptor: Int32
    /// How many connections were told since the last tick that descriptors have run out.
    var apologies = 0
    /// Before this moment there is no use in looking for connections to end.
    var nextRoomSearch: Int64 = 0
    private var events = [clinux_event](repeating: clinux_event(), count: 512)
    let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: readBytes)
    var answerBytes: [UInt8] = []
    /// What goes over the wire of an encrypted connection.
    var cipherBytes: [UInt8] = []
    /// What came out of the bytes that were read from an encrypted connection.
    let plainBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: recordBytes)
    var now: Int64 = clinux_monotonic_nanoseconds()
    var nextTick: Int64 = 0
    var date = HTTPDate(unixSeconds: 0)
    /// The wall clock at the start of this turn, in microseconds since 1970 (UTC).
    public private(set) var wallClock: Int64 = clinux_wall_microseconds()

    init(name: String, listeners: [Listener], limits: ServerLimits, budget: ServerBudget) throws(SystemError) {
        self.name = name
        queue = DispatchQueue(label: "hookd.\(name)", qos: .userInitiated)
        self.listeners = listeners
        self.limits = limits
        self.budget = budget
        parser = RequestParser(limits: limits.request)
        spareDescriptor = openSpareDescriptor()
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
        close(spareDescriptor)
        readBuffer.deallocate()
        plainBuffer.deallocate()
    }

    /// Starts the loop. `finished` is called on the shard's queue when it has drained.
    func start(
        handler makeHandler: @escaping @Sendable (Shard) -> any RequestHandler, finished: @escaping @Sendable () -> Void
    ) {
        queue.async {
            self.handler = makeHandler(self)
            self.resumeAccepting()
            clinux_name_thread(self.name)
            self.run()
            clinux_name_thread("hookd")
            self.handler = nil
            self.turnQuestions.answer(last: true)
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

    /// Goes on with other limits. What has begun keeps the deadline that it began with.
    func apply(_ limits: ServerLimits, proxies: [ListenerSettings]) {
        self.limits = limits
        parser = RequestParser(limits: limits.request)
        for (index, settings) in proxies.enumerated() where index < listeners.count {
            listeners[index].settings.proxyProtocol = settings.proxyProtocol
            listeners[index].settings.forwarded = settings.forwarded
        }
        resumeAccepting()
    }

    // MARK: The loop

    private func run() {
        while !(isDraining && connectionCount == 0) {
            let ready = waitForEvents()
            readClocks()
            for index in 0..<ready { dispatch(events[index]) }
            readMail()
            readOn()
            if now >= nextTick { sweep() }
            handler?.turnEnded()
        }
    }

    private func waitForEvents() -> Int {
        // Said before the mailbox is looked at, so that mail which comes in between wakes the wait.
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        let hasMail = mailbox.withLock { !$0.isEmpty }
        let isIdle = connectionCount == 0 && isAccepting
        // To the next tick, and not for as long as one: else events shortly before it would put it off again and again.
        let untilTick = Int32(max(0, nextTick - clinux_monotonic_nanoseconds()) / 1_000_000) + 1
        let timeout: Int32 = hasMail || !unfinished.isEmpty ? 0 : isIdle ? -1 : untilTick
        let ready = clinux_epoll_wait(epoll, &events, Int32(events.count), timeout)
        isAsleep.store(false, ordering: .sequentiallyConsistent)
        return Int(max(ready, 0))  // interrupted by a signal: as if nothing was ready
    }

    private func readClocks() {
        now = clinux_monotonic_nanoseconds()
        wallClock = clinux_wall_microseconds()
        if date.unixSeconds != wallClock / 1_000_000 { date = HTTPDate(unixSeconds: wallClock / 1_000_000) }
    }

    private func readMail() {
        let mail = mailbox.withLock { mail in
            defer { mail.removeAll() }
            return mail
        }
        for work in mail { work(self) }
    }

    /// Goes on with connections that had more to read than one turn gives to each.
    private func readOn() {
        var tokens: [UInt64] = []
        swap(&tokens, &unfinished)
        for token in tokens {
            guard let connection = connection(token: token) else { continue }
            connection.isUnfinished = false
            if connection.hasUnserved {
                connection.hasUnserved = false
                if connection.acceptsRequest, !connection.input.isEmpty { serveInput(connection) }
            }
            receive(connection)
        }
    }

    /// Has a connection read on in the next turn. One that is there already, since an event came for it meanwhile, gets
    /// no second share.
    func readOnLater(_ connection: Connection) {
        if connection.isUnfinished { return }
        connection.isUnfinished = true
        unfinished.append(connection.token)
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
        if event.events & EpollEvents.peerFinished != 0 { noteEnd(of: connection) }
        if event.events & EpollEvents.output != 0, !connection.output.isEmpty { flush(connection) }
        if event.events & (EpollEvents.input | EpollEvents.peerFinished) != 0 {
            connection.isReadable = true
            receive(connection)
        }
    }

    /// The connection that an event is meant for; nil if that one is closed and its descriptor perhaps used again.
    func connection(token: UInt64) -> Connection? {
        let descriptor = Int(token & 0xffff_ffff)
        guard descriptor < connections.count, let connection = connections[descriptor],
            connection.generation == UInt32(token >> 32)
        else { return nil }
        return connection
    }

    /// Tells a new connection from every other one, whatever its descriptor.
    func nextGeneration() -> UInt32 {
        generation = generation == UInt32.max - 1 ? 1 : generation + 1
        return generation
    }

    func end(_ connection: Connection) {
        switch connection.phase {
        case .closed: return
        case .streaming(let answer): answer.source.ended()
        default: break
        }
        connection.phase = .closed
        connection.isReadable = false
        dropInput(connection)
        connection.output = []
        connections[Int(connection.descriptor)] = nil
        connectionCount -= 1
        close(connection.descriptor)
        if let address = connection.countedAddress { budget.giveAddress(address) }
        budget.giveConnection()
        resumeAccepting()
    }
}
