// What a server has done so far, for metrics.

import Dispatch
import Metrics
import Synchronization

/// What a connection does, as metrics tell it apart.
public enum ConnectionState: String, Sendable, CaseIterable {
    /// Between two requests.
    case idle
    /// A request is arriving.
    case reading
    /// A request waits for its answer.
    case waiting
    /// An answer is being sent to a client that reads slowly.
    case writing
    /// The last answer is sent.
    case closing
}

/// The state of a server at one moment.
public struct ServerStatistics: Sendable {
    /// How many connections there are, by what they do.
    public var connections: [ConnectionState: Int] = [:]
    /// How many requests were answered, by status code.
    public var answers: [Int: Int] = [:]
    /// How long requests that came whole waited for their answer, in nanoseconds.
    public var answerTimes: HistogramValues
}

/// What one shard counts. Written on its queue, read from any.
final class ShardCounts: Sendable {
    private static let codes = 100..<600
    private let answers = CounterTable<500>()
    let answerTimes = Histogram.seconds()

    func answered(_ status: Int) {
        guard Self.codes.contains(status) else { return }
        answers.add(at: status - Self.codes.lowerBound)
    }

    /// How many answers there were of each status.
    var answersByStatus: [Int: Int] {
        Self.codes.reduce(into: [:]) { found, status in
            let count = answers.value(at: status - Self.codes.lowerBound)
            if count > 0 { found[status] = count }
        }
    }
}

extension Server {
    /// How long a shard may take to say what its connections do.
    private static let patience = DispatchTimeInterval.seconds(1)

    /// What the server has done so far. Not to be called on a shard's queue: waits up to a second for each shard to
    /// look at its connections; those of one that does not are left out.
    public func statistics() -> ServerStatistics {
        // Not a group: one that is never left, because its shard has ended, must not be thrown away.
        let told = DispatchSemaphore(value: 0)
        let states = StateCounts()
        for shard in shards {
            shard.post { shard in
                states.add(shard.connectionStates)
                told.signal()
            }
        }
        var statistics = ServerStatistics(answerTimes: Histogram.seconds().values)
        for shard in shards {
            statistics.answers.merge(shard.counts.answersByStatus, uniquingKeysWith: +)
            statistics.answerTimes.add(shard.counts.answerTimes.values)
        }
        let deadline = DispatchTime.now() + Self.patience
        for _ in shards where told.wait(timeout: deadline) == .timedOut { break }
        statistics.connections = states.sum
        return statistics
    }
}

private final class StateCounts: Sendable {
    private let counts = Mutex<[ConnectionState: Int]>([:])

    func add(_ more: [ConnectionState: Int]) { counts.withLock { $0.merge(more, uniquingKeysWith: +) } }

    var sum: [ConnectionState: Int] { counts.withLock { $0 } }
}

extension Shard {
    /// How many connections the shard has in each state.
    fileprivate var connectionStates: [ConnectionState: Int] {
        var counts: [ConnectionState: Int] = [:]
        for case let connection? in connections { counts[connection.state, default: 0] += 1 }
        return counts
    }
}

extension Connection {
    fileprivate var state: ConnectionState {
        switch phase {
        case .idle: .idle
        case .head, .body: .reading
        case .waiting: .waiting
        case .writing, .streaming: .writing
        case .lingering, .closed: .closing
        }
    }
}
