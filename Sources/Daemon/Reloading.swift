// Putting another configuration in force while the daemon runs: checked as a whole, then applied at once, or refused as
// a whole.

import Dispatch
import Logging

/// Reads the configuration again when it is told to.
final class Reloading: Sendable {
    private let inspection: Inspection
    private let handlers: CallbackHandlers
    private let level: SharedLogLevel
    private let environment: [String: String]
    /// The longest tolerance and late window that the store was opened for, in seconds.
    private let bounds: (tolerance: Int64, lateWindow: Int64)
    private let logger: Logger
    private let manager: ServiceManager?
    /// Two at once would mix.
    private let queue = DispatchQueue(label: "hookd.reload", qos: .userInitiated)

    init(
        _ inspection: Inspection, handlers: CallbackHandlers, level: SharedLogLevel, environment: [String: String],
        _ logger: Logger, manager: ServiceManager?
    ) {
        self.manager = manager
        (self.inspection, self.handlers, self.level) = (inspection, handlers, level)
        (self.environment, self.logger) = (environment, logger)
        bounds = inspection.configuration.storeBounds
    }

    /// Reads the file that the daemon was started with, and puts it in force.
    ///
    /// - Parameter cause: who asked, for the log.
    /// - Returns: why it was refused, a line for each reason; nil where it is in force.
    func reload(_ cause: String) -> String? {
        queue.sync {
            manager?.reloading()
            let refusal = readAndApply(cause)
            manager?.reloaded(refusal.map { "the reload was refused: \($0)" })
            return refusal
        }
    }

    private func readAndApply(_ cause: String) -> String? {
        do throws(ReloadRefusal) {
            let configuration = try read()
            try apply(configuration)
            for warning in configuration.warnings { logger.warning("\(warning)") }
            inspection.reloaded(configuration)
            logger.notice("\(cause): the configuration was read again and is in force\(certificateEnds)")
            return nil
        } catch {
            inspection.refusedReload(error.reason)
            for line in error.reason.split(separator: "\n") {
                logger.error("\(cause): the old configuration stays in force: \(line)")
            }
            return error.reason
        }
    }

    private func read() throws(ReloadRefusal) -> Configuration {
        let old = inspection.configuration
        let new: Configuration
        do throws(ConfigurationErrors) {
            new = try Configuration.load(path: old.file, environment: environment)
            try new.validateEnvironment()
        } catch {
            throw ReloadRefusal(reason: error.description)
        }
        var fixed = ConfigurationChanges(from: old.document, to: new.document).needingRestart
        if new.stateDirectory != old.stateDirectory, !fixed.contains(TopKeys.stateDirectory.name) {
            fixed.append(TopKeys.stateDirectory.name)
        }
        if new.storeBounds.tolerance > bounds.tolerance {
            fixed.append("a tolerance that is longer than every one at the start")
        }
        if new.storeBounds.lateWindow > bounds.lateWindow {
            fixed.append("a late_window that is longer than every one at the start")
        }
        guard fixed.isEmpty else {
            throw ReloadRefusal(
                reason: "\(fixed.joined(separator: ", ")): this changes with a restart only, so nothing was changed.")
        }
        return new
    }

    /// Everything that can fail comes first.
    private func apply(_ configuration: Configuration) throws(ReloadRefusal) {
        let endpoints: [Endpoint]
        do throws(StartError) {
            endpoints = try makeEndpoints(configuration, inspection.ledger)
        } catch {
            throw ReloadRefusal(reason: error.description)
        }
        do throws(ConfigurationErrors) {
            try inspection.certificates.replace(configuration, environment: environment)
        } catch {
            throw ReloadRefusal(reason: error.description)
        }
        handlers.replace(endpoints: endpoints)
        level.set(configuration.log.level)
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
}

extension Configuration {
    /// What the store must be opened for, in seconds: it forgets nonces and events by these.
    var storeBounds: (tolerance: Int64, lateWindow: Int64) {
        (
            endpoints.map { $0.tolerance.components.seconds }.max() ?? 0,
            endpoints.filter { $0.late == .accept }.map { $0.lateWindow.components.seconds }.max() ?? 0
        )
    }
}
