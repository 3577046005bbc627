// What `hookd selftest` prints: how far it is, on a terminal, and the figures at the end.

import Daemon

struct SelftestReport {
    let plan: SelftestPlan
    let directory: String
    let asJSON: Bool

    /// Where a run is.
    struct Progress {
        var cycle: Int
        var acknowledged: Int
        var retried: Int
        var violations: Int
    }

    func progress(_ progress: Progress) {
        guard Output.error.isTerminal else { return }
        let wrong = progress.violations > 0 ? ", \(progress.violations) VIOLATIONS" : ""
        Output.error.write(
            "\r\u{1B}[Kcycle \(progress.cycle) of \(plan.cycles): \(progress.acknowledged) callbacks acknowledged, "
                + "\(progress.retried) retried\(wrong)")
    }

    /// Takes the progress off the terminal.
    func clear() {
        if Output.error.isTerminal { Output.error.write("\r\u{1B}[K") }
    }

    func end(_ result: SelftestResult, directoryIsKept: Bool) {
        clear()
        Output.standard.write(line: asJSON ? json(result, directoryIsKept) : text(result, directoryIsKept))
    }

    private func figures(_ result: SelftestResult) -> [(name: String, key: String, value: String)] {
        [
            ("cycles ended by kill -9", "kills", "\(result.kills)"),
            ("cycles ended by SIGTERM", "terminations", "\(result.terminations)"),
            ("callbacks acknowledged", "acknowledged", "\(result.acknowledged)"),
            ("repeats answered", "repeated", "\(result.repeated)"),
            ("retried, for there was no answer", "retried", "\(result.retried)"),
            ("forwarded again", "delivered_again", "\(result.deliveredAgain)"),
            ("ready again, half of the starts, ms", "ready_p50_ms", milliseconds(result.readyMedian)),
            ("ready again, the longest, ms", "ready_max_ms", milliseconds(result.readyLongest)),
        ]
            + SelftestViolation.Kind.allCases.map { kind in
                (kind.label, kind.rawValue, "\(result.violations.count(kind))")
            }
    }

    private func milliseconds(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private func text(_ result: SelftestResult, _ directoryIsKept: Bool) -> String {
        var lines = figures(result).map { figure in
            figure.name + String(repeating: " ", count: max(1, 40 - figure.name.count)) + figure.value
        }
        lines += result.violations.first.map { "\($0.kind.rawValue): \(escapingControls($0.text))" }
        lines.append(result.isKept ? "the promise was kept" : "THE PROMISE WAS NOT KEPT (seed \(plan.seed))")
        if directoryIsKept { lines.append("store, file and log: \(escapingControls(directory))") }
        return lines.joined(separator: "\n")
    }

    private func json(_ result: SelftestResult, _ directoryIsKept: Bool) -> String {
        let members =
            ["\"seed\":\(plan.seed)", "\"kept\":\(result.isKept)"]
            + figures(result).map { "\(quoted($0.key)):\($0.value)" }
            + [
                "\"violations\":[" + result.violations.first.map { quoted($0.text) }.joined(separator: ",") + "]",
                "\"directory\":" + (directoryIsKept ? quoted(directory) : "null"),
            ]
        return "{" + members.joined(separator: ",") + "}"
    }
}

extension SelftestViolation.Kind {
    fileprivate var label: String {
        switch self {
        case .lost: "lost"
        case .doubled: "doubled"
        case .disordered: "out of order"
        case .changed: "changed"
        case .refused: "refused"
        case .ended: "late, or ended by itself"
        }
    }
}
