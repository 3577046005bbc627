// From the configuration to the parts of the daemon, and from their reports to the log.

import Callbacks
import Delivery
import Events
import Glibc
import HTTP
import Logging
import Server
import Store

/// The endpoints, ready to verify.
func makeEndpoints(_ configuration: Configuration, _ ledger: CallbackLedger) throws(StartError) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    for endpoint in configuration.endpoints {
        var secrets: [WebhookSecret] = []
        for secret in endpoint.secrets {
            do {
                let key = try secret.withBytes { bytes throws(CryptographyError) in try HMACKey(secret: bytes) }
                secrets.append(WebhookSecret(key: key, until: secret.endsAtSeconds))
            } catch {
                throw .library(error.description)
            }
        }
        endpoints.append(
            Endpoint(
                path: Array(endpoint.path.utf8),
                verifier: Verifier(secrets: secrets, toleranceSeconds: endpoint.tolerance.components.seconds),
                refusesRepeats: endpoint.repeats == .refuse, late: endpoint.late,
                lateWindowSeconds: endpoint.lateWindow.components.seconds,
                allow: endpoint.allow,
                rateLimiter: endpoint.rateLimit.map {
                    RateLimiter(requestsPerSecond: $0.requestsPerSecond, burst: $0.burst)
                },
                counts: ledger.counts(of: endpoint.path),
                secretUses: endpoint.secrets.map { ledger.lastUse(ofSecret: $0.label, at: endpoint.path) }))
    }
    return endpoints
}

extension Configuration {
    /// The paths of the endpoints whose events a sink gets.
    func endpoints(of sink: Sink) -> [String] {
        let named = endpoints.filter { $0.sinks.contains(sink.name) }.map(\.path)
        return named.filter { sink.endpoints?.contains($0) ?? true }
    }
}

/// A sink that is ready to take the events of `endpoints`. One line a type.
///
/// - Parameter opensFile: whether its file is opened at once, and not when the sink begins: not while another one
///   writes to it.
func makeSubscription(
    _ sink: Configuration.Sink, endpoints: [String], opensFile: Bool = true
) throws(StartError) -> Subscription {
    let endpoints = endpoints.map { Array($0.utf8) }
    do {
        let filter =
            sink.choice.isEverything ? nil : EventFilter(sink.choice, renderer: try CloudEventRenderer())
        let renderer = try CloudEventRenderer()
        switch sink.kind {
        case .stdout:
            let stdout = try StdoutSink(name: sink.name, renderer: renderer)
            return Subscription(stdout, endpoints: endpoints, filter: filter)
        case .file(let settings):
            let file = FileSink(
                name: sink.name, path: settings.path, rotation: settings.rotation, sync: settings.sync,
                renderer: renderer)
            if opensFile { try file.open() }
            return Subscription(file, endpoints: endpoints, filter: filter)
        case .forward(let forward):
            let target = try ForwardSink(name: sink.name, settings: ForwardSettings(forward), renderer: renderer)
            return Subscription(target, endpoints: endpoints, filter: filter)
        }
    } catch let error as SinkError {
        throw .sink(error)
    } catch {
        throw .library("\(error)")
    }
}

extension ListenerSettings {
    /// What the configuration says of a listener.
    ///
    /// - Parameter socket: the socket, where it was handed over.
    init(_ listener: Configuration.Listener, tls context: TLSContext?, _ socket: InheritedSocket? = nil) {
        if let socket { self.init(socket) } else { self.init(listener.address) }
        tls = context
        isDualStack = listener.isDualStack
        unixMode = listener.unixMode
        proxyProtocol = listener.proxyProtocol
        forwarded = listener.forwarded
    }
}

/// Which of the sockets that were handed over is whose.
func makeSocketPlan(
    _ configuration: Configuration, _ sockets: ActivatedSockets, _ logger: Logger
) throws(StartError) -> Configuration.SocketPlan {
    do throws(ConfigurationErrors) {
        let plan = try configuration.socketPlan(sockets)
        if !plan.unclaimed.isEmpty {
            let unclaimed = ActivatedSockets(sockets: plan.unclaimed)
            logger.log(
                .socketUnclaimed, level: .warning,
                "no key names what systemd handed over, so clients wait there: \(unclaimed.description)"
            )
        }
        return plan
    } catch {
        throw .sockets(error)
    }
}

/// Everywhere that callbacks come, each place with its certificates.
func makeListeners(
    _ configuration: Configuration, _ certificates: Certificates, _ plan: Configuration.SocketPlan
) -> [ListenerSettings] {
    zip(zip(configuration.listen, certificates.contexts), plan.listen).flatMap { entry, sockets in
        let (listener, context) = entry
        guard listener.address.isActivated else { return [ListenerSettings(listener, tls: context)] }
        return sockets.map { ListenerSettings(listener, tls: context, $0) }
    }
}

extension ServerLimits {
    /// How many descriptors are left to the store, the sinks and the commands, whatever number of clients come.
    private static let reservedDescriptors = 64

    /// The server's part of the configuration's limits, as far as the process has descriptors for it.
    ///
    /// - Parameter descriptors: how many the process may have.
    init(_ limits: Configuration.Limits, descriptors: Int, _ logger: Logger) {
        self.init()
        request = RequestLimits(
            bodyBytes: limits.bodyLimitBytes, headBytes: limits.headerLimitBytes, fieldCount: limits.headerCount)
        connections = min(limits.connections, max(16, descriptors - Self.reservedDescriptors))
        if connections < limits.connections {
            logger.log(
                .configurationWarning, level: .warning,
                """
                limits.connections is \(limits.connections), but the process may have no more than \(descriptors) \
                descriptors: \(connections) connections are taken at once. Raise LimitNOFILE= or ulimit -n
                """)
        }
        headerTimeout = limits.headerTimeout
        bodyTimeout = limits.bodyTimeout
        idleTimeout = limits.idleTimeout
        connectionsPerAddress = limits.connectionsPerAddress
        connectionAge = limits.connectionAge
        minimumBytesPerSecond = limits.minimumBytesPerSecond ?? 0
        requestMemoryBytes = limits.requestMemoryBytes
    }
}

/// How many event loops share the connections. The store's writer and the sinks need cores as well, and fewer loops
/// gather more callbacks in a turn: on two cores one loop takes less CPU a callback than two, and is as fast.
func defaultShardCount() -> Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
}

/// Every connection takes a descriptor: as many are asked for as this process may have.
///
/// - Returns: how many it has then.
func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    let allowed = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    return Int(clamping: isRaised ? limit.rlim_max : allowed)
}

/// Leaves no image of the memory on disk where the process crashes: it would hold secrets and callbacks. Whoever
/// looks for an error allows it again while hookd runs, as root: `prlimit --core=unlimited --pid PID`.
func forgoCoreDumps() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
}

extension RateLimitedLog {
    /// A callback that was refused.
    func log(_ refusal: Refusal, _ endpoint: Endpoint, _ client: ClientAddress) {
        log(
            "\(endpoint.name) \(refusal.outcome.rawValue)", level: refusal.level, kind: refusal.outcome.logKind,
            "callback refused: \(refusal.reason)", metadata: refusal.metadata(endpoint: endpoint, client))
    }

    /// A client that was not served before its request came to an endpoint.
    func log(_ problem: ConnectionProblem, _ client: ClientAddress) {
        log(
            problem.outcome, level: .info, kind: problem.logKind, "\(problem.reason)",
            metadata: ["peer": .string(client.description)])
    }
}

extension Refusal {
    /// How it is counted.
    var outcome: CallbackOutcome {
        switch self {
        case .unverified(.wrongSignature), .unverified(.unknownAlgorithm): .forged
        case .unverified(.undecided), .unavailable: .unavailable
        case .unverified: .malformed
        case .reusedNonce: .reusedNonce
        case .late, .quarantined: .late
        case .address: .refusedAddress
        case .rate: .rateLimited
        }
    }

    func metadata(endpoint: Endpoint, _ client: ClientAddress) -> Logger.Metadata {
        [
            "endpoint": .string(endpoint.name), "outcome": .string(outcome.rawValue),
            "peer": .string(client.description),
        ]
    }

    var reason: String {
        switch self {
        case .unverified(.undecided(let error)): error.description
        case .unverified(let error): error.description
        case .reusedNonce: "its nonce was used by another callback"
        case .late: "its timestamp is outside the time window. Is this machine's clock right?"
        case .quarantined: "its timestamp is outside the time window. It is kept in quarantine"
        case .unavailable: "it could not be stored"
        case .address: "its client is not on the endpoint's allow list"
        case .rate: "its client makes more requests than the endpoint's rate_limit allows. A sender may give it up"
        }
    }

    var level: Logger.Level {
        switch self {
        case .unavailable, .unverified(.undecided): .error
        case .unverified, .reusedNonce, .late, .quarantined, .address, .rate: .warning
        }
    }
}

extension ConnectionProblem {
    /// Tells one class of lines from another.
    var outcome: String {
        switch self {
        case .request(let status, _): "request \(status)"
        case .encryption: "tls"
        case .proxyHeader: "proxy_protocol"
        case .tooManyConnections: "connections"
        }
    }

    var reason: String {
        switch self {
        case .request(let status, let message): "request refused with \(status): \(message)"
        case .encryption(let reason): "no TLS connection: \(reason)"
        case .proxyHeader(let reason): "connection closed: \(reason)"
        case .tooManyConnections: "connection refused with 503: there are too many"
        }
    }
}

extension CallbackOutcome {
    /// What a refusal with this outcome is in the log.
    fileprivate var logKind: LogKind {
        switch self {
        case .forged: .callbackForged
        case .late: .callbackLate
        case .unavailable: .callbackUnavailable
        case .stored, .duplicate, .malformed, .reusedNonce, .refusedAddress, .rateLimited: .callbackRefused
        }
    }
}

extension ConnectionProblem {
    /// What it is in the log, where somebody has to know of it.
    fileprivate var logKind: LogKind? {
        if case .tooManyConnections = self { .connectionsRunOut } else { nil }
    }
}

extension Logger {
    /// Logs what the delivery side has to tell.
    func log(_ note: DeliveryNote) {
        log(level: note.level.logged, "\(note.message)", metadata: note.metadata)
    }
}

extension DeliveryNote {
    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        metadata["sink"] = sink.map { .string($0) }
        metadata["sequence"] = sequence.map { .stringConvertible($0) }
        metadata["event_id"] = eventID.map { .string($0) }
        metadata[LogKind.key] = topic.logKind.map { .stringConvertible($0) }
        return metadata
    }
}

extension DeliveryNote.Topic {
    /// What it is in the log.
    fileprivate var logKind: LogKind? {
        switch self {
        case .failing: .sinkFails
        case .paused: .sinkPaused
        case .recovered: .sinkRecovered
        case .ahead: .sinkAhead
        case .deadLetter: .deadLetter
        case .cursors: .cursorsNotKept
        case .other: nil
        }
    }
}

extension DeliveryNote.Level {
    /// The level in the log.
    var logged: Logger.Level {
        switch self {
        case .info: .info
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}
