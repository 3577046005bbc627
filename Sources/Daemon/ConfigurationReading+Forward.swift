// Reading the keys of a forward sink.

import Delivery

extension ConfigurationReading {
    func forward(_ object: JSONObjectReader) -> Configuration.Forward? {
        // Everything is read even without a URL, so that all errors are told at once.
        let url = url(object, SinkKeys.url)
        var forward = Configuration.Forward(url: url ?? .nowhere)
        forward.timeout = object.value(SinkKeys.timeout)
        forward.connectTimeout = object.value(ForwardKeys.connectTimeout)
        forward.maxAttempts = object.value(ForwardKeys.maxAttempts)
        forward.concurrency = object.value(ForwardKeys.concurrency)
        forward.orderBy = object.value(ForwardKeys.orderBy)
        forward.httpVersion = object.value(ForwardKeys.httpVersion)
        forward.allowPrivate = object.value(ForwardKeys.allowPrivate)
        readRetry(object, &forward)
        readShape(object, &forward)
        readProof(object, &forward)
        readAddresses(object, &forward)
        if let url { checkScheme(url, object, forward) }
        return url == nil ? nil : forward
    }

    private func url(_ object: JSONObjectReader, _ key: Entry) -> ForwardURL? {
        guard let reader = object[key], let text = reader.string(expected: key.expected) else { return nil }
        do throws(ForwardURLError) {
            return try ForwardURL(text: text)
        } catch {
            reader.refuse(found: ForwardURL.shown(text), expected: error.expected)
            return nil
        }
    }

    private func readRetry(_ object: JSONObjectReader, _ forward: inout Configuration.Forward) {
        guard let retry = object[SinkKeys.retry]?.object(.retry) else { return }
        forward.retryInitial = retry.value(SinkKeys.retryInitial)
        forward.retryMaximum = retry.value(SinkKeys.retryMaximum)
        guard forward.retryInitial > forward.retryMaximum else { return }
        let expected = "an `initial` wait that is at most the `maximum` wait"
        retry.reader.refuse(found: "\(forward.retryInitial.text) and \(forward.retryMaximum.text)", expected: expected)
    }

    /// What a request looks like.
    private func readShape(_ object: JSONObjectReader, _ forward: inout Configuration.Forward) {
        forward.mode = object.value(ForwardKeys.mode)
        if let batch = object[ForwardKeys.batch]?.object(.batch) {
            forward.batch = Configuration.Batch(
                events: batch.value(BatchKeys.events), bytes: batch.value(BatchKeys.bytes),
                wait: batch.value(BatchKeys.wait))
            if let reader = object[ForwardKeys.mode], forward.mode == .binary {
                reader.refuse(expected: "\"structured\" or the key left out, since a batch is a JSON list of events")
            }
        }
        forward.headers = headers(object[ForwardKeys.headers])
    }

    private func headers(_ reader: JSONReader?) -> [(name: String, value: String)] {
        var reader = reader
        reader?.hidesText = true
        guard let entries = reader?.entries(expected: ForwardKeys.headers.expected) else { return [] }
        var headers: [(name: String, value: String)] = []
        for (name, reader) in entries {
            if let reason = HeaderName.refusal(of: name) {
                reader.refuse(found: "the header \(quoted(shortened(name)))", expected: reason)
            } else if headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
                reader.refuse(found: "the header \(quoted(shortened(name))) a second time", expected: "it once")
            }
            let expected = "a text of 1 to 4096 printable ASCII characters"
            guard let value = reader.string(expected: expected) else { continue }
            guard HeaderName.isValue(Array(value.utf8)) else {
                reader.refuse(expected: expected)
                continue
            }
            headers.append((name, value))
        }
        return headers
    }

    /// Who we are to the target, and who it has to be.
    private func readProof(_ object: JSONObjectReader, _ forward: inout Configuration.Forward) {
        if let reader = object[ForwardKeys.authorization], let secret = secret(from: reader) {
            forward.authorization = secret
            if !secret.withBytes({ HeaderName.isValue($0) }) {
                reader.refuse(
                    found: "a secret that no header may hold (not shown)",
                    expected: "the whole value of the Authorization header there, in printable ASCII")
            }
        }
        if let sign = object[ForwardKeys.sign]?.object(.sign) {
            forward.signingSecrets = signingSecrets(sign[ForwardKeys.signSecrets])
        }
        if let tls = object[ForwardKeys.tls]?.object(.forwardTLS) { readTLS(tls, &forward) }
    }

    private func signingSecrets(_ reader: JSONReader?) -> [Secret] {
        let expected = ForwardKeys.signSecrets.expected
        var reader = reader
        reader?.hidesText = true
        guard let reader, let elements = reader.elements(expected: expected) else { return [] }
        if elements.isEmpty { reader.refuse(expected: expected) }
        return elements.compactMap { element in
            guard let secret = secret(from: element) else { return nil }
            guard let decoded = secret.withBytes({ signingSecret($0) }) else {
                let expected = "base64 behind whsec_, of 24 to 64 bytes as Standard Webhooks has it"
                element.refuse(
                    found: "a secret that begins with whsec_ and is something else (not shown)", expected: expected)
                return nil
            }
            if decoded.count < 24 {
                element.warn("this secret has fewer than 24 bytes, which Standard Webhooks asks for.")
            }
            return Secret(decoded, label: secret.label)
        }
    }

    private func readTLS(_ tls: JSONObjectReader, _ forward: inout Configuration.Forward) {
        forward.tlsAuthorityPath = path(tls, ForwardKeys.tlsAuthority)
        forward.tlsCertificatePath = path(tls, ForwardKeys.tlsCertificate)
        forward.tlsKey = tls[ForwardKeys.tlsKey].flatMap { secret(from: $0) }
        if tls.isKnown, (tls[ForwardKeys.tlsCertificate] == nil) != (tls[ForwardKeys.tlsKey] == nil) {
            let has = tls[ForwardKeys.tlsKey] == nil ? "a certificate without a key" : "a key without a certificate"
            tls.reader.refuse(found: has, expected: "`certificate` and `key` together")
        }
        if let reader = tls[ForwardKeys.tlsPin], let text = reader.string(expected: ForwardKeys.tlsPin.expected) {
            let isPin = text.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).allSatisfy {
                $0.starts(with: "sha256//".utf8) && decodedBase64($0.dropFirst(8))?.count == 32
            }
            if !isPin { reader.refuse(expected: ForwardKeys.tlsPin.expected) }
            forward.tlsPin = text
        }
    }

    private func path(_ object: JSONObjectReader, _ key: Entry) -> String? {
        guard let reader = object[key], let text = reader.string(expected: key.expected) else { return nil }
        if text.isEmpty { reader.refuse(expected: key.expected) }
        let path = Self.absolute(text, in: directory)
        namedFiles.note(path, reader)
        return path
    }

    /// Where the connection may lead.
    private func readAddresses(_ object: JSONObjectReader, _ forward: inout Configuration.Forward) {
        if let elements = object[ForwardKeys.deny]?.elements(expected: ForwardKeys.deny.expected) {
            for element in elements {
                let expected = "a network such as \"10.0.0.0/8\", with no bits set behind its length, or an address"
                guard let text = element.string(expected: expected) else { continue }
                if let network = AddressNetwork(text: text) {
                    forward.deny.append(network)
                } else {
                    element.refuse(expected: expected)
                }
            }
        }
        forward.proxy = url(object, ForwardKeys.proxy)
        // What a proxy connects to is for the proxy to decide: here only its own address is seen.
        guard let reader = object[ForwardKeys.proxy], !forward.deny.isEmpty || !forward.allowPrivate else { return }
        reader.refuse(
            found: "a proxy besides `deny` or `allow_private`, which cannot see where a proxy connects to",
            expected: "one or the other")
    }

    private func checkScheme(_ url: ForwardURL, _ object: JSONObjectReader, _ forward: Configuration.Forward) {
        guard !url.isSecure else { return }
        for key in [ForwardKeys.tls.name, ForwardKeys.httpVersion.name] {
            guard let reader = object.reader(of: key) else { continue }
            if key == ForwardKeys.httpVersion.name, forward.httpVersion != .http2 { continue }
            reader.refuse(found: "this besides an http URL", expected: "an https URL, or the key left out")
        }
    }
}
