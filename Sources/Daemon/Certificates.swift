// The certificates of all listeners: read at the start, and again when the daemon is told to.

import Glibc
import Logging
import Server

/// What the encrypted listeners show, and where it comes from.
final class Certificates: Sendable {
    private struct Encrypted: Sendable {
        let address: String
        let places: Configuration.TLS
        let context: TLSContext
    }

    /// For each listener of the configuration, in its order; nil for a plain one.
    let contexts: [TLSContext?]
    private let encrypted: [Encrypted]
    private let environment: [String: String]
    private let logger: Logger

    /// Reads the certificates and keys of all listeners.
    ///
    /// - Parameter environment: the environment variables that the configuration was read with.
    init(_ configuration: Configuration, environment: [String: String], _ logger: Logger) throws(StartError) {
        var contexts: [TLSContext?] = []
        var encrypted: [Encrypted] = []
        for listener in configuration.listen {
            guard let places = listener.tls else {
                contexts.append(nil)
                continue
            }
            do throws(ConfigurationErrors) {
                let context = try places.using(environment) { settings throws(TLSError) in try TLSContext(settings) }
                contexts.append(context)
                encrypted.append(
                    Encrypted(address: listener.address.description, places: places, context: context))
            } catch {
                throw .certificates(error)
            }
        }
        (self.contexts, self.encrypted) = (contexts, encrypted)
        (self.environment, self.logger) = (environment, logger)
    }

    /// Reads them again. Connections that begin from now on get the new ones; where something is wrong with those of a
    /// listener, its old ones stay in force.
    func reload() {
        if encrypted.isEmpty {
            logger.warning("SIGHUP: there are no certificates to read again; all else takes a restart")
        }
        for listener in encrypted {
            let metadata: Logger.Metadata = ["listener": .string(listener.address)]
            do throws(ConfigurationErrors) {
                try listener.places.using(environment) { settings throws(TLSError) in
                    try listener.context.replace(with: settings)
                }
                let ends = listener.context.certificates.map { UTCTimestamp.text(ofSeconds: $0.endsAtSeconds) }
                logger.notice(
                    "SIGHUP: certificates were read again, in force until \(ends.joined(separator: ", "))",
                    metadata: metadata)
                for certificate in listener.context.certificates {
                    guard let warning = certificate.warning(atSeconds: Int64(time(nil))) else { continue }
                    logger.warning("\(warning)", metadata: metadata)
                }
            } catch {
                logger.error("SIGHUP: the old certificates stay in force. \(error)", metadata: metadata)
            }
        }
    }
}

extension Configuration.TLS {
    /// Reads certificates and keys, and makes something of them.
    fileprivate func using<Result>(
        _ environment: [String: String], _ make: (TLSSettings) throws(TLSError) -> Result
    ) throws(ConfigurationErrors) -> Result {
        let settings = try load(environment: environment).settings
        do throws(TLSError) {
            return try make(settings)
        } catch {
            throw errors(error)
        }
    }
}
