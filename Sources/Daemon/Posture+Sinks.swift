// What a sink's configuration comes to, in words.

import Events

extension Configuration.SinkKind {
    var typeName: String {
        switch self {
        case .stdout: "stdout"
        case .file: "file"
        case .forward: "forward"
        }
    }

    var posture: String {
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
    var choicePosture: String {
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
