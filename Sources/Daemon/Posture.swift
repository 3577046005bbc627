// What a configuration comes to, in words: for `hookd check`, and the line that `hookd serve` starts with.
// Never a secret, and no query of a URL, which may hold a token.

import Server

extension Configuration {
    /// What is in force, defaults included: a few lines for each endpoint and one for each sink.
    public var posture: String {
        var lines = ["listen \(listen.map { escapingControls($0.description) }.joined(separator: ", "))"]
        lines.append("state directory \(escapingControls(stateDirectory))")
        for endpoint in endpoints { lines += endpoint.posture }
        for sink in sinks { lines.append("sink \(sink.name): \(sink.kind.posture)\(sink.choicePosture)") }
        lines.append(limits.posture)
        lines.append(retention.posture)
        lines.append("log \(log.format.rawValue), from level \(log.level.rawValue) on")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The line that `hookd serve` starts with.
    ///
    /// - Parameter listening: the addresses that are listened on, with the ports that the kernel chose.
    public func startLine(listening: [ListenAddress]) -> String {
        let addresses = listening.map { escapingControls($0.description) }.joined(separator: ", ")
        let paths = endpoints.map(\.path).joined(separator: ", ")
        let sinks = sinks.map { "\($0.name) (\($0.kind.typeName))" }.joined(separator: ", ")
        return "hookd listening on \(addresses); endpoints \(paths); sinks \(sinks.isEmpty ? "none" : sinks)"
    }
}

extension Configuration.Endpoint {
    fileprivate var posture: [String] {
        let repeats =
            switch repeats {
            case .acknowledge: "acknowledge (a repeat of a stored callback is answered 200)"
            case .refuse: "refuse (a repeat of a stored callback is answered 409)"
            }
        let late =
            switch late {
            case .quarantine:
                "quarantine (a callback outside the time window is answered 401 and kept for the operator)"
            case .accept:
                "accept (a callback of the last \(lateWindow.text) that was never seen is stored, whenever it comes)"
            case .refuse: "refuse (a callback outside the time window is answered 401 and not kept)"
            }
        let number = secrets.count == 1 ? "1 secret" : "\(secrets.count) secrets, any of which is accepted"
        return [
            "endpoint \(path): every callback is verified",
            "  secrets    \(number): \(secrets.map(\.description).joined(separator: ", "))",
            "  tolerance  \(tolerance.text) in both directions",
            "  repeats    \(repeats)",
            "  late       \(late)",
            "  sinks      \(sinks.isEmpty ? "none (events are stored only)" : sinks.joined(separator: ", "))",
        ]
    }
}

extension Configuration.Retention {
    fileprivate var posture: String {
        let size = sizeBytes.map { ", at most \(ByteSize.text(ofBytes: $0))" } ?? ""
        return "retention: events of \(age.text)\(size); longer what a sink has yet to take"
    }
}

extension Configuration.Limits {
    fileprivate var posture: String {
        "limits: body \(ByteSize.text(ofBytes: bodyLimitBytes)), headers \(ByteSize.text(ofBytes: headerLimitBytes)) "
            + "in \(headerCount) fields, \(connections) connections; \(headerTimeout.text) for headers, "
            + "\(bodyTimeout.text) for a body, \(idleTimeout.text) idle, \(drainTimeout.text) to drain; "
            + "\(nonces) nonces"
    }
}
