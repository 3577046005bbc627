// How the daemon is doing, at one moment: what `/status` answers and metrics are made of.

import CLinux
import Delivery
import Glibc
import Server
import Store

/// How the daemon is doing.
struct StatusReport: Sendable {
    /// A listener of callbacks.
    struct Listener: Sendable {
        var address: String
        /// Of an encrypted listener.
        var certificates: [TLSCertificateInfo]?
    }

    /// A secret of an endpoint.
    struct Secret: Sendable {
        var name: String
        /// When a callback was last signed with it, in seconds since 1970 (UTC); nil since the start.
        var lastUsedAt: Int64?
        /// When it ends, likewise; nil for never.
        var endsAt: Int64?
    }

    /// An endpoint.
    struct Endpoint: Sendable {
        var path: String
        /// How many callbacks ended how since the start.
        var outcomes: [(outcome: CallbackOutcome, count: Int)]
        /// When an event was last stored, in microseconds since 1970 (UTC); nil since the start.
        var lastEventAt: Int64?
        /// By how much our clock was ahead of the last genuine callback's timestamp, in microseconds.
        var clockSkew: Int64?
        var secrets: [Secret]
    }

    /// A sink.
    struct Sink: Sendable {
        var status: SinkStatus
        var type: String
        /// When the oldest event was stored that it has yet to take, in microseconds since 1970 (UTC); nil where there
        /// is none.
        var oldestPendingAt: Int64?
        var deadLetters: Int
        /// How many events it is to take again, beside its backlog.
        var redeliveries: Int
    }

    var now: Int64
    var startedAt: Int64
    /// Why callbacks are not stored now; nil where they are.
    var problem: String?
    var listeners: [Listener]
    var endpoints: [Endpoint]
    var sinks: [Sink]
    var tails: [NamedTail]
    var newestSequence: Int64
    var store: StoreStatistics
    var configurationFile: String
    var reload: Inspection.Reload?
}

extension StatusReport {
    /// Looks at everything. Reads an event for each sink that is behind, which may block on the disk, and has the store
    /// write something, for two seconds at the longest.
    init(_ inspection: Inspection) {
        let configuration = inspection.configuration
        let statistics = inspection.store.statistics
        now = clinux_wall_microseconds()
        startedAt = inspection.startedAt
        problem = inspection.whyNotReady()
        listeners = inspection.server.listeners.map { listener in
            Listener(address: listener.address.description, certificates: listener.tls?.certificates)
        }
        endpoints = configuration.endpoints.map { Endpoint($0, inspection.ledger) }
        let types = Dictionary(uniqueKeysWithValues: configuration.sinks.map { ($0.name, $0.kind.typeName) })
        sinks = inspection.dispatcher.status.map { status in
            Sink(
                status: status, type: types[status.name] ?? "",
                oldestPendingAt: Self.oldest(after: status, inspection.store),
                deadLetters: statistics.deadLetters[status.name, default: 0],
                redeliveries: statistics.redeliveries[status.name, default: 0])
        }
        tails = (try? inspection.store.tails()) ?? []
        newestSequence = inspection.store.newestSequence
        store = statistics
        configurationFile = configuration.file
        reload = inspection.reload
    }

    private static func oldest(after status: SinkStatus, _ store: SQLiteEventStore) -> Int64? {
        guard status.lag > 0 else { return nil }
        let next = try? store.events(after: status.cursor, limit: ReadLimit(events: 1, bytes: 1))
        return next?.events.first?.recordedAt
    }
}

extension StatusReport.Endpoint {
    fileprivate init(_ endpoint: Configuration.Endpoint, _ ledger: CallbackLedger) {
        let counts = ledger.counts(of: endpoint.path)
        path = endpoint.path
        outcomes = CallbackOutcome.allCases.map { ($0, counts.value(of: $0)) }
        lastEventAt = counts.lastEvent.value.map { Int64($0) }
        clockSkew = counts.clockSkew.value.map { Int64($0) }
        secrets = endpoint.secrets.map { secret in
            StatusReport.Secret(
                name: secret.label,
                lastUsedAt: ledger.lastUse(ofSecret: secret.label, at: endpoint.path).value.map { Int64($0) },
                endsAt: secret.endsAtSeconds)
        }
    }
}

// MARK: - As JSON

extension StatusReport {
    /// What `/status` answers.
    var json: JSONOutput {
        .object([
            ("version", .string(hookdVersion)), ("pid", .integer(Int(getpid()))),
            ("started", .time(ofMicroseconds: startedAt)),
            ("uptime_seconds", .integer((now - startedAt) / 1_000_000)),
            ("ready", .bool(problem == nil)), ("problem", .optional(problem)),
            ("listeners", .array(listeners.map(\.json))),
            ("endpoints", .array(endpoints.map(\.json))),
            ("sinks", .array(sinks.map { $0.json(now: now) })),
            ("tails", .array(tails.map { $0.json(newest: newestSequence) })),
            ("store", store.json),
            ("configuration", .object([("file", .string(configurationFile)), ("last_reload", reload?.json ?? .null)])),
        ])
    }
}

extension StatusReport.Listener {
    fileprivate var json: JSONOutput {
        .object([
            ("address", .string(address)), ("tls", .bool(certificates != nil)),
            (
                "certificates",
                .array(
                    (certificates ?? []).map { certificate in
                        .object([
                            ("source", .string(certificate.source)),
                            ("names", .array(certificate.names.map { .string($0) })),
                            ("not_after", .time(ofSeconds: certificate.chainEndsAtSeconds)),
                        ])
                    })
            ),
        ])
    }
}

extension StatusReport.Endpoint {
    fileprivate var json: JSONOutput {
        .object([
            ("path", .string(path)),
            ("outcomes", .object(outcomes.map { ($0.outcome.rawValue, .integer($0.count)) })),
            ("last_event", .time(ofMicroseconds: lastEventAt)),
            ("clock_skew_seconds", .optional(clockSkew.map { Double($0) / 1e6 })),
            (
                "secrets",
                .array(
                    secrets.map {
                        .object([
                            ("name", .string($0.name)), ("last_used", .time(ofSeconds: $0.lastUsedAt)),
                            ("until", .time(ofSeconds: $0.endsAt)),
                        ])
                    })
            ),
        ])
    }
}

extension StatusReport.Sink {
    /// How long its oldest event has been waiting, in microseconds; 0 where it has all.
    func lag(now: Int64) -> Int64 { oldestPendingAt.map { max(0, now - $0) } ?? 0 }

    fileprivate func json(now: Int64) -> JSONOutput {
        .object([
            ("name", .string(status.name)), ("type", .string(type)),
            ("backlog_events", .integer(status.lag)),
            ("oldest_pending", .time(ofMicroseconds: oldestPendingAt)),
            ("lag_seconds", .number(Double(lag(now: now)) / 1e6)),
            ("redeliveries", .integer(redeliveries)), ("dead_letters", .integer(deadLetters)),
            ("last_success", .time(ofMicroseconds: status.lastSuccess)),
            ("failing_since", .time(ofMicroseconds: status.retryingSince)),
            ("last_error", .optional(status.lastError)), ("last_answer", .optional(status.lastAnswer)),
            ("paused", .bool(status.isPaused)),
            ("delivered", .integer(status.counts.delivered)), ("filtered", .integer(status.counts.filtered)),
            ("buried", .integer(status.counts.buried)), ("failed_attempts", .integer(status.counts.failures)),
        ])
    }
}

extension StoreStatistics {
    fileprivate var json: JSONOutput {
        .object([
            ("events", .integer(storedEvents)), ("bytes", .integer(storedBytes)), ("wal_bytes", .integer(walBytes)),
            ("free_bytes", .optional(freeBytes)), ("nonces", .integer(nonces)), ("quarantined", .integer(quarantined)),
            ("quarantine_dropped", .integer(quarantineDropped)), ("damaged_reads", .integer(damagedReads)),
        ])
    }
}

extension Inspection.Reload {
    fileprivate var json: JSONOutput {
        .object([
            ("at", .time(ofMicroseconds: at)), ("succeeded", .bool(refusal == nil)), ("refusal", .optional(refusal)),
        ])
    }
}
