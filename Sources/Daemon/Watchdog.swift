// The watchdog of systemd (WatchdogSec=). What it is told of is the event loops, and nothing else: a store that hangs
// is answered with 503, and ending the daemon would not mend the disk.

import CSystemd
import Dispatch
import Server
import Synchronization

/// Says that the daemon lives for as long as every event loop turns.
final class Watchdog: @unchecked Sendable {  // `timer`: set up once, by `start`
    private let servers: [Server]
    private let interval: Duration
    private let isAlive: @Sendable () -> Void
    /// One of its own: no work that blocks may keep it from its turn.
    private let queue = DispatchQueue(label: "hookd.watchdog", qos: .userInitiated)
    private let timer: any DispatchSourceTimer
    /// How many servers have yet to answer.
    private let open = Atomic<Int>(0)

    /// - Parameters:
    ///   - interval: how often to ask the loops.
    ///   - isAlive: called when all of them have turned since they were asked.
    init(_ servers: [Server], interval: Duration, isAlive: @escaping @Sendable () -> Void) {
        (self.servers, self.interval, self.isAlive) = (servers, interval, isAlive)
        timer = DispatchSource.makeTimerSource(queue: queue)
    }

    /// The one that this process was started with; nil where it has none.
    convenience init?(_ servers: [Server], _ manager: ServiceManager) {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        // As systemd advises: at half the time, so that one that comes late is still in time.
        self.init(servers, interval: .microseconds(Int64(clamping: microseconds / 2))) { manager.isAlive() }
    }

    /// Begins to ask. It goes on while the daemon stops: loops that have ended in order count as turning.
    func start() {
        let nanoseconds = DispatchTimeInterval.nanoseconds(Int(interval / .nanoseconds(1)))
        timer.schedule(deadline: .now(), repeating: nanoseconds)
        timer.setEventHandler { [weak self] in self?.ask() }
        timer.activate()
    }

    /// While one question is open there is no other: an answer is a sign of life whenever it comes.
    private func ask() {
        let isAnswered = open.compareExchange(expected: 0, desired: servers.count, ordering: .acquiringAndReleasing)
        guard isAnswered.exchanged else { return }
        for server in servers {
            server.afterNextTurn { [self] in
                if open.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { isAlive() }
            }
        }
    }
}
