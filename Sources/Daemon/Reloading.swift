// Putting another configuration in force while the daemon runs: checked and made ready as a whole, then applied at
// once, or refused as a whole.

import Delivery
import Dispatch
import Logging
import Server
import Store

/// Reads the configuration again when it is told to.
final class Reloading: Sendable {
    /// What became of a reload.
    enum Verdict: Sendable {
        /// The new configuration is in force. What has changed, a phrase for each.
        case inForce([String])
        /// The old one stays in force. Why, a line for each reason.
        ///
        /// - Parameter isPassing: whether nothing is wrong with the new one, and it may be put in force later.
        case refused(String, isPassing: Bool)

        /// For people, where there is something to tell.
        fileprivate var status: String? {
            if case .refused(let reason, _) = self { "the reload was refused: \(reason)" } else { nil }
        }
    }

    /// Everything that a configuration needs, ready to be put in force.
    private struct Preparation {
        var endpoints: [Endpoint]
        var sinks: [SinkChange]
        var certificates: @Sendable () -> Void
        var limits: ServerLimits
        var listeners: [ListenerSettings]
        var summary: [String]
    }

    /// How long a sink may take to finish what it has begun.
    private static let patience = DispatchTimeInterval.seconds(10)

    private let inspection: Inspection
    private let handlers: CallbackHandlers
    private let level: SharedLogLevel
    private let environment: [String: String]
    /// The server's listeners as a configuration with the same addresses has them: one of its may be several.
    private let listeners: @Sendable (Configuration) -> [ListenerSettings]
    private let logger: Logger
    private let manager: ServiceManager?
    /// Two at once would mix.
    private let queue = DispatchQueue(label: "hookd.reload", qos: .userInitiated)

    init(
        _ inspection: Inspection, handlers: CallbackHandlers, level: SharedLogLevel, environment: [String: String],
        listeners: @escaping @Sendable (Configuration) -> [ListenerSettings], _ logger: Logger,
        manager: ServiceManager?
    ) {
        (self.manager, self.listeners) = (manager, listeners)
        (self.inspection, self.handlers, self.level) = (inspection, handlers, level)
        (self.environment, self.logger) = (environment, logger)
    }

    /// Reads the file that the daemon was started with, and puts it in force.
    ///
    /// - Parameter cause: who asked, for the log.
    func reload(_ cause: String) -> Verdict {
        queue.sync {
            manager?.reloading()
            let verdict = readAndApply(cause)
            manager?.reloaded(verdict.status)
            return verdict
        }
    }

    private func readAndApply(_ cause: String) -> Verdict {
        var newFiles = NewFiles()
        do throws(ReloadRefusal) {
            let configuration = try read()
            let preparation = try prepare(configuration, &newFiles)
            try apply(configuration, preparation)
            for warning in configuration.warnings { logger.log(warning) }
            let changes = preparation.summary.map { "; " + $0 }.joined()
            logger.log(
                .reloaded, level: .notice,
                "\(cause): the configuration was read again and is in force\(changes)\(certificateEnds)")
            return .inForce(preparation.summary)
        } catch {
            newFiles.remove()
            inspection.refusedReload(error.reason)
            for line in error.reason.split(separator: "\n") {
                logger.log(
                    error.concernsCertificates ? .certificateRefused : .reloadRefused, level: .error,
                    "\(cause): the old configuration stays in force: \(line)")
            }
            return .refused(error.reason, isPassing: error.isPassing)
        }
    }

    private func read() throws(ReloadRefusal) -> Configuration {
        if inspection.isStopping { throw ReloadRefusal(reason: "\(ExchangeError.stopping)", isPassing: true) }
        let old = inspection.configuration
        let new: Configuration
        do throws(ConfigurationErrors) {
            new = try Configuration.load(path: old.file, environment: environment)
            try new.validateEnvironment()
        } catch {
            throw ReloadRefusal(error)
        }
        var fixed = ConfigurationChanges(from: old.document, to: new.document).needingRestart
        if new.stateDirectory != old.stateDirectory, !fixed.contains(TopKeys.stateDirectory.name) {
            fixed.append(TopKeys.stateDirectory.name)
        }
        guard fixed.isEmpty else {
            throw ReloadRefusal(
                reason: "\(fixed.joined(separator: ", ")): this changes with a restart only, so nothing was changed.")
        }
        return new
    }

    /// Makes everything ready that can fail. Nothing changes yet.
    ///
    /// - Parameter newFiles: is told which files the sinks have made.
    private func prepare(
        _ configuration: Configuration, _ newFiles: inout NewFiles
    ) throws(ReloadRefusal) -> Preparation {
        let old = inspection.configuration
        let changes = ConfigurationChanges(from: old.document, to: configuration.document)
        do {
            return Preparation(
                endpoints: try makeEndpoints(configuration, inspection.ledger),
                sinks: try sinkChanges(from: old, to: configuration, changes, &newFiles),
                certificates: try inspection.certificates.prepare(configuration, environment: environment),
                limits: ServerLimits(configuration.limits, descriptors: raiseDescriptorLimit(), logger),
                listeners: listeners(configuration),
                summary: changes.summary + otherSecrets(from: old, to: configuration, changes))
        } catch let errors as ConfigurationErrors {
            throw ReloadRefusal(errors)
        } catch {
            throw ReloadRefusal(reason: "\(error)")
        }
    }

    private func sinkChanges(
        from old: Configuration, to new: Configuration, _ changes: ConfigurationChanges, _ newFiles: inout NewFiles
    ) throws(StartError) -> [SinkChange] {
        // What came to an endpoint that is gone may be stored after the sinks know that it is.
        let gone = old.endpoints.filter { endpoint in !new.endpoints.contains { $0.path == endpoint.path } }
        let paths = Set(old.sinks.compactMap(\.kind.filePath))
        var result: [SinkChange] = []
        for sink in new.sinks {
            let before = old.sinks.first { $0.name == sink.name }
            let endpoints = new.endpoints(of: sink) + gone.filter { $0.sinks.contains(sink.name) }.map(\.path)
            if let before, !changes.concern(sink: sink.name), before.hasSameSecrets(as: sink) {
                result.append(.keep(name: sink.name, endpoints: endpoints.map { Array($0.utf8) }))
            } else {
                let isFree = sink.kind.filePath.map { !paths.contains($0) } ?? true
                let subscription = try newFiles.noting(isFree ? sink.kind.file?.path : nil) { () throws(StartError) in
                    try makeSubscription(sink, endpoints: endpoints, opensFile: isFree)
                }
                result.append(.begin(subscription))
            }
        }
        return result
    }

    /// Sinks that the file tells nothing new of, and whose secrets are others all the same.
    private func otherSecrets(
        from old: Configuration, to new: Configuration, _ changes: ConfigurationChanges
    ) -> [String] {
        new.sinks.filter { sink in
            !changes.concern(sink: sink.name)
                && old.sinks.contains { $0.name == sink.name && !$0.hasSameSecrets(as: sink) }
        }.map { "sink \($0.name) changed (its secrets)" }
    }

    /// Only the exchange of the sinks can fail, and then nothing has changed.
    private func apply(_ configuration: Configuration, _ preparation: Preparation) throws(ReloadRefusal) {
        let old = inspection.configuration
        let (before, after) = (SQLiteEventStore.Options(old), SQLiteEventStore.Options(configuration))
        // The store remembers for both before the handlers and sinks change, and for the new ones afterwards.
        inspection.store.reconfigure(before.combined(with: after))
        do throws(ExchangeError) {
            try inspection.dispatcher.exchange(preparation.sinks, patience: Self.patience)
        } catch {
            inspection.store.reconfigure(before)
            let isPassing = if case .stopping = error { true } else { false }
            throw ReloadRefusal(reason: "\(error), so nothing was changed.", isPassing: isPassing)
        }
        preparation.certificates()
        inspection.server.apply(preparation.limits, listeners: preparation.listeners)
        handlers.replace(endpoints: preparation.endpoints)
        level.set(configuration.log.level)
        inspection.store.reconfigure(after)
        inspection.reloaded(configuration)
    }

    /// Until when the certificates are in force, for the log.
    private var certificateEnds: String {
        let ends = inspection.certificates.contexts.compactMap(\.self).flatMap(\.certificates).map(\.endsAtSeconds)
        guard let first = ends.min() else { return "" }
        return "; the first certificate ends on \(UTCTimestamp.text(ofSeconds: first))"
    }
}

/// Why a configuration was not put in force.
private struct ReloadRefusal: Error {
    var reason: String
    /// Whether a certificate or key of a listener is among the reasons.
    var concernsCertificates = false
    /// Whether nothing is wrong with the configuration.
    var isPassing = false
}

extension ReloadRefusal {
    fileprivate init(_ errors: ConfigurationErrors) {
        self.init(
            reason: errors.description,
            concernsCertificates: errors.problems.contains {
                $0.path.hasPrefix(TopKeys.listen.name) && $0.path.contains(".\(ListenerKeys.tls.name)")
            })
    }
}

extension Logger {
    /// Logs what is probably not meant.
    func log(_ warning: ConfigurationWarning) { log(.configurationWarning, level: .warning, "\(warning)") }
}

extension SQLiteEventStore.Options {
    /// What satisfies both.
    fileprivate func combined(with other: Self) -> Self {
        var both = other
        both.toleranceSeconds = max(toleranceSeconds, other.toleranceSeconds)
        both.lateWindowSeconds = max(lateWindowSeconds, other.lateWindowSeconds)
        both.sinks = Array(Set(sinks + other.sinks))
        both.retention = retention
        return both
    }
}

extension Configuration.SinkKind {
    fileprivate var file: Configuration.File? { if case .file(let file) = self { file } else { nil } }

    fileprivate var filePath: String? { file.map { ConfigurationReading.normalized($0.path) } }
}

extension Configuration.Sink {
    /// Whether what was read from elsewhere is what it was.
    fileprivate func hasSameSecrets(as other: Configuration.Sink) -> Bool {
        guard case .forward(let one) = kind, case .forward(let two) = other.kind else { return true }
        func values(_ forward: Configuration.Forward) -> [[UInt8]?] {
            let secrets = [forward.authorization, forward.tlsKey] + forward.signingSecrets.map { Optional($0) }
            return secrets.map { $0?.withBytes { $0 } }
        }
        return values(one) == values(two)
    }
}
