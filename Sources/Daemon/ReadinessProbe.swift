// Whether a callback would be stored now. The store is asked to write something, for only that shows it; a disk that
// hangs keeps one thread waiting, however often is asked.

import Dispatch
import Store
import Synchronization

/// Asks the store whether it takes callbacks.
final class ReadinessProbe: Sendable {
    /// How long the store may take to answer.
    private static let patience = DispatchTimeInterval.seconds(2)
    /// How long an answer is good, in nanoseconds: whoever asks in a loop must not wear out the disk.
    private static let freshness: UInt64 = 500_000_000

    private struct Round {
        /// The question under way; nil where there is none.
        var running: DispatchGroup?
        /// Why callbacks are not stored, as last found out; nil where they are.
        var problem: String?
        var answeredAt: DispatchTime?
    }

    private let ask: @Sendable () -> String?
    private let queue = DispatchQueue(label: "hookd.readiness")
    private let round = Mutex(Round())

    /// - Parameter ask: says why callbacks would not be stored, or nil. May block.
    init(ask: @escaping @Sendable () -> String?) {
        self.ask = ask
    }

    /// Why callbacks would not be stored now; nil where they would. Blocks for two seconds at the longest.
    func problem() -> String? {
        let (running, known) = round.withLock { round -> (DispatchGroup?, String?) in
            if let running = round.running { return (running, nil) }
            let now = DispatchTime.now().uptimeNanoseconds
            if let at = round.answeredAt, now - at.uptimeNanoseconds < Self.freshness { return (nil, round.problem) }
            let group = DispatchGroup()
            group.enter()
            round.running = group
            queue.async { self.run(group) }
            return (group, nil)
        }
        guard let running else { return known }
        guard running.wait(timeout: .now() + Self.patience) == .success else {
            return "the store does not answer: a commit has been under way for more than two seconds"
        }
        return round.withLock { $0.problem }
    }

    private func run(_ group: DispatchGroup) {
        let problem = ask()
        round.withLock { round in
            round.problem = problem
            round.answeredAt = .now()
            round.running = nil
        }
        group.leave()
    }
}
