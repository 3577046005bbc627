// Clients that make a new connection for each callback, and whom nothing excuses: neither a refused connection nor one
// that ends without an answer.

import Foundation

/// Several threads that send for as long as they are let.
final class OneShotClients: @unchecked Sendable {  // variables: only with `condition` locked
    struct Results: Sendable {
        /// The ids of callbacks that were answered 200.
        var stored: [String] = []
        /// What went wrong otherwise.
        var failures: [String] = []
    }

    private let condition = NSCondition()
    private let port: UInt16
    private var results = Results()
    private var running: Int
    private var isOver = false

    init(_ count: Int, port: UInt16) {
        self.port = port
        running = count
        for _ in 0..<count { Thread.detachNewThread { self.run() } }
    }

    /// Waits for so many answers in all, or for a failure. Returns how many there are then.
    func awaitAnswers(_ count: Int) throws -> Int {
        try wait { results.stored.count >= count || !results.failures.isEmpty }
        return condition.withLock { results.stored.count }
    }

    /// Has the clients finish what they have begun.
    func finish() throws -> Results {
        condition.withLock { isOver = true }
        try wait { running == 0 }
        return condition.withLock { results }
    }

    private func wait(_ isDone: () -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        condition.lock()
        defer { condition.unlock() }
        while !isDone() {
            guard condition.wait(until: deadline) else { throw Failure("the clients got stuck") }
        }
    }

    private func run() {
        while !condition.withLock({ isOver }) {
            let outcome = Result { try sendOne() }
            condition.withLock {
                switch outcome {
                case .success(let id): results.stored.append(id)
                case .failure(let error): results.failures.append("\(error)")
                }
                condition.broadcast()
            }
        }
        condition.withLock {
            running -= 1
            condition.broadcast()
        }
    }

    private func sendOne() throws -> String {
        let callback = try SignedCallback.unique()
        let answer = try RawConnection(port: port).exchange(callback.request(adding: ["Connection: close"]))
        guard answer.status == 200 else { throw Failure("\(answer.status) \(answer.text)") }
        return try callback.id
    }
}
