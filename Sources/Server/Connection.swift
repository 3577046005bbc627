// One connection: what has arrived and is not handled yet, what is to be sent, and until when.

import Glibc
import HTTP

/// A connection of a shard. It lives and dies on the shard's queue.
final class Connection {
    /// What the connection does at the moment.
    enum Phase {
        /// Between two requests: nothing of the next has arrived.
        case idle
        /// The head of a request is arriving; this many of its bytes were looked at.
        case head(scanned: Int)
        /// The body of a request is arriving.
        case body(PartialBody)
        /// A request waits for its answer.
        case waiting
        /// An answer is being sent to a client that reads slowly.
        case writing
        /// An answer is being sent whose body is made meanwhile.
        case streaming(StreamedAnswer)
        /// The last answer is sent; what still comes is read and dropped, so that the answer is not lost to a reset.
        case lingering
        /// The descriptor is closed.
        case closed
    }

    /// A request whose head is whole and whose body is not.
    struct PartialBody {
        var head: RequestHead
        /// The state of a chunked body.
        var decoder: ChunkedDecoder?
        /// Where the data decoded so far ends, from the start of the request.
        var bodyEnd: Int
        /// Where the bytes begin that are not decoded yet.
        var inputStart: Int
    }

    let descriptor: Int32
    /// Tells this connection from an earlier one with the same descriptor.
    let generation: UInt32
    /// The other end: of the socket, or as a trusted proxy names it.
    var client: ClientAddress
    /// The encryption; nil for a plain connection.
    var tls: TLSSession?
    /// Whether a PROXY protocol header comes first.
    var awaitsProxyHeader = false
    /// Which proxies' word is taken for who the client is; nil for none.
    var forwarded: ForwardedSettings?
    /// The address that this connection is counted for.
    var countedAddress: IPAddress?
    /// Counts requests, so that a late answer never becomes the answer to another request.
    var ordinal: UInt32 = 0
    var phase = Phase.idle
    /// Bytes that have arrived and belong to a request that is not whole, or wait behind one that is being answered.
    var input: [UInt8] = []
    /// An answer that the socket did not take at once.
    var output: [UInt8] = []
    /// How much of `output` was sent.
    var outputStart = 0
    /// When the phase must be over, on the monotonic clock, in nanoseconds.
    private(set) var deadline: Int64
    /// When the phase began, likewise.
    private(set) var phaseBegan: Int64
    /// How many bytes of the request have come since the phase began.
    var arrivedBytes = 0
    /// When the connection has served long enough: the answer that is sent then is its last.
    let retiresAt: Int64
    /// How much of `ServerBudget.requestBytes` is taken for `input`.
    var chargedBytes = 0
    /// The kernel may hold bytes that were not read: its notice comes once (EPOLLET).
    var isReadable = false
    /// The input holds requests that were left for the next turn.
    var hasUnserved = false
    /// Whether the shard goes on with it in the next turn (`Shard.unfinished`).
    var isUnfinished = false
    /// The client will send nothing more.
    var peerHasFinished = false
    /// The same, said by TLS: behind it nothing is read.
    var peerSaidGoodbye = false
    /// Whether the request being answered was HEAD.
    var answersHead = false
    /// Whether the request being answered was of HTTP/1.0, which knows no chunks.
    var answersHTTP10 = false
    /// Whether the connection ends behind the answer being made.
    var closesAfterAnswer = false

    /// - Parameters:
    ///   - now: the monotonic clock, in nanoseconds.
    ///   - patience: how long the client may take to send something.
    ///   - age: how long the connection may serve.
    init(
        descriptor: Int32, generation: UInt32, client: ClientAddress, now: Int64, patience: Duration,
        age: Duration
    ) {
        self.descriptor = descriptor
        self.generation = generation
        self.client = client
        phaseBegan = now
        deadline = now.advanced(by: patience)
        retiresAt = now.advanced(by: age)
    }

    /// Notes that a phase begins now, and how long it may take.
    func startClock(now: Int64, patience: Duration, arrivedBytes: Int = 0) {
        phaseBegan = now
        deadline = now.advanced(by: patience)
        self.arrivedBytes = arrivedBytes
    }

    /// Notes that what is done now may take any time.
    func stopClock() { deadline = .max }

    /// Whether another request may be looked at now.
    var acceptsRequest: Bool {
        switch phase {
        case .idle, .head, .body: true
        case .waiting, .writing, .streaming, .lingering, .closed: false
        }
    }

    var isWaiting: Bool { if case .waiting = phase { true } else { false } }

    /// Whether no further request will be handled.
    var isEnding: Bool {
        switch phase {
        case .lingering, .closed: true
        case .idle, .head, .body, .waiting, .writing, .streaming: false
        }
    }

    /// What epoll is to carry for this connection: generation and descriptor.
    var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)) }

    /// Gives back the memory of chunks' framing that is decoded: a body in chunks of one byte takes six on the wire.
    func dropDecodedFraming() {
        guard case .body(var partial) = phase, partial.inputStart - partial.bodyEnd > 16 << 10 else { return }
        input.removeSubrange(partial.bodyEnd..<partial.inputStart)
        partial.inputStart = partial.bodyEnd
        phase = .body(partial)
    }
}
