// What became of the callbacks of each endpoint, for metrics and status. The shards raise these numbers as they answer.

import Metrics
import Synchronization

/// How a callback ended, as metrics, status and logs name it.
enum CallbackOutcome: String, CaseIterable, Sendable {
    case stored
    case duplicate
    case forged
    case late
    case malformed
    case reusedNonce = "reused_nonce"
    case unavailable
    case refusedAddress = "refused_address"
    case rateLimited = "rate_limited"
}

/// What one endpoint counts. Any shard writes, anybody reads.
final class EndpointCounts: Sendable {
    private let outcomes: [Counter]
    /// When an event was last stored, in microseconds since 1970 (UTC).
    let lastEvent = Gauge()
    /// By how much our clock was ahead of the last genuine callback's timestamp when it came, in microseconds.
    let clockSkew = Gauge()

    init() {
        outcomes = CallbackOutcome.allCases.map { _ in Counter() }
    }

    func count(_ outcome: CallbackOutcome) { outcomes[outcome.index].add() }

    func value(of outcome: CallbackOutcome) -> Int { outcomes[outcome.index].value }
}

extension CallbackOutcome {
    /// The place among `allCases`.
    fileprivate var index: Int {
        switch self {
        case .stored: 0
        case .duplicate: 1
        case .forged: 2
        case .late: 3
        case .malformed: 4
        case .reusedNonce: 5
        case .unavailable: 6
        case .refusedAddress: 7
        case .rateLimited: 8
        }
    }
}

/// The counts of all endpoints. They outlive a reload of the configuration: an endpoint is known by its path, a secret
/// of it by where it comes from.
final class CallbackLedger: Sendable {
    private struct Books {
        var endpoints: [String: EndpointCounts] = [:]
        var secrets: [String: Gauge] = [:]
    }

    private let books = Mutex(Books())

    /// The counts of the endpoint at `path`.
    func counts(of path: String) -> EndpointCounts {
        books.withLock { books in
            let counts = books.endpoints[path] ?? EndpointCounts()
            books.endpoints[path] = counts
            return counts
        }
    }

    /// When a callback of the endpoint at `path` was last signed with the secret of this label, in seconds since 1970
    /// (UTC).
    func lastUse(ofSecret label: String, at path: String) -> Gauge {
        books.withLock { books in
            // Neither holds a line feed, so no two pairs have one key.
            let key = path + "\n" + label
            let use = books.secrets[key] ?? Gauge()
            books.secrets[key] = use
            return use
        }
    }
}
