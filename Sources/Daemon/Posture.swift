// What a configuration comes to, in words: for `hookd check`, and the line that `hookd serve` starts with.
// Never a secret, and no query of a URL, which may hold a token.

import Events
import Server

extension Configuration {
    /// What is in force, defaults included: a few lines for each endpoint and one for each sink.
    public var posture: String {
        var lines = ["listen \(listen.map { escapingControls($0.description) }.joined(separator: ", "))"]
        lines.append("state directory \(escapingControls(stateDirectory))")
        for endpoint in endpoints { lines += endpoint.posture }
        for sink in sinks { lines.append("sink \(sink.name): \(sink.kind.posture)\(sink.choicePosture)") }
        lines.append(limits.posture)
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

extension Configuration.SinkKind {
    fileprivate var typeName: String {
        switch self {
        case .stdout: "stdout"
        case .file: "file"
        case .forward: "forward"
        }
    }

    fileprivate var posture: String {
        switch self {
        case .stdout: "standard output"
        case .file(let file): "file \(escapingControls(file.path))" + file.extras.map { "; " + $0 }.joined()
        case .forward(let forward):
            "forward to \(forward.url), \(forward.timeout.text) for an attempt, "
                + "waiting \(forward.retryInitial.text) to \(forward.retryMaximum.text) between attempts"
                + forward.extras.map { "; " + $0 }.joined()
        }
    }
}

extension Configuration.Sink {
    /// Which events it gets, where it does not get all.
    fileprivate var choicePosture: String {
        let parts = [
            ("types", choice.types.map { $0.replacing(EventTypes.prefix, with: "") }),
            ("channels", Array(choice.channels)), ("apps", Array(choice.apps)), ("endpoints", endpoints ?? []),
        ]
        return parts.filter { !$0.1.isEmpty }
            .map { "; only \($0.0) \(escapingControls($0.1.sorted().joined(separator: ", ")))" }.joined()
    }
}

extension Configuration.File {
    /// What is not as usual.
    fileprivate var extras: [String] {
        var extras: [String] = []
        if let rotation {
            let limits = [
                rotation.sizeBytes.map { "at \(ByteSize.text(ofBytes: Int($0)))" },
                rotation.ageSeconds.map { "after \(Duration.seconds($0).text)" },
            ]
            extras.append("rotated \(limits.compactMap(\.self).joined(separator: " or ")), \(rotation.keep) kept")
            if rotation.compresses { extras.append("compressed") }
        }
        if sync == .none { extras.append("not written through: a power cut may lose lines") }
        return extras
    }
}

extension Configuration.Forward {
    /// What is not as usual.
    fileprivate var extras: [String] {
        var extras: [String] = []
        if concurrency > 1 { extras.append("\(concurrency) requests at a time, in order by \(orderBy.rawValue)") }
        if let batch { extras.append("up to \(batch.events) events in a request") }
        if batch == nil, mode == .structured { extras.append("structured mode") }
        if httpVersion == .http2 { extras.append("HTTP/2") }
        if let authorization { extras.append("authorization from \(authorization)") }
        if !signingSecrets.isEmpty {
            extras.append("signed with \(signingSecrets.map(\.description).joined(separator: ", "))")
        }
        if let proxy { extras.append("through the proxy \(proxy)") }
        if let tlsAuthorityPath { extras.append("authorities in \(escapingControls(tlsAuthorityPath))") }
        if tlsPin != nil { extras.append("public key pinned") }
        if let tlsKey { extras.append("our key from \(tlsKey)") }
        if !allowPrivate { extras.append("no private addresses") }
        if !deny.isEmpty { extras.append("\(deny.count) denied networks") }
        return extras
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
