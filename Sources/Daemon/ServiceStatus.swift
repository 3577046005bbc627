// How the daemon is, on one line: what `systemctl status hookd` shows.

import CLinux
import Delivery

/// What the line is made of.
struct ServiceStatus: Sendable {
    /// Events that were stored and callbacks that were answered 503, a second, since the last look.
    var storedPerSecond = 0.0
    var refusedPerSecond = 0.0
    var sinks: [SinkStatus] = []
    /// When a reload was refused, in microseconds since 1970 (UTC), and why; nil where the last one was not.
    var refusedReload: (at: Int64, reason: String)?

    /// The line.
    var text: String {
        ([rateText] + sinkTexts + [reloadText].compactMap(\.self)).joined(separator: "; ")
    }

    private var rateText: String {
        let stored =
            switch storedPerSecond {
            case 0: "no events"
            case ..<1: "less than 1 event a second"
            default: whole(storedPerSecond) + (storedPerSecond > 1 ? " events a second" : " event a second")
            }
        guard refusedPerSecond > 0 else { return stored }
        return stored + ", \(whole(refusedPerSecond)) callbacks a second answered 503"
    }

    private func whole(_ number: Double) -> String { "\(Int(number.rounded(.up)))" }

    /// First what somebody must see to.
    private var sinkTexts: [String] {
        if sinks.isEmpty { return [] }
        var texts: [String] = []
        for sink in sinks where sink.isPaused || sink.retryingSince != nil {
            let state = sink.isPaused ? "is paused" : "fails"
            texts.append("sink \(sink.name) \(state)" + (sink.lastError.map { " (\($0))" } ?? ""))
        }
        if let last = sinks.max(by: { $0.lag < $1.lag }), last.lag > 0 {
            let events = last.lag == 1 ? "1 event" : "\(last.lag) events"
            texts.append("sink \(last.name) is \(events) behind")
        } else {
            texts.append("sinks are up to date")
        }
        return texts
    }

    private var reloadText: String? {
        guard let refusedReload else { return nil }
        let lines = refusedReload.reason.split(separator: "\n")
        let more = lines.count > 1 ? " (and \(lines.count - 1) more)" : ""
        let time = UTCTimestamp.text(ofSeconds: refusedReload.at / 1_000_000)
        return "the reload of \(time) was refused: \(lines.first ?? "")\(more)"
    }
}

/// Looks at a running daemon now and then, and makes rates of what has changed.
final class ServiceStatusReader {
    private let inspection: Inspection
    private var before: (stored: Int, refused: Int, at: Int64)?

    init(_ inspection: Inspection) { self.inspection = inspection }

    /// How the daemon is. Reads what is in memory only: no disk can hold it up.
    func look() -> ServiceStatus {
        var status = ServiceStatus()
        let counts = inspection.configuration.endpoints.map { inspection.ledger.counts(of: $0.path) }
        let stored = counts.reduce(0) { $0 + $1.value(of: .stored) }
        let refused = counts.reduce(0) { $0 + $1.value(of: .unavailable) }
        let now = clinux_monotonic_nanoseconds()
        if let before, now > before.at {
            let seconds = Double(now - before.at) / 1e9
            status.storedPerSecond = Double(stored - before.stored) / seconds
            status.refusedPerSecond = Double(refused - before.refused) / seconds
        }
        before = (stored, refused, now)
        status.sinks = inspection.dispatcher.status
        status.refusedReload = inspection.refusedReload
        return status
    }
}

extension Inspection {
    /// The last reload, where it was refused.
    fileprivate var refusedReload: (at: Int64, reason: String)? {
        guard let reload, let reason = reload.refusal else { return nil }
        return (reload.at, reason)
    }
}
