// What Prometheus finds at /metrics.

import Foundation
import Testing

@Suite("Metrics") struct MetricsTests {
    private func metrics(of daemon: DaemonProcess) throws -> MetricLines {
        let answer = try daemon.admin("/metrics")
        #expect(answer.status == 200)
        #expect(answer.field("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        return try MetricLines(answer.text)
    }

    /// A daemon that finds a second secret in the file `old`.
    private static func daemon(_ settings: Settings) throws -> DaemonProcess {
        let home = try DaemonHome()
        try home.directory.write(oldSecret, to: "old")
        return try DaemonProcess(in: home, settings)
    }

    private static let oldSecret = "another-secret"

    /// The names are what dashboards are made of: one that is missing or another breaks them.
    @Test("every metric is there, under its name and of its type") func names() throws {
        let daemon = try DaemonProcess()
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        _ = try awaitLines(1, in: daemon.home.eventsPath)
        let expected = [
            "hookd_callbacks_total": "counter", "hookd_callback_seconds": "histogram",
            "hookd_commit_seconds": "histogram", "hookd_commit_events": "histogram",
            "hookd_retention_step_seconds": "histogram", "hookd_connections": "gauge",
            "hookd_http_requests_total": "counter", "hookd_sink_events_total": "counter",
            "hookd_sink_lag_events": "gauge", "hookd_sink_lag_seconds": "gauge", "hookd_sink_retries_total": "counter",
            "hookd_dead_letters": "gauge", "hookd_store_bytes": "gauge", "hookd_store_events": "gauge",
            "hookd_nonces": "gauge", "hookd_quarantined": "gauge", "hookd_clock_skew_seconds": "gauge",
            "hookd_sink_paused": "gauge", "hookd_wal_bytes": "gauge", "hookd_store_free_bytes": "gauge",
            "hookd_last_event_timestamp_seconds": "gauge", "hookd_secret_last_used_timestamp_seconds": "gauge",
            "hookd_config_last_reload_successful": "gauge", "hookd_build_info": "gauge", "hookd_ready": "gauge",
            "process_start_time_seconds": "gauge", "process_cpu_seconds_total": "counter",
            "process_resident_memory_bytes": "gauge", "process_virtual_memory_bytes": "gauge",
            "process_open_fds": "gauge", "process_max_fds": "gauge",
        ]
        let types = try metrics(of: daemon).types
        for (name, type) in expected { #expect(types[name] == type, "\(name)") }
        // These are there when there is something to tell.
        let occasional: Set = [
            "hookd_sink_last_success_timestamp_seconds", "hookd_sink_oldest_pending_timestamp_seconds",
            "hookd_certificate_not_after_timestamp_seconds", "hookd_tail_lag_events",
        ]
        #expect(Set(types.keys).subtracting(expected.keys).isSubset(of: occasional))
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/admin.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let documented = text.matches(of: /\| .*\|/).flatMap { $0.0.matches(of: /`((?:hookd|process)_[a-z_]+)/) }
        #expect(Set(documented.map { String($0.1) }) == occasional.union(expected.keys), "docs/admin.md tells of them")
    }

    @Test("numbers are those of what happened") func numbers() throws {
        let daemon = try Self.daemon(Settings(secrets: ["secret", "old"]))
        let callback = try SignedCallback.unique()
        for _ in 0..<3 { _ = try daemon.post(callback) }
        _ = try daemon.post(SignedCallback.unique())
        _ = try daemon.post(SignedCallback("{}", secret: "wrong"))
        _ = try daemon.post(SignedCallback("{}", nonce: "a.b"))
        _ = try daemon.post(SignedCallback(#"{"late":1}"#, timestamp: "1700000000"))
        _ = try daemon.post(SignedCallback(#"{"other":1}"#, nonce: callback.nonce))
        _ = try daemon.connect().exchange(Array("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        let metrics = try metrics(of: daemon)
        func outcome(_ name: String) -> Double? {
            metrics[#"hookd_callbacks_total{endpoint="/callbacks",outcome="\#(name)"}"#]
        }
        #expect(outcome("stored") == 2 && outcome("duplicate") == 2 && outcome("forged") == 1)
        #expect(outcome("malformed") == 1 && outcome("late") == 1 && outcome("reused_nonce") == 1)
        #expect(outcome("unavailable") == 0)
        for (code, count) in ["200": 4.0, "401": 3, "409": 1, "404": 1, "503": 0] {
            #expect(metrics[#"hookd_http_requests_total{code="\#(code)"}"#] == count, "\(code)")
        }
        #expect(metrics["hookd_callback_seconds_count"] == 8, "all but the one that names no endpoint")
        #expect(metrics["hookd_commit_events_sum"] == 6, "two are not genuine")
        #expect(metrics[#"hookd_commit_events_bucket{le="+Inf"}"#] == metrics["hookd_commit_events_count"])
        #expect(metrics["hookd_store_events"] == 2 && metrics["hookd_nonces"] == 2 && metrics["hookd_quarantined"] == 1)
        let used = metrics[#"hookd_secret_last_used_timestamp_seconds{endpoint="/callbacks",secret="file:secret"}"#]
        #expect(used.map { abs($0 - Double(time(nil))) < 3600 } == true)
        #expect(
            metrics[#"hookd_secret_last_used_timestamp_seconds{endpoint="/callbacks",secret="file:old"}"#] == nil,
            "a secret that was never used since the start")
    }

    @Test("five endpoints and five sinks make at most 300 series") func cardinality() throws {
        let paths = (0..<5).map { "/callbacks/\($0)" }
        let sinks = Dictionary(
            uniqueKeysWithValues: (0..<5).map { ("sink\($0)", #"{"type": "file", "path": "events\#($0).jsonl"}"#) })
        let daemon = try Self.daemon(Settings(paths: paths, secrets: ["secret", "old"], sinks: sinks))
        for path in paths {
            for secret in [DaemonHome.secret, Self.oldSecret] {
                #expect(
                    try daemon.post(SignedCallback(#"{"n":"\#(freshNonce())"}"#, secret: secret), path: path).status
                        == 200)
            }
        }
        let count = try metrics(of: daemon).series.count
        #expect((150...300).contains(count), "\(count)")
    }

    /// The Debian package has 96 MB for this one program, so `make test` does not install it.
    static let promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(
        "promtool finds nothing wrong", .enabled(if: promtool != nil, "promtool, of the package prometheus, is missing")
    )
    func checked() throws {
        let daemon = try DaemonProcess()
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        let file = daemon.home.directory.file("metrics")
        try daemon.home.directory.write(daemon.admin("/metrics").text, to: "metrics")
        let run = try SpawnedProcess(
            "/bin/sh", ["-c", #"exec "$0" check metrics <"$1""#, Self.promtool ?? "", file],
            environment: ["PATH": "/usr/bin:/bin"]
        ).finish()
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
    }
}
