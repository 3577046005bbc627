// Reading `endpoints` and their secrets. An endpoint without a secret that can be had never gets through.

extension ConfigurationReading {
    /// - Parameter hasUnnamedClients: whether some clients will have no address to be told apart by.
    func endpoints(
        _ reader: JSONReader?, sinkNames: [String], hasUnnamedClients: Bool
    ) -> [Configuration.Endpoint] {
        guard let reader, let entries = reader.entries(expected: TopKeys.endpoints.expected) else { return [] }
        if entries.isEmpty { reader.refuse(expected: TopKeys.endpoints.expected) }
        // Which of two paths that mean the same a request met would be chance.
        var paths: [String: String] = [:]
        return entries.compactMap { path, reader in
            do throws(EndpointPathError) {
                try checkEndpointPath(path)
                if let other = paths.updateValue(path, forKey: comparablePath(path)) {
                    reader.refuse(
                        found: "\(quoted(path)), the same path as \(quoted(other))", expected: "each path once")
                }
            } catch {
                reader.refuse(found: quoted(shortened(path)), expected: error.expected)
            }
            return endpoint(path, reader, sinkNames, hasUnnamedClients: hasUnnamedClients)
        }
    }

    private func endpoint(
        _ path: String, _ reader: JSONReader, _ sinkNames: [String], hasUnnamedClients: Bool
    ) -> Configuration.Endpoint? {
        guard let object = reader.object(.endpoint) else { return nil }
        var secretsReader = object[EndpointKeys.secrets]
        secretsReader?.hidesText = true
        let late = object.value(EndpointKeys.late)
        let lateWindow = object.value(EndpointKeys.lateWindow)
        if late != .accept, let reader = object[EndpointKeys.lateWindow] {
            reader.warn("this has an effect only with \"late\": \"accept\".")
        }
        return Configuration.Endpoint(
            path: path,
            secrets: secrets(secretsReader),
            tolerance: object.value(EndpointKeys.tolerance),
            repeats: object.value(EndpointKeys.repeats),
            late: late,
            lateWindow: lateWindow,
            allow: object[ClientKeys.allow].map { addressList($0, expected: ClientKeys.allow.expected) },
            rateLimit: object[ClientKeys.rateLimit].flatMap { rateLimit($0, hasUnnamedClients: hasUnnamedClients) },
            sinks: sinkReferences(object, sinkNames))
    }

    private func sinkReferences(_ object: JSONObjectReader, _ sinkNames: [String]) -> [String] {
        let expected = EndpointKeys.sinks.expected
        var references: [String] = []
        if let reader = object[EndpointKeys.sinks] {
            guard let elements = reader.elements(expected: expected) else { return [] }
            for element in elements {
                guard let name = element.string(expected: "the name of a sink") else { continue }
                if references.contains(name) { element.refuse(expected: "each sink once") }
                if !sinkNames.contains(name) {
                    let hint = nearestName(to: name, among: sinkNames).map { " (did you mean \(quoted($0))?)" } ?? ""
                    element.refuse(expected: "the name of a sink that stands in `sinks`" + hint)
                }
                references.append(name)
            }
        }
        if references.isEmpty {
            object.reader.warn("no sink gets the events of this endpoint: they are stored, and stay where they are.")
        }
        return references
    }

    private func secrets(_ reader: JSONReader?) -> [Secret] {
        let expected = EndpointKeys.secrets.expected
        guard let reader, let elements = reader.elements(expected: expected) else { return [] }
        if elements.isEmpty { reader.refuse(expected: expected) }
        var secrets: [Secret] = []
        for element in elements {
            guard let secret = secret(element) else { continue }
            let isDouble = secrets.contains { other in secret.withBytes { bytes in other.withBytes { $0 == bytes } } }
            if isDouble { element.warn("this secret is the same as one before it.") }
            secrets.append(secret)
        }
        if !secrets.isEmpty, !secrets.contains(where: { $0.isValid(atSeconds: nowSeconds) }) {
            reader.refuse(found: "only secrets that have ended", expected: "at least one that is still accepted")
        }
        return secrets
    }

    private func secret(_ reader: JSONReader) -> Secret? {
        guard let object = reader.object(.secret) else { return nil }
        // Both are read before either can end this, so that all errors are told at once.
        let end = endOfSecret(object)
        guard let source = source(object) else { return nil }
        do throws(SecretError) {
            let (bytes, isReadableByOthers) = try source.read(environment: environment)
            if isReadableByOthers {
                reader.warn("every user of this machine may read the file of this secret.")
            }
            warnOfUnusual(bytes, reader)
            return Secret(bytes, label: source.label, endsAtSeconds: end)
        } catch {
            reader.refuse(found: error.found, expected: "the webhook's secret there")
            return nil
        }
    }

    private func warnOfUnusual(_ bytes: [UInt8], _ reader: JSONReader) {
        if bytes.count < 8 {
            reader.warn("this secret has fewer than 8 bytes, so it can be guessed.")
        }
        if let first = bytes.first, let last = bytes.last, isWhiteSpace(first) || isWhiteSpace(last) {
            reader.warn("this secret begins or ends with white space, which counts as a part of it.")
        }
    }

    private func endOfSecret(_ object: JSONObjectReader) -> Int64? {
        guard var reader = object[SecretKeys.until] else { return nil }
        reader.hidesText = false
        guard let text = reader.string(expected: SecretKeys.until.expected) else { return nil }
        guard let seconds = UTCTimestamp.seconds(fromText: text) else {
            reader.refuse(expected: SecretKeys.until.expected)
            return nil
        }
        if seconds <= nowSeconds { reader.warn("this secret has ended and is no longer accepted.") }
        return seconds
    }

    /// The secret of an object that says no more than where it is. Nil, and reported, where it cannot be had.
    func secret(from reader: JSONReader) -> Secret? {
        var reader = reader
        reader.hidesText = true
        guard let object = reader.object(.secretSource), let source = source(object) else { return nil }
        do throws(SecretError) {
            let (bytes, isReadableByOthers) = try source.read(environment: environment)
            if isReadableByOthers { reader.warn("every user of this machine may read the file of this secret.") }
            return Secret(bytes, label: source.label)
        } catch {
            reader.refuse(found: error.found, expected: "the secret there")
            return nil
        }
    }

    /// The one place that the secret comes from.
    func source(_ object: JSONObjectReader) -> SecretSource? {
        let present = SecretKeys.sources.filter { object[$0] != nil }
        guard let key = present.first, present.count == 1, let reader = object[key] else {
            let names = present.map(\.name).joined(separator: " and ")
            if !present.isEmpty {
                object.reader.refuse(found: "several sources, \(names)", expected: "one of them for each secret")
            } else if object.isKnown {
                object.reader.refuse(found: "no source", expected: "one of env, file, credential")
            }
            return nil
        }
        guard let text = reader.string(expected: key.expected) else { return nil }
        let isWellFormed: Bool
        let source: SecretSource
        switch key.name {
        case SecretKeys.environment.name:
            isWellFormed = Self.isVariableName(text)
            source = .environment(name: text)
        case SecretKeys.file.name:
            isWellFormed = !text.isEmpty && !holdsPrivateKey(text)
            source = .file(path: text, resolved: Self.absolute(text, in: directory))
        default:
            // By bytes, as the kernel looks: an accent behind a slash makes another character of it for Swift.
            isWellFormed =
                !text.isEmpty && !text.utf8.contains(UInt8(ascii: "/")) && text != "." && text != ".."
                && !holdsPrivateKey(text)
            source = .credential(name: text)
        }
        guard isWellFormed else {
            reader.refuse(expected: key.expected)
            return nil
        }
        if let path = source.path(environment: environment) { namedFiles.note(path, reader) }
        return source
    }

    /// Whether a shell could set an environment variable of this name.
    private static func isVariableName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }
    }
}
