// When the service manager is told what: from the start, through reloads, to the end.

import Dispatch
import Server

/// Keeps the service manager up to date about a running daemon.
final class ServiceReports: @unchecked Sendable {  // variables: on `queue` only
    /// How often the status is looked at, and how often a store is asked that takes nothing yet.
    private static let statusInterval = DispatchTimeInterval.seconds(3)
    private static let retryInterval = DispatchTimeInterval.seconds(1)
    /// How long the manager is asked to be patient, each time; the next word comes well before.
    private static let patience = Duration.seconds(20)
    /// How long a stop may take beyond the drain timeout: sinks let go, cursors and the store are written.
    static let graceSeconds = 20

    private let manager: ServiceManager
    private let inspection: Inspection
    private let servers: [Server]
    private let watchdog: Watchdog?
    private let status: ServiceStatusReader
    /// What happens here may wait for the disk.
    private let queue = DispatchQueue(label: "hookd.service", qos: .utility)
    private let timer: any DispatchSourceTimer
    private var isReady = false
    /// Not the same queue: a stop must be heard while the disk is waited for.
    private let stopTimer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "hookd.stopping"))

    init(_ manager: ServiceManager, _ inspection: Inspection, admin: Server?) {
        (self.manager, self.inspection) = (manager, inspection)
        servers = [inspection.server] + [admin].compactMap(\.self)
        watchdog = Watchdog(servers, manager)
        status = ServiceStatusReader(inspection)
        timer = DispatchSource.makeTimerSource(queue: queue)
    }

    /// Says that the daemon is ready as soon as every loop accepts and the store has answered a write.
    func start() {
        watchdog?.start()
        inspection.server.afterNextTurn { [self] in
            timer.schedule(deadline: .now(), repeating: Self.retryInterval)
            timer.setEventHandler { [self] in lookAfter() }
            timer.activate()
        }
    }

    /// On `queue`, now and then.
    private func lookAfter() {
        if !isReady {
            if let problem = inspection.whyNotReady() {
                manager.notReadyYet(problem, patience: Self.patience)
                return
            }
            isReady = true
            manager.ready()
            timer.schedule(deadline: .now(), repeating: Self.statusInterval, leeway: .seconds(1))
        }
        manager.status(status.look().text)
    }

    /// Says that the daemon stops, and asks for patience until it must have done so.
    func stopping(drainTimeout: Duration) {
        manager.stopping("stopping: what was read is answered, and sinks catch up", patience: Self.patience)
        let end = ContinuousClock.now + drainTimeout + .seconds(Self.graceSeconds)
        stopTimer.schedule(deadline: .now() + 5, repeating: .seconds(5))
        stopTimer.setEventHandler { [manager, stopTimer] in
            if ContinuousClock.now < end { manager.extendTimeout(by: Self.patience) } else { stopTimer.cancel() }
        }
        stopTimer.activate()
    }
}
