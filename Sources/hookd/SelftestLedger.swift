// What the clients of a selftest have sent, and what they were told.

import Daemon
import Synchronization

/// Remembers every callback by its number. For all clients at once.
final class SelftestLedger: Sendable {
    /// What is known of a callback.
    struct Entry: Sendable {
        /// Seconds since 1970: signed with it, and with no other when it is sent again.
        var timestamp: Int64
        /// Of the answer that said `stored`; 0 where there was none.
        var sequence: Int64 = 0
        var isAcknowledged = false
        var cycle: Int32
    }

    /// What a client is to send.
    struct Order: Sendable {
        var number: Int
        var timestamp: Int64
        var isRepeat: Bool
    }

    private struct State {
        var entries: [Entry] = []
        /// Without an answer, or with 503.
        var unanswered: [Int] = []
        var cycle: Int32 = 0
        var result = SelftestResult()
    }

    private let callbacks: SelftestCallbacks
    private let state = Mutex(State())

    init(_ callbacks: SelftestCallbacks) { self.callbacks = callbacks }

    /// What to send next: what was not answered, else at times what was, else something new.
    ///
    /// - Parameter onlyUnanswered: nothing else; nil where there is none.
    func next(_ random: inout SelftestRandom, onlyUnanswered: Bool = false) -> Order? {
        let (choice, repeats) = (random.next(), random.next() % 8 == 0)
        return state.withLock { state in
            if let number = state.unanswered.popLast() {
                state.result.retried += 1
                return Order(number: number, timestamp: state.entries[number].timestamp, isRepeat: false)
            }
            if onlyUnanswered { return nil }
            if repeats, !state.entries.isEmpty {
                let number = Int(choice % UInt64(state.entries.count))
                if state.entries[number].isAcknowledged {
                    return Order(number: number, timestamp: state.entries[number].timestamp, isRepeat: true)
                }
            }
            let entry = Entry(timestamp: WallTime.now().seconds, cycle: state.cycle)
            state.entries.append(entry)
            return Order(number: state.entries.count - 1, timestamp: entry.timestamp, isRepeat: false)
        }
    }

    /// Notes an answer.
    ///
    /// - Parameter last: the number that the same client's last event was stored under.
    func note(_ answer: HTTPAnswer, to order: Order, after last: inout Int64) {
        let sequence = answer.bodyContains("\"stored\"") ? sequence(in: answer.text) : nil
        state.withLock { state in
            switch answer.status {
            case 200 where order.isRepeat:
                state.result.repeated += 1
                if let sequence {
                    state.result.violations.add(
                        .doubled, "\(name(order, state)) had been acknowledged, and was stored again as \(sequence)")
                }
            case 200:
                state.entries[order.number].isAcknowledged = true
                state.entries[order.number].sequence = sequence ?? 0
                state.result.acknowledged += 1
                if let sequence, sequence <= last {
                    state.result.violations.add(
                        .disordered, "\(name(order, state)) was stored as \(sequence), after an answered \(last)")
                }
            case 503: if !order.isRepeat { state.unanswered.append(order.number) }
            default:
                state.result.violations.add(
                    .refused, "\(name(order, state)) was answered \(answer.status): \(escapingControls(answer.text))")
            }
        }
        last = sequence ?? last
    }

    /// Notes that no answer came.
    func noteSilence(_ order: Order) {
        // A repeat is owed nothing: its callback was acknowledged.
        if !order.isRepeat { state.withLock { $0.unanswered.append(order.number) } }
    }

    func beginCycle(_ cycle: Int) { state.withLock { $0.cycle = Int32(cycle) } }

    /// All entries, by number.
    var entries: [Entry] { state.withLock { $0.entries } }

    /// The numbers that still wait for an answer.
    var unanswered: [Int] { state.withLock { $0.unanswered } }

    var result: SelftestResult { state.withLock { $0.result } }

    private func name(_ order: Order, _ state: State) -> String {
        "callback \(callbacks.nonce(order.number)) of cycle \(state.entries[order.number].cycle)"
    }

    private func sequence(in text: String) -> Int64? {
        guard let start = text.firstRange(of: "\"sequence\":\"")?.upperBound else { return nil }
        return Int64(text[start...].prefix { $0.isNumber })
    }
}
