// Reading a listener's `tls`. Certificates and keys are tried as the daemon will use them, so that what cannot be used
// is told here, with its key.

import Server

extension ConfigurationReading {
    /// - Returns: nil where there is no such key, or it was refused.
    func tls(_ reader: JSONReader?) -> Configuration.TLS? {
        guard let reader, let object = reader.object(.tls) else { return nil }
        let minimumVersion = object.value(TLSKeys.minimumVersion)
        let issuers = object[TLSKeys.clientCA].map { ($0, place(ofFile: $0, TLSKeys.clientCA)) }
        guard let list = object[TLSKeys.certificates],
            let elements = list.elements(expected: TLSKeys.certificates.expected)
        else { return nil }
        if elements.isEmpty { list.refuse(expected: TLSKeys.certificates.expected) }
        let certificates = elements.compactMap(certificate)
        guard !elements.isEmpty, certificates.count == elements.count, issuers == nil || issuers?.1 != nil else {
            return nil
        }
        let tls = Configuration.TLS(
            certificates: certificates, clientCA: issuers?.1, minimumVersion: minimumVersion, file: problems.file,
            line: reader.node.line, path: reader.path)
        tryOut(tls)
        return tls
    }

    private func certificate(_ reader: JSONReader) -> Configuration.TLS.Certificate? {
        guard let object = reader.object(.tlsCertificate) else { return nil }
        // Both are read before either can end this, so that all errors are told at once.
        let certificate = object[TLSKeys.certificate].flatMap { place(ofFile: $0, TLSKeys.certificate) }
        guard let key = object[TLSKeys.key].flatMap(place(ofKey:)), let certificate else { return nil }
        return Configuration.TLS.Certificate(certificate: certificate, key: key)
    }

    private func place(ofFile reader: JSONReader, _ key: Entry) -> Configuration.TLS.Place? {
        guard let text = reader.string(expected: key.expected) else { return nil }
        guard !text.isEmpty, !text.hasPrefix("-----BEGIN") else {
            reader.refuse(expected: key.expected)
            return nil
        }
        let path = Self.absolute(text, in: directory)
        namedFiles.note(path, reader)
        let source = SecretSource.file(path: text, resolved: path)
        return Configuration.TLS.Place(source: source, line: reader.node.line, path: reader.path)
    }

    private func place(ofKey reader: JSONReader) -> Configuration.TLS.Place? {
        var reader = reader
        // Whoever writes a key into the file finds it refused, and not shown.
        reader.hidesText = true
        guard let object = reader.object(.tlsKey), let source = source(object) else { return nil }
        return Configuration.TLS.Place(source: source, line: reader.node.line, path: reader.path)
    }

    /// Reads certificates and keys, and reports what cannot be used, or not much longer.
    private func tryOut(_ tls: Configuration.TLS) {
        do throws(ConfigurationErrors) {
            let (settings, warnings) = try tls.load(environment: environment)
            for warning in warnings { problems.warn(line: warning.line, path: warning.path, warning.message) }
            let context: TLSContext
            do throws(TLSError) {
                context = try TLSContext(settings, nowSeconds: nowSeconds)
            } catch {
                throw tls.errors(error)
            }
            for (certificate, place) in zip(context.certificates, tls.certificates.map(\.certificate)) {
                guard let warning = certificate.warning(atSeconds: nowSeconds) else { continue }
                problems.warn(line: place.line, path: place.path, warning)
            }
        } catch {
            for problem in error.problems {
                problems.refuse(
                    line: problem.line, path: problem.path, found: problem.found, expected: problem.expected)
            }
        }
    }
}

extension TLSCertificateInfo {
    /// How long before its end a certificate is warned of. Those of ACME are renewed a month before theirs.
    private static let warningSeconds: Int64 = 14 * 86_400

    /// What an operator should know of it, as a sentence; nil where there is nothing.
    func warning(atSeconds now: Int64) -> String? {
        let ofNames = names.isEmpty ? "" : " (for \(shortened(escapingControls(names.joined(separator: ", ")))))"
        if endsAtSeconds - now < Self.warningSeconds {
            return "the certificate in \(source)\(ofNames) ends on \(UTCTimestamp.text(ofSeconds: endsAtSeconds))."
        }
        guard chainEndsAtSeconds - now < Self.warningSeconds else { return nil }
        return "a certificate behind the first in \(source)\(ofNames) ends on "
            + "\(UTCTimestamp.text(ofSeconds: chainEndsAtSeconds))."
    }
}
