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
func makeEndpoints(_ configuration: Configuration) throws(StartError) -> [Endpoint] {
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
                lateWindowSeconds: endpoint.lateWindow.components.seconds))
    }
    return endpoints
}

/// The sinks, each with the endpoints whose events it takes. One line a type.
func makeSubscriptions(_ configuration: Configuration) throws -> [Subscription] {
    try configuration.sinks.map { sink in
        let named = configuration.endpoints.filter { $0.sinks.contains(sink.name) }.map(\.path)
        let endpoints = named.filter { sink.endpoints?.contains($0) ?? true }.map { Array($0.utf8) }
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
            try file.open()
            return Subscription(file, endpoints: endpoints, filter: filter)
        case .forward(let forward):
            let target = try ForwardSink(name: sink.name, settings: ForwardSettings(forward), renderer: renderer)
            return Subscription(target, endpoints: endpoints, filter: filter)
        }
    }
}

extension ServerLimits {
    /// The server's part of the configuration's limits.
    init(_ limits: Configuration.Limits) {
        self.init()
        request = RequestLimits(
            bodyBytes: limits.bodyLimitBytes, headBytes: limits.headerLimitBytes, fieldCount: limits.headerCount)
        connections = limits.connections
        headerTimeout = limits.headerTimeout
        bodyTimeout = limits.bodyTimeout
        idleTimeout = limits.idleTimeout
    }
}

/// How many event loops share the connections. The store's writer and the sinks need cores as well, and fewer loops
/// gather more callbacks in a turn: on two cores one loop takes less CPU a callback than two, and is as fast.
func defaultShardCount() -> Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
}

/// Every connection takes a descriptor: as many are asked for as this process may have.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

extension RateLimitedLog {
    /// A callback that was refused.
    func log(_ refusal: Refusal, _ endpoint: Endpoint, peer: () -> String?) {
        log(
            "\(endpoint.name) \(refusal.outcome)", level: refusal.level, "callback refused: \(refusal.reason)",
            metadata: refusal.metadata(endpoint: endpoint, peer: peer()))
    }
}

extension Refusal {
    /// The word for it in logs, as the metrics have it.
    var outcome: String {
        switch self {
        case .unverified(.wrongSignature), .unverified(.unknownAlgorithm): "forged"
        case .unverified(.undecided), .unavailable: "unavailable"
        case .unverified: "malformed"
        case .reusedNonce: "reused_nonce"
        case .late, .quarantined: "late"
        }
    }

    func metadata(endpoint: Endpoint, peer: String?) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["endpoint": .string(endpoint.name), "outcome": .string(outcome)]
        metadata["peer"] = peer.map { .string($0) }
        return metadata
    }

    var reason: String {
        switch self {
        case .unverified(.undecided(let error)): error.description
        case .unverified(let error): error.description
        case .reusedNonce: "its nonce was used by another callback"
        case .late: "its timestamp is outside the time window. Is this machine's clock right?"
        case .quarantined: "its timestamp is outside the time window. It is kept in quarantine"
        case .unavailable: "it could not be stored"
        }
    }

    var level: Logger.Level {
        switch self {
        case .unavailable, .unverified(.undecided): .error
        case .unverified, .reusedNonce, .late, .quarantined: .warning
        }
    }
}

extension DeliveryNote {
    var metadata: Logger.Metadata { sink.map { ["sink": .string($0)] } ?? [:] }
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
