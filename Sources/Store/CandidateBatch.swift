// Verified callbacks on their way into the store: the bytes of many in one array, so that handing over
// a batch costs two allocations however many callbacks it holds.

/// Where a value lies in the `bytes` of its batch.
public struct ByteRange: Sendable, Equatable {
    /// The first byte, counted from the start of the batch's `bytes`.
    public var offset: Int32
    /// The length in bytes; 0 where the value is absent.
    public var count: Int32

    /// The range as offsets for a subscript of the batch's `bytes`.
    public var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }

    /// A range of `count` bytes at `offset`.
    public init(offset: Int, count: Int) {
        self.offset = Int32(truncatingIfNeeded: offset)
        self.count = Int32(truncatingIfNeeded: count)
    }

    /// From where the first of both begins to where the last of both ends.
    func joined(_ other: ByteRange) -> ByteRange {
        let start = min(range.lowerBound, other.range.lowerBound)
        return ByteRange(offset: start, count: max(range.upperBound, other.range.upperBound) - start)
    }
}

/// What becomes of a callback outside the time window that was never stored.
public enum LateTreatment: Sendable {
    /// It is `.late`, and not kept.
    case refuse
    /// It is `.quarantined`: kept apart, for the operator to decide.
    case quarantine
    /// It is stored as an event, if the store can tell that it is new.
    case accept
}

/// A callback whose signature was found right, as the store needs it.
public struct Candidate: Sendable {
    /// When hookd had read the whole request, in microseconds since 1970 (UTC).
    public var receivedAt: Int64
    /// The signed timestamp, in seconds since 1970 (UTC).
    public var signedAt: Int64
    /// Whether `signedAt` was outside the endpoint's time window when the callback arrived.
    public var isLate: Bool
    /// What becomes of it if it is late. For the store so is one from a time whose events are deleted already: whether
    /// it is new cannot be told.
    public var lateTreatment: LateTreatment
    /// The path of the endpoint.
    public var endpoint: ByteRange
    /// The client's address in network order: 4 or 16 bytes, or none where it is not known.
    public var client: ByteRange
    /// The nonce as sent.
    public var nonce: ByteRange
    /// The signature, decoded: 32 bytes.
    public var signature: ByteRange
    /// The name of the signature's algorithm as sent; empty where the header was missing.
    public var algorithm: ByteRange
    /// The event's id: the first 16 bytes of SHA-256(body).
    public var id: ByteRange
    /// The body, byte for byte.
    public var body: ByteRange

    /// A candidate whose ranges came from `CandidateBatch.append(_:)`.
    public init(
        receivedAt: Int64, signedAt: Int64, isLate: Bool, endpoint: ByteRange, client: ByteRange,
        nonce: ByteRange, signature: ByteRange, algorithm: ByteRange, id: ByteRange, body: ByteRange,
        lateTreatment: LateTreatment = .refuse
    ) {
        self.receivedAt = receivedAt
        self.signedAt = signedAt
        self.isLate = isLate
        self.endpoint = endpoint
        self.client = client
        self.nonce = nonce
        self.signature = signature
        self.algorithm = algorithm
        self.id = id
        self.body = body
        self.lateTreatment = lateTreatment
    }
}

/// Candidates gathered by one shard in one turn of its loop.
public struct CandidateBatch: Sendable {
    /// The bytes that the candidates' ranges point into.
    public private(set) var bytes: [UInt8] = []
    /// The candidates, in order of arrival.
    public private(set) var candidates: [Candidate] = []

    /// An empty batch.
    public init() {}

    /// Whether it holds no candidate.
    public var isEmpty: Bool { candidates.isEmpty }

    /// Reserves memory for about as much as `other` came to, so that a steady load appends without growing.
    public mutating func reserve(like other: CandidateBatch) {
        bytes.reserveCapacity(other.bytes.count + other.bytes.count / 4)
        candidates.reserveCapacity(other.candidates.count + other.candidates.count / 4)
    }

    /// Copies one value in and says where it lies.
    public mutating func append(_ value: UnsafeRawBufferPointer) -> ByteRange {
        let range = ByteRange(offset: bytes.count, count: value.count)
        bytes.append(contentsOf: value)
        return range
    }

    /// Adds a candidate whose ranges came from `append(_:)` of this batch.
    public mutating func append(_ candidate: Candidate) {
        candidates.append(candidate)
    }
}
