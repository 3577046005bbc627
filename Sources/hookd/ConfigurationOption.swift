// The option that serve, check and tail share.

import ArgumentParser
import Daemon
import FoundationEssentials

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
        let elsewhere = "Name another one with --config, or the store with --state-directory."
        let found: StatePart
        do {
            found = try JSONDecoder().decode(StatePart.self, from: Data(contents(of: path)))
        } catch let error as UnreadableFile {
            throw failure("\(error). \(elsewhere)", .badConfiguration)
        } catch {
            throw failure("\(quoted(path)) is no configuration; ask hookd check why. \(elsewhere)", .badConfiguration)
        }
        if let directory = found.directory, !directory.isEmpty {
            // A relative path starts where the file is.
            return URL(filePath: directory, relativeTo: URL(filePath: path).deletingLastPathComponent()).path
        }
        // systemd names every directory of StateDirectory=, separated by colons.
        if let first = variable("STATE_DIRECTORY")?.split(separator: ":").first { return String(first) }
        throw failure("\(quoted(path)) names no state_directory, and $STATE_DIRECTORY is not set.", .badConfiguration)
    }
}

/// What `tail` reads of a configuration.
private struct StatePart: Decodable {
    var directory: String?

    enum CodingKeys: String, CodingKey {
        case directory = "state_directory"
    }
}
