// Whether the loops turn: asked from outside, answered by the loops themselves.

import Synchronization

/// The questions that a shard has yet to answer.
final class TurnQuestions: Sendable {
    private struct Questions {
        var open: [@Sendable () -> Void] = []
        var hasEnded = false
    }

    private let questions = Mutex(Questions())

    /// Returns false where the loop has ended in order: then there is nobody to ask.
    func ask(_ answer: @escaping @Sendable () -> Void) -> Bool {
        questions.withLock { questions in
            if questions.hasEnded { return false }
            questions.open.append(answer)
            return true
        }
    }

    /// Answers all that is open.
    ///
    /// - Parameter last: whether the loop ends.
    func answer(last: Bool = false) {
        let open = questions.withLock { questions in
            defer { questions.open = [] }
            questions.hasEnded = last
            return questions.open
        }
        for answer in open { answer() }
    }
}

extension Server {
    /// Has `turned` called once every event loop has begun another turn after this call; not at all while one of them
    /// is stuck. A loop that has ended in order counts as one that turned. Called on any queue.
    public func afterNextTurn(_ turned: @escaping @Sendable () -> Void) {
        let open = Remaining(shards.count)
        for shard in shards {
            let answer: @Sendable () -> Void = { if open.isLast() { turned() } }
            if shard.turnQuestions.ask(answer) {
                shard.post { $0.turnQuestions.answer() }
            } else {
                answer()
            }
        }
    }
}

private final class Remaining: Sendable {
    private let count: Atomic<Int>

    init(_ count: Int) { self.count = Atomic(count) }

    /// Counts one down. Returns whether it was the last.
    func isLast() -> Bool { count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
