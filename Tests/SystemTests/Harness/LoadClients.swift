// Clients that send callbacks as fast as they are answered, and remember what they were told.

import Foundation
import Synchronization

/// A callback that was answered 200, and what the answer said.
struct Acknowledged: Sendable {
    let callback: SignedCallback
    /// Of the event; nil where the answer was `duplicate`.
    let sequence: Int64?
}

/// Several threads, each with a connection of its own, until the daemon goes away.
final class LoadClients: @unchecked Sendable {  // variables: only with `condition` locked
    private let condition = NSCondition()
    private let port: UInt16
    private var toResend: [SignedCallback]
    private var running: Int
    private var results = Results()

    struct Results: Sendable {
        var acknowledged: [Acknowledged] = []
        /// Sent, at least in part, and not answered 200.
        var unanswered: [SignedCallback] = []
        /// How many of them were answered 503.
        var refusedCount = 0
        /// Answers that are neither 200 nor 503, and sequences that do not rise from answer to answer.
        var surprises: [String] = []
    }

    /// Begins to send: first what is to be sent again, then callbacks like no other.
    init(_ count: Int, port: UInt16, resending: [SignedCallback] = []) {
        self.port = port
        toResend = resending
        running = count
        for _ in 0..<count { Thread.detachNewThread { self.run() } }
    }

    /// Waits until so many callbacks were answered 200, or all clients have ended.
    func awaitAcknowledged(_ count: Int) throws {
        try wait { results.acknowledged.count >= count || running == 0 }
    }

    /// Those that were answered 200 up to now.
    var acknowledged: [Acknowledged] { condition.withLock { results.acknowledged } }

    /// Waits until the daemon's end has ended all clients.
    func finish() throws -> Results {
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

    private func change(_ body: () -> Void) {
        condition.withLock {
            body()
            condition.broadcast()
        }
    }

    private func run() {
        defer { change { running -= 1 } }
        guard let connection = try? RawConnection(port: port) else { return }
        var last: Int64 = 0
        while true {
            guard let callback = try? condition.withLock({ toResend.popLast() }) ?? SignedCallback.unique() else {
                return
            }
            guard let answer = try? connection.exchange(callback.request()) else {
                return change { results.unanswered.append(callback) }
            }
            take(answer, to: callback, after: &last)
            if answer.field("connection") == "close" { return }
        }
    }

    private func take(_ answer: Answer, to callback: SignedCallback, after last: inout Int64) {
        change {
            switch answer.status {
            case 200:
                let sequence = answer.text.firstMatch(of: #/"sequence":"(\d+)"/#).flatMap { Int64($0.1) }
                if let sequence, sequence <= last { results.surprises.append("\(sequence) came after \(last)") }
                last = sequence ?? last
                results.acknowledged.append(Acknowledged(callback: callback, sequence: sequence))
            case 503:
                results.unanswered.append(callback)
                results.refusedCount += 1
            default: results.surprises.append("\(answer.status) \(answer.text)")
            }
        }
    }
}

/// Numbers that look random and are the same for the same seed: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
