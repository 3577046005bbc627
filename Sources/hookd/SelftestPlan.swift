// What a selftest is to do, and what it found.

/// What is to be done.
struct SelftestPlan: Sendable {
    var cycles: Int
    var clients: Int
    var callbacksPerSecond: Int
    /// How many events are stored before the first end.
    var storedBefore: Int
    /// Within what time after its start the daemon must have answered 200.
    var readyWithinMilliseconds: Int
    var seed: UInt64

    /// Every so many cycles, the daemon is ended by SIGTERM.
    static let cyclesPerTermination = 5
    /// When the daemon is ended, after it was ready.
    static let momentsNanoseconds: ClosedRange<Int64> = 50_000_000...800_000_000
}

/// Something that breaks the promise.
struct SelftestViolation: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// Acknowledged, and not there.
        case lost
        /// Stored twice, or in the file twice.
        case doubled
        /// Not in storing order.
        case disordered
        /// Not the bytes that were sent.
        case changed
        /// Answered neither 200 nor 503, or not accepted when it was sent again.
        case refused
        /// The daemon came back late, or ended by itself.
        case ended
    }

    var kind: Kind
    var text: String
}

/// The violations of a run: all are counted, the first ones of each kind are kept.
struct SelftestViolations: Sendable {
    private static let most = 5

    private(set) var first: [SelftestViolation] = []
    private(set) var counts: [SelftestViolation.Kind: Int] = [:]

    var isEmpty: Bool { counts.isEmpty }
    var total: Int { counts.values.reduce(0, +) }

    func count(_ kind: SelftestViolation.Kind) -> Int { counts[kind] ?? 0 }

    mutating func add(_ kind: SelftestViolation.Kind, _ text: String) {
        counts[kind, default: 0] += 1
        if count(kind) <= Self.most { first.append(SelftestViolation(kind: kind, text: text)) }
    }

    mutating func add(_ others: SelftestViolations) {
        counts.merge(others.counts) { $0 + $1 }
        first += others.first
    }
}

/// What a run has shown.
struct SelftestResult: Sendable {
    var kills = 0
    var terminations = 0
    /// Callbacks that were answered 200, each counted once.
    var acknowledged = 0
    /// Repeats of acknowledged callbacks that were answered.
    var repeated = 0
    /// Callbacks that got no answer, or 503, and were sent again.
    var retried = 0
    /// What the forward sink's target got more than once.
    var deliveredAgain = 0
    var readyMilliseconds: [Double] = []
    var violations = SelftestViolations()

    var isKept: Bool { violations.isEmpty }

    /// The time that half of the starts took at most, and the longest.
    var readyMedian: Double { readyMilliseconds.sorted().dropFirst(readyMilliseconds.count / 2).first ?? 0 }
    var readyLongest: Double { readyMilliseconds.max() ?? 0 }
}

/// Numbers that look random and are the same for the same seed: SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
struct SelftestRandom: RandomNumberGenerator {
    private var state: UInt64

    /// A series of its own for each `stream` of a seed.
    init(seed: UInt64, stream: UInt64) {
        state = seed
        state = next() ^ stream
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
