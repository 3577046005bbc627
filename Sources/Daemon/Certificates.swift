// The certificates of all listeners: read at the start, and again at each reload.

import Server

/// What the encrypted listeners show.
final class Certificates: Sendable {
    /// For each listener of the configuration, in its order; nil for a plain one.
    let contexts: [TLSContext?]

    /// Reads the certificates and keys of all listeners.
    ///
    /// - Parameter environment: the environment variables that the configuration was read with.
    init(_ configuration: Configuration, environment: [String: String]) throws(StartError) {
        var contexts: [TLSContext?] = []
        for listener in configuration.listen {
            guard let places = listener.tls else {
                contexts.append(nil)
                continue
            }
            do throws(ConfigurationErrors) {
                contexts.append(
                    try places.using(environment) { settings throws(TLSError) in try TLSContext(settings) })
            } catch {
                throw .certificates(error)
            }
        }
        self.contexts = contexts
    }

    /// Reads them again, from where `configuration` says, which has the same listeners. Connections that begin from now
    /// on get the new ones. Where something is wrong with any of them, the old ones of all listeners stay in force.
    func replace(_ configuration: Configuration, environment: [String: String]) throws(ConfigurationErrors) {
        var changes: [(context: TLSContext, places: Configuration.TLS, settings: TLSSettings)] = []
        for (context, listener) in zip(contexts, configuration.listen) {
            guard let context, let places = listener.tls else { continue }
            // Tried out before any is put in force.
            let settings = try places.using(environment) { settings throws(TLSError) in
                _ = try TLSContext(settings)
                return settings
            }
            changes.append((context, places, settings))
        }
        for change in changes {
            do throws(TLSError) {
                try change.context.replace(with: change.settings)
            } catch {
                throw change.places.errors(error)
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
