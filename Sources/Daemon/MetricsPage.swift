// The metrics, as docs/admin.md lists them.

import Glibc
import Metrics
import Server

/// What `/metrics` answers.
struct MetricsPage {
    private var page = MetricsText()

    /// The text.
    var text: String { page.text }

    /// Reads everything once, and has the store write something. Blocks for two seconds at the longest.
    init(_ inspection: Inspection) {
        let report = StatusReport(inspection)
        page.add(
            "hookd_ready", .gauge, "Whether a callback would be stored now: something was written, and is on disk.",
            report.problem == nil ? 1 : 0)
        addCallbacks(report)
        addServer(inspection.server.statistics())
        page.add(
            "hookd_commit_seconds", "How long commits took, until what they held was on disk.",
            inspection.store.commitTimes.values, unitsInOne: 1e9)
        page.add(
            "hookd_commit_events", "How many callbacks commits held.", inspection.store.commitSizes.values,
            unitsInOne: 1)
        page.add(
            "hookd_retention_step_seconds", "How long steps of deleting old events held the store's writer.",
            inspection.store.retirementTimes.values, unitsInOne: 1e9)
        addSinks(report)
        addTails(report)
        addStore(report)
        addCertificates(report)
        page.add(
            "hookd_config_last_reload_successful", .gauge,
            "Whether the last reload put its configuration in force; 1 where there was none.",
            report.reload?.refusal == nil ? 1 : 0)
        addProcess(report)
    }

    private mutating func addCallbacks(_ report: StatusReport) {
        page.add("hookd_callbacks_total", .counter, "Callbacks by what became of them.") { series in
            for endpoint in report.endpoints {
                for (outcome, count) in endpoint.outcomes {
                    series.add(["endpoint": endpoint.path, "outcome": outcome.rawValue], Double(count))
                }
            }
        }
        page.add(
            "hookd_last_event_timestamp_seconds", .gauge,
            "When an event was last stored. That nobody calls is a failure that no other number shows."
        ) { series in
            for endpoint in report.endpoints {
                guard let time = endpoint.lastEventAt else { continue }
                series.add(["endpoint": endpoint.path], Double(time) / 1e6)
            }
        }
        page.add(
            "hookd_clock_skew_seconds", .gauge,
            "By how much this clock was ahead of the timestamp of the last genuine callback when it came."
        ) { series in
            for endpoint in report.endpoints {
                guard let skew = endpoint.clockSkew else { continue }
                series.add(["endpoint": endpoint.path], Double(skew) / 1e6)
            }
        }
        page.add(
            "hookd_secret_last_used_timestamp_seconds", .gauge,
            "When a callback was last signed with the secret. An old secret that nobody uses can go."
        ) { series in
            for endpoint in report.endpoints {
                for secret in endpoint.secrets {
                    guard let time = secret.lastUsedAt else { continue }
                    series.add(["endpoint": endpoint.path, "secret": secret.name], Double(time))
                }
            }
        }
    }

    private mutating func addServer(_ statistics: ServerStatistics) {
        page.add(
            "hookd_callback_seconds", "How long whole requests waited for their answers.", statistics.answerTimes,
            unitsInOne: 1e9)
        page.add("hookd_http_requests_total", .counter, "Requests by the status code of their answer.") { series in
            // Some are there from the start: a rate of what was never there is no number.
            let codes = Set(statistics.answers.keys).union([200, 401, 503])
            for code in codes.sorted() { series.add(["code": "\(code)"], Double(statistics.answers[code] ?? 0)) }
        }
        page.add("hookd_connections", .gauge, "Connections by what they do.") { series in
            for state in ConnectionState.allCases {
                series.add(["state": state.rawValue], Double(statistics.connections[state] ?? 0))
            }
        }
    }

    private mutating func addSinks(_ report: StatusReport) {
        page.add("hookd_sink_events_total", .counter, "Events by what became of them at the sink.") { series in
            for sink in report.sinks {
                let counts = sink.status.counts
                for (outcome, count) in [
                    ("delivered", counts.delivered), ("filtered", counts.filtered), ("dead_letter", counts.buried),
                ] {
                    series.add(["sink": sink.status.name, "outcome": outcome], Double(count))
                }
            }
        }
        add("hookd_sink_retries_total", .counter, "Attempts that failed.", report) { Double($0.status.counts.failures) }
        add("hookd_sink_lag_events", .gauge, "Stored events that the sink has yet to take.", report) {
            Double($0.status.lag)
        }
        add("hookd_sink_lag_seconds", .gauge, "The age of the oldest event that the sink has yet to take.", report) {
            Double($0.lag(now: report.now)) / 1e6
        }
        add(
            "hookd_sink_oldest_pending_timestamp_seconds", .gauge,
            "When the oldest event was stored that the sink has yet to take; absent where there is none.", report
        ) { $0.oldestPendingAt.map { Double($0) / 1e6 } }
        add("hookd_sink_last_success_timestamp_seconds", .gauge, "When the sink last took an event.", report) {
            $0.status.lastSuccess.map { Double($0) / 1e6 }
        }
        add("hookd_sink_paused", .gauge, "Whether the target turns the sink away until somebody acts.", report) {
            $0.status.isPaused ? 1 : 0
        }
        add("hookd_dead_letters", .gauge, "Events that the sink was given up on.", report) { Double($0.deadLetters) }
    }

    private mutating func add(
        _ name: String, _ kind: MetricKind, _ help: String, _ report: StatusReport,
        _ value: (StatusReport.Sink) -> Double?
    ) {
        page.add(name, kind, help) { series in
            for sink in report.sinks {
                if let value = value(sink) { series.add(["sink": sink.status.name], value) }
            }
        }
    }

    private mutating func addTails(_ report: StatusReport) {
        page.add("hookd_tail_lag_events", .gauge, "Stored events that were not read under the name.") { series in
            for tail in report.tails {
                series.add(["tail": tail.name], Double(tail.backlog(newest: report.newestSequence)))
            }
        }
    }

    private mutating func addStore(_ report: StatusReport) {
        let store = report.store
        page.add("hookd_store_events", .gauge, "Stored events.", Double(store.storedEvents))
        page.add("hookd_store_bytes", .gauge, "Bytes of the database that hold something.", Double(store.storedBytes))
        page.add("hookd_wal_bytes", .gauge, "Bytes of the write-ahead log.", Double(store.walBytes))
        page.add(
            "hookd_store_free_bytes", .gauge, "Bytes that are free on the store's file system.",
            store.freeBytes.map { Double($0) })
        page.add("hookd_nonces", .gauge, "Nonces in memory.", Double(store.nonces))
        page.add("hookd_quarantined", .gauge, "Callbacks in quarantine.", Double(store.quarantined))
    }

    private mutating func addCertificates(_ report: StatusReport) {
        page.add(
            "hookd_certificate_not_after_timestamp_seconds", .gauge,
            "When the certificate, or one behind it in its file, ends."
        ) { series in
            for listener in report.listeners {
                for certificate in listener.certificates ?? [] {
                    series.add(
                        ["listener": listener.address, "certificate": certificate.source],
                        Double(certificate.chainEndsAtSeconds))
                }
            }
        }
    }

    private mutating func addProcess(_ report: StatusReport) {
        page.add("hookd_build_info", .gauge, "Always 1; the version is in the label.") { series in
            series.add(["version": hookdVersion], 1)
        }
        let process = ProcessUsage()
        page.add("process_start_time_seconds", .gauge, "When the daemon started.", Double(report.startedAt) / 1e6)
        page.add("process_cpu_seconds_total", .counter, "User and system time.", process.cpuSeconds)
        page.add("process_resident_memory_bytes", .gauge, "Resident memory.", process.residentBytes)
        page.add("process_virtual_memory_bytes", .gauge, "Virtual memory.", process.virtualBytes)
        page.add("process_open_fds", .gauge, "Open descriptors.", process.openDescriptors)
        page.add("process_max_fds", .gauge, "How many descriptors the process may have.", process.maximalDescriptors)
    }
}
