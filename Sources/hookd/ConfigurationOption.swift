// The option that serve, check and tail share.

import ArgumentParser
import Daemon
import Foundation

struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("The configuration file.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var path = "/etc/hookd/config.json"

    /// The whole configuration, checked against this machine. Every error is told, and ends the command.
    func load() throws -> Configuration {
        do {
            let configuration = try Configuration.load(path: path, environment: ProcessInfo.processInfo.environment)
            try configuration.validateEnvironment()
            return configuration
        } catch {
            Output.error.write(line: "\(error)")
            throw ExitCode.badConfiguration
        }
    }

    /// The state directory that the configuration names, else `$STATE_DIRECTORY`.
    ///
    /// Reads that one key and no more: whoever looks into a store need not be allowed to read the secrets, and
    /// systemd's credentials are not there outside of the unit.
    func stateDirectory() throws -> String {
        let file = URL(filePath: path)
        let found: Any
        do {
            found = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        } catch {
            let reason = "\(quoted(path)) cannot be read as a configuration: \(error.localizedDescription)"
            throw failure(
                reason + " Name another one with --config, or the store with --state-directory.", .badConfiguration)
        }
        if let directory = (found as? [String: Any])?["state_directory"] as? String, !directory.isEmpty {
            // A relative path starts where the file is.
            return URL(filePath: directory, relativeTo: file.deletingLastPathComponent()).path
        }
        // systemd names every directory of StateDirectory=, separated by colons.
        if let first = variable("STATE_DIRECTORY")?.split(separator: ":").first { return String(first) }
        throw failure("\(quoted(path)) names no state_directory, and $STATE_DIRECTORY is not set.", .badConfiguration)
    }
}
