// What a configuration comes to, in words: for `hookd check`, and the line that `hookd serve` starts with.
// Never a secret, and no query of a URL, which may hold a token.

import Server

extension Configuration {
    /// What is in force, defaults included: a few lines for each endpoint, and one for each listener and sink. As wide
    /// as a terminal of 80 columns, but for words that are longer.
    public var posture: String {
        var lines = listen.map(\.posture)
        lines.append("state directory \(escapingControls(stateDirectory))")
        for endpoint in endpoints { lines += endpoint.posture }
        for sink in sinks { lines.append("sink \(sink.name): \(sink.kind.posture)\(sink.choicePosture)") }
        lines += limits.posture
        lines.append(retention.posture)
        lines.append(admin.posture)
        lines.append(
            "log \(log.format?.rawValue ?? "as journal or text, as suits stderr"), from level \(log.level.rawValue) on"
        )
        // What goes on stands below what it is about, behind the name of a part.
        return lines.map { wrapped($0, at: 80, indent: $0.hasPrefix("  ") ? 13 : 2) + "\n" }.joined()
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

extension Configuration.Listener {
    fileprivate var posture: String {
        var parts = ["listen \(escapingControls(address.description))"]
        if address.isActivated { parts.append("handed over by systemd when it starts hookd, so not looked at here") }
        if let tls { parts.append(tls.posture) }
        if isDualStack { parts.append("IPv4 as well") }
        if let unixMode { parts.append("mode \(fileModeText(unixMode))") }
        if let proxyProtocol { parts.append("a PROXY protocol header from \(proxyProtocol)") }
        if let forwarded { parts.append("the client by \(forwarded.header.rawValue) from \(forwarded.trusted)") }
        return parts.joined(separator: "; ")
    }
}

extension Configuration.TLS {
    fileprivate var posture: String {
        let names = certificates.map { escapingControls($0.certificate.source.name) }.joined(separator: ", ")
        let clients = clientCA == nil ? "" : ", client certificates required"
        return "TLS \(minimumVersion.rawValue) or newer, certificates in \(names)\(clients)"
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
            "  allow      \(allow.map { "\($0) (others are answered 403)" } ?? "everybody")",
            "  rate limit \(rateLimit?.posture ?? "none")",
            "  sinks      \(sinks.isEmpty ? "none (events are stored only)" : sinks.joined(separator: ", "))",
        ]
    }
}

extension Configuration.RateLimit {
    fileprivate var posture: String {
        "\(requestsPerSecond) a second of each client, \(burst) at once (more are answered 429)"
    }
}

extension Configuration.Retention {
    fileprivate var posture: String {
        let size = sizeBytes.map { ", at most \(ByteSize.text(ofBytes: $0))" } ?? ""
        return "retention: events of \(age.text)\(size); longer what a sink has yet to take"
    }
}

extension Configuration.Admin {
    fileprivate var posture: String {
        let address = listen.map { escapingControls($0.description) }
        let place = address ?? "a Unix socket in the runtime or state directory"
        return "admin on \(place), \(token.map { "with the token in \($0)" } ?? "for its owner only")"
    }
}

extension Configuration.Limits {
    fileprivate var posture: [String] {
        let fromOne = connectionsPerAddress.map { ", \($0) of one address" } ?? ""
        let rate = minimumBytesPerSecond.map { ", at least \(ByteSize.text(ofBytes: $0)) a second" } ?? ""
        let (body, headers) = (ByteSize.text(ofBytes: bodyLimitBytes), ByteSize.text(ofBytes: headerLimitBytes))
        return [
            "limits",
            "  requests   body \(body), headers \(headers) in \(headerCount) fields; "
                + "\(ByteSize.text(ofBytes: requestMemoryBytes)) of requests in memory",
            "  clients    \(connections) connections\(fromOne), each for \(connectionAge.text)",
            "  timeouts   \(headerTimeout.text) for headers, \(bodyTimeout.text) for a body\(rate), "
                + "\(idleTimeout.text) idle, \(drainTimeout.text) to drain",
            "  nonces     \(nonces) in memory",
        ]
    }
}
