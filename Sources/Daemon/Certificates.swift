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

    /// Reads them again, from where `configuration` says, which has the same listeners.
    ///
    /// - Returns: what puts them in force, for connections that begin from then on, and cannot fail.
    func prepare(
        _ configuration: Configuration, environment: [String: String]
    ) throws(ConfigurationErrors) -> @Sendable () -> Void {
        var changes: [@Sendable () -> Void] = []
        for (context, listener) in zip(contexts, configuration.listen) {
            guard let context, let places = listener.tls else { continue }
            changes.append(
                try places.using(environment) { settings throws(TLSError) in try context.prepare(settings) })
        }
        return { [changes] in for change in changes { change() } }
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
