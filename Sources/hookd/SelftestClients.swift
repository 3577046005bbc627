// The clients of a selftest: each has a connection, and sends one callback after the other until the daemon is gone.

import CLinux
import Dispatch
import Glibc
import Synchronization

/// Clients at work.
final class SelftestClients: Sendable {
    private let group = DispatchGroup()
    private let isOver = Atomic<Bool>(false)
    private let ledger: SelftestLedger
    private let callbacks: SelftestCallbacks
    private let secret: [UInt8]
    private let url: String

    init(of home: SelftestHome, port: UInt16, _ callbacks: SelftestCallbacks, _ ledger: SelftestLedger) {
        (self.ledger, self.callbacks, secret) = (ledger, callbacks, home.secret)
        url = "http://127.0.0.1:\(port)/callbacks"
    }

    /// Begins to send.
    ///
    /// - Parameters:
    ///   - pauseNanoseconds: what lies at least between two callbacks of a client.
    ///   - count: how many each of them sends at most.
    func begin(_ clients: Int, seed: UInt64, cycle: Int, pauseNanoseconds: Int64, count: Int = .max) {
        for index in 0..<clients {
            // A serial queue of its own has a thread of its own.
            DispatchQueue(label: "hookd.selftest.client").async(group: group) { [self] in
                var random = SelftestRandom(seed: seed, stream: UInt64(cycle) << 32 | UInt64(index) << 1 | 1)
                run(&random, pauseNanoseconds, count)
            }
        }
    }

    /// Waits until all have sent what they were to send.
    func finish() { group.wait() }

    /// Lets no client begin another callback, and waits for all of them.
    func end() {
        isOver.store(true, ordering: .relaxed)
        group.wait()
    }

    /// Sends on this thread what was not answered so far, until all of it is, or something new where there is none.
    ///
    /// - Returns: whether the daemon has answered 200 to anything.
    func sendOne(_ random: inout SelftestRandom, onlyUnanswered: Bool = false) -> Bool {
        guard let client = try? HTTPClient(), let signer = try? CallbackSigner(secret: secret),
            let order = ledger.next(&random, onlyUnanswered: onlyUnanswered)
        else { return false }
        var last: Int64 = 0
        return send(order, by: client, signer, after: &last) == 200
    }

    private func run(_ random: inout SelftestRandom, _ pause: Int64, _ count: Int) {
        guard let client = try? HTTPClient(), let signer = try? CallbackSigner(secret: secret) else { return }
        var last: Int64 = 0
        for _ in 0..<count {
            let began = clinux_monotonic_nanoseconds()
            guard !isOver.load(ordering: .relaxed), let order = ledger.next(&random),
                send(order, by: client, signer, after: &last) != nil
            else { return }
            let left = began + pause - clinux_monotonic_nanoseconds()
            if left > 0 { pauseThread(nanoseconds: left) }
        }
    }

    /// - Returns: the answer's status; nil where there was no answer.
    private func send(
        _ order: SelftestLedger.Order, by client: HTTPClient, _ signer: CallbackSigner, after last: inout Int64
    ) -> Int? {
        let (nonce, timestamp) = (callbacks.nonce(order.number), String(order.timestamp))
        guard let callback = try? signer.sign(callbacks.body(order.number), nonce: nonce, timestamp: timestamp),
            let answer = try? client.post(callback.body, headers: callback.headers, to: url)
        else {
            ledger.noteSilence(order)
            return nil
        }
        ledger.note(answer, to: order, after: &last)
        return answer.status
    }
}

/// Lets time go by on this thread.
func pauseThread(nanoseconds: Int64) {
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    var rest = timespec()
    while nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
}
