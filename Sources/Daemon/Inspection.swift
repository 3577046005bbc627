// What operators may look at: the parts of a running daemon, and what is in force.

import CLinux
import Delivery
import Server
import Store
import Synchronization

/// The parts of a running daemon that status and metrics are read from.
final class Inspection: Sendable {
    /// The last attempt to put another configuration in force.
    struct Reload: Sendable {
        /// When it was, in microseconds since 1970 (UTC).
        var at: Int64
        /// Why it was refused; nil where it was not.
        var refusal: String?
    }

    let startedAt = clinux_wall_microseconds()
    let server: Server
    let dispatcher: Dispatcher
    let store: SQLiteEventStore
    let ledger: CallbackLedger
    let certificates: Certificates
    private let inForce: Mutex<Configuration>
    private let lastReload = Mutex<Reload?>(nil)
    private let isDraining = Atomic<Bool>(false)
    private let probe: ReadinessProbe

    init(
        _ configuration: Configuration, server: Server, dispatcher: Dispatcher, store: SQLiteEventStore,
        ledger: CallbackLedger, certificates: Certificates
    ) {
        (self.server, self.dispatcher, self.store) = (server, dispatcher, store)
        (self.ledger, self.certificates) = (ledger, certificates)
        inForce = Mutex(configuration)
        probe = ReadinessProbe { [store] in
            do throws(StoreError) {
                return try store.takesCallbacks()
                    ? nil : "the disk has no more room than what is kept in reserve: make room on it"
            } catch {
                return error.description
            }
        }
    }

    /// The configuration in force.
    var configuration: Configuration { inForce.withLock { $0 } }

    /// The last reload; nil where there was none.
    var reload: Reload? { lastReload.withLock { $0 } }

    /// Notes that another configuration is in force.
    func reloaded(_ configuration: Configuration) {
        inForce.withLock { $0 = configuration }
        lastReload.withLock { $0 = Reload(at: clinux_wall_microseconds(), refusal: nil) }
    }

    /// Notes that another configuration was refused.
    func refusedReload(_ reason: String) {
        lastReload.withLock { $0 = Reload(at: clinux_wall_microseconds(), refusal: reason) }
    }

    /// Notes that no new connections are taken any more.
    func drains() { isDraining.store(true, ordering: .releasing) }

    /// Whether that is so.
    var isStopping: Bool { isDraining.load(ordering: .acquiring) }

    /// Why a callback would not be stored now; nil where it would. Blocks for two seconds at the longest.
    func whyNotReady() -> String? {
        isStopping ? "the daemon is stopping" : probe.problem()
    }
}
