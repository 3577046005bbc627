// The daemon from start to end: what is opened in which order, what a signal does, and what is closed when.

import CLinux
import Callbacks
import Delivery
import Dispatch
import Events
import Glibc
import HTTP
import Logging
import Server
import Store

/// Why the daemon did not start.
public enum StartError: Error, Sendable, CustomStringConvertible {
    /// The store could not be opened.
    case store(StoreError)
    /// An address could not be listened on.
    case listen(SystemError)
    /// A sink could not be set up.
    case sink(SinkError)
    /// A certificate or key cannot be used any more: it could be when the configuration was read.
    case certificates(ConfigurationErrors)
    /// What the configuration expects of systemd was not handed over.
    case sockets(ConfigurationErrors)
    /// OpenSSL refused a secret or SQLite's or simdjson's memory was not to be had.
    case library(String)

    /// What was wrong, where, and what to do.
    public var description: String {
        switch self {
        case .store(let error): error.description
        case .listen(let error) where error.code == EADDRINUSE:
            "\(error). Another program listens there: stop it, or change listen."
        case .listen(let error) where error.code == EACCES:
            "\(error). Ports below 1024 need CAP_NET_BIND_SERVICE, and a socket file a directory that hookd may write."
        case .listen(let error): "\(error). Is it an address of this machine?"
        case .sink(let error): error.description
        case .certificates(let errors), .sockets(let errors): errors.description
        case .library(let text): text
        }
    }
}

/// A daemon that has been started.
public final class Daemon: Sendable {
    private let configuration: Configuration
    private let log: DaemonLog
    private let refusals: RateLimitedLog
    private let store: SQLiteEventStore
    private let dispatcher: Dispatcher
    private let server: Server
    private let inspection: Inspection
    private let reloading: Reloading
    private let feeds: EventFeeds
    private let admin: AdminListener?
    private let manager: ServiceManager?
    private let reports: ServiceReports?

    /// Opens the store, starts delivery, then listens. When it returns, callbacks are accepted.
    ///
    /// Signals that end the daemon wait from now on for `runUntilSignalled`.
    ///
    /// - Parameters:
    ///   - environment: the environment variables that the configuration was read with.
    ///   - sockets: what was handed over to listen on; `configuration.validateSockets` found nothing amiss.
    public init(
        _ configuration: Configuration, environment: [String: String], sockets: ActivatedSockets, log: DaemonLog
    ) throws(StartError) {
        holdSignals()
        forgoCoreDumps()
        clinux_return_large_memory()
        self.configuration = configuration
        self.log = log
        let logger = log.logger
        for warning in configuration.warnings { logger.log(warning) }
        let refusals = RateLimitedLog(logger)
        self.refusals = refusals
        let limits = ServerLimits(configuration.limits, descriptors: raiseDescriptorLimit(), logger)
        let certificates = try Certificates(configuration, environment: environment)
        let plan = try makeSocketPlan(configuration, sockets, logger)
        let ledger = CallbackLedger()
        let endpoints = try makeEndpoints(configuration, ledger)
        do {
            let directory = try StateDirectory(path: configuration.stateDirectory)
            store = try SQLiteEventStore(directory: directory, options: .init(configuration)) { refusals.log($0) }
            let subscriptions = try configuration.sinks.map { sink in
                try makeSubscription(sink, endpoints: configuration.endpoints(of: sink))
            }
            dispatcher = Dispatcher(store: store, subscriptions: subscriptions) { note in
                logger.log(note)
            }
            try dispatcher.start()
        } catch let error as StoreError {
            throw .store(error)
        } catch let error as StartError {
            throw error
        } catch {
            throw .library("\(error)")
        }
        do throws(SystemError) {
            server = try Server(
                listeners: makeListeners(configuration, certificates, plan), limits: limits,
                shardCount: defaultShardCount())
            admin = try AdminListener.open(
                configuration, inherited: plan.admin, environment: environment, logger)
        } catch {
            _ = dispatcher.stop(deadline: .now())
            store.close()
            throw .listen(error)
        }
        let handlers = CallbackHandlers(endpoints: endpoints, store: store, log: refusals)
        inspection = Inspection(
            configuration, server: server, dispatcher: dispatcher, store: store, ledger: ledger,
            certificates: certificates)
        manager = ServiceManager(environment: environment)
        reports = manager.map { [admin, inspection] in ServiceReports($0, inspection, admin: admin?.server) }
        feeds = EventFeeds(store: store)
        reloading = Reloading(
            inspection, handlers: handlers, level: log.level, environment: environment,
            listeners: { makeListeners($0, certificates, plan) }, logger, manager: manager)
        server.start { handlers.make($0) }
        startAdmin()
        reports?.start()
        logger.log(.started, level: .notice, "\(configuration.startLine(listening: server.addresses))")
    }

    private func startAdmin() {
        guard let admin else { return }
        let operators = OperatorDesk(
            store: store, stateDirectory: configuration.stateDirectory, feeds: feeds,
            terms: { [inspection] name in
                let configuration = inspection.configuration
                guard let sink = configuration.sinks.first(where: { $0.name == name }) else { return nil }
                return SinkTerms(endpoints: configuration.endpoints(of: sink), choice: sink.choice)
            })
        let desk = AdminDesk(inspection: inspection, operators: operators, feeds: feeds) { [reloading] in
            reloading.reload("hookd reload")
        }
        admin.start(log: refusals, token: { [inspection] in inspection.configuration.admin.token }) { desk.answer($0) }
        log.logger.info("admin listener on \(escapingControls(admin.address.description))")
    }

    /// Stops accepting, answers what was read, lets the sinks catch up, and closes the store. Blocks for the drain
    /// timeout and a few seconds at the longest.
    public func stop() {
        let logger = log.logger
        logger.log(.stopping, level: .notice, "hookd stopping: no new connections; answering what was read")
        inspection.drains()
        let patience = inspection.configuration.limits.drainTimeout
        reports?.stopping(drainTimeout: patience)
        let deadline = DispatchTime.now() + .milliseconds(Int(patience / .milliseconds(1)))
        if !server.drain(deadline: deadline) {
            logger.log(.stopIncomplete, level: .warning, "connections were cut at the drain timeout")
        }
        if !dispatcher.stop(deadline: deadline) {
            logger.log(
                .stopIncomplete, level: .warning,
                "not every sink has caught up; the rest is delivered after the next start")
        }
        store.close()
        admin?.stop()
        refusals.flush(isFinal: true)
        logger.log(.stopped, level: .notice, "hookd stopped")
        manager?.flush()
        log.flush()
    }

    /// Waits for SIGTERM or SIGINT, stops in order, and ends the process with 0; a second signal ends it at once.
    public func runUntilSignalled() -> Never {
        let flush = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        flush.schedule(deadline: .now() + 10, repeating: 10, leeway: .seconds(1))
        flush.setEventHandler { [refusals] in refusals.flush() }
        flush.activate()
        var isStopping = false
        while true {
            let signal = nextHeldSignal()
            if signal == SIGHUP {
                // Not here: a file may be on a disk that does not answer, and the next signal must be heard.
                DispatchQueue.global(qos: .userInitiated).async { [reloading, dispatcher] in
                    dispatcher.reopen()
                    _ = reloading.reload("SIGHUP")
                }
            } else if !isStopping {
                isStopping = true
                DispatchQueue.global(qos: .userInitiated).async {
                    self.stop()
                    // Not exit: a sink that was given up may still be inside libcurl, beside its handlers for exit.
                    _exit(0)
                }
            } else {
                _exit(1)
            }
        }
    }
}

/// Keeps signals from ending the process: those that are obeyed wait for `nextHeldSignal`, even if they come before
/// anybody asks, and those that tell of a failed write are left to the write's result.
private func holdSignals() {
    signal(SIGPIPE, SIG_IGN)
    // A file beyond RLIMIT_FSIZE (LimitFSIZE= of systemd) is a write that fails with EFBIG, like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    var signals = heldSignals()
    // Threads that are started from here on inherit it.
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}

private func nextHeldSignal() -> Int32 {
    var signals = heldSignals()
    var number: Int32 = 0
    while sigwait(&signals, &number) != 0 {}
    return number
}

private func heldSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
}
