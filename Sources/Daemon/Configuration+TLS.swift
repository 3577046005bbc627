// A listener's TLS as the configuration has it: where certificates and keys are. What is in these places is read when
// the daemon starts and at each reload, and is not kept here.

import Server

extension Configuration {
    /// Where a listener's certificates and keys are.
    public struct TLS: Hashable, Sendable {
        let certificates: [Certificate]
        let clientCA: Place?
        let minimumVersion: TLSVersion
        /// The configuration file, and where in it this stands, for errors.
        let file: String
        let line: Int
        let path: String

        /// A certificate and its key.
        struct Certificate: Hashable, Sendable {
            let certificate: Place
            let key: Place
        }

        /// Where something is, and where the configuration says so.
        struct Place: Hashable, Sendable {
            let source: SecretSource
            let line: Int
            let path: String
        }

        /// Reads certificates and keys. They are not looked into: `TLSContext` does that.
        ///
        /// - Parameter environment: the environment variables that `env` and `$CREDENTIALS_DIRECTORY` mean.
        /// - Throws: everything that cannot be read, at once.
        public func load(
            environment: [String: String]
        ) throws(ConfigurationErrors) -> (settings: TLSSettings, warnings: [ConfigurationWarning]) {
            let problems = ProblemCollector(file: file)
            let settings = settings(environment, problems)
            try problems.throwIfAny()
            return (settings, problems.warnings)
        }

        /// What `error`, which was thrown for the settings of this, says of the configuration.
        public func errors(_ error: TLSError) -> ConfigurationErrors {
            ConfigurationErrors(
                problems: error.problems.map { problem in
                    let place = place(of: problem.part)
                    let source = problem.source.isEmpty ? "TLS" : problem.source
                    return ConfigurationProblem(
                        file: file, line: place?.line ?? line, path: place?.path ?? path,
                        found: "\(source), which \(problem.reason)", expected: problem.expected)
                })
        }
    }
}

extension Configuration.TLS {
    /// The most bytes of a key: far more than RSA of 16,384 bits has.
    static let keyLimitBytes = 64 << 10
    /// The most bytes of a file of certificates: more than all authorities of a browser have.
    static let certificatesLimitBytes = 1 << 20

    private func settings(_ environment: [String: String], _ problems: ProblemCollector) -> TLSSettings {
        func read(_ place: Place, _ limitBytes: Int) -> (bytes: [UInt8], isReadableByOthers: Bool) {
            do throws(SecretError) {
                return try place.source.read(environment: environment, limitBytes: limitBytes)
            } catch {
                problems.refuse(line: place.line, path: place.path, found: error.found, expected: "PEM there")
                return ([], false)
            }
        }
        let identities = certificates.map { certificate in
            let key = read(certificate.key, Self.keyLimitBytes)
            if key.isReadableByOthers {
                problems.warn(
                    line: certificate.key.line, path: certificate.key.path,
                    "every user of this machine may read the file of this key.")
            }
            return TLSIdentity(
                certificate: read(certificate.certificate, Self.certificatesLimitBytes).bytes,
                certificateName: certificate.certificate.source.name,
                key: key.bytes, keyName: certificate.key.source.name)
        }
        return TLSSettings(
            identities: identities,
            clientIssuers: clientCA.map { read($0, Self.certificatesLimitBytes).bytes },
            clientIssuersName: clientCA?.source.name ?? "", minimumVersion: minimumVersion)
    }

    private func place(of part: TLSProblem.Part) -> Place? {
        switch part {
        case .certificate(let index): certificates[index].certificate
        case .key(let index): certificates[index].key
        case .clientIssuers: clientCA
        case .whole: nil
        }
    }
}

extension SecretSource {
    /// How an error names it, behind "found": never what is in it.
    var name: String {
        switch self {
        case .environment(let name): "environment variable \(shownVariable(name))"
        case .file(_, let resolved): "file \(quoted(resolved))"
        case .credential(let name): "credential \(quoted(name))"
        }
    }
}
