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
        let found = try decode(StatePart.self, "or the store with --state-directory")
        if let directory = found.directory, !directory.isEmpty { return resolved(directory) }
        // systemd names every directory of StateDirectory=, separated by colons.
        if let first = variable("STATE_DIRECTORY")?.split(separator: ":").first { return String(first) }
        throw failure("\(quoted(path)) names no state_directory, and $STATE_DIRECTORY is not set.", .badConfiguration)
    }
}

extension ConfigurationOption {
    /// What the configuration says of the admin listener; nil where it says nothing of it.
    func adminPart() throws -> AdminPart? {
        let part = try decode(OperatorPart.self, "or the daemon with --admin or --state-directory").admin
        return part.map { AdminPart(keys: $0, resolved: resolved) }
    }

    /// The names of the sinks that the configuration names.
    func sinkNames() throws -> [String] {
        try decode(SinksPart.self, "or the store with --state-directory").sinks.map { $0.keys.sorted() } ?? []
    }

    /// What each sink gets. As little is read as for `stateDirectory`.
    func sinkTerms() throws -> [String: SinkTerms] {
        let part = try decode(TermsPart.self, "or the store with --state-directory")
        return (part.sinks ?? [:]).reduce(into: [:]) { terms, sink in
            let named = (part.endpoints ?? [:]).filter { $0.value.sinks?.contains(sink.key) ?? false }.map(\.key)
            terms[sink.key] = SinkTerms(
                endpoints: named.filter { sink.value.endpoints?.contains($0) ?? true },
                types: sink.value.types ?? [], channels: sink.value.channels ?? [], apps: sink.value.apps ?? [])
        }
    }

    /// Reads a part of the configuration, and no more.
    private func decode<Part: Decodable>(_ part: Part.Type, _ elsewhere: String) throws -> Part {
        let elsewhere = "Name another one with --config, \(elsewhere)."
        do {
            return try JSONDecoder().decode(part, from: Data(contents(of: path)))
        } catch let error as UnreadableFile {
            throw failure("\(error). \(elsewhere)", .badConfiguration)
        } catch {
            throw failure("\(quoted(path)) is no configuration; ask hookd check why. \(elsewhere)", .badConfiguration)
        }
    }

    /// A relative path starts where the file is.
    private func resolved(_ path: String) -> String {
        URL(filePath: path, relativeTo: URL(filePath: self.path).deletingLastPathComponent()).path
    }
}

/// What commands need to know of the admin listener.
struct AdminPart {
    fileprivate let keys: OperatorPart.Admin
    fileprivate let resolved: (String) -> String

    /// The address; nil where the daemon chooses.
    var listen: String? { keys.listen }

    /// The token; nil where there is none.
    func token() throws -> String? {
        guard let token = keys.token else { return nil }
        if let name = token.env {
            guard let value = variable(name) else {
                throw failure(
                    "the admin listener's token is in an environment variable that is not set.", .badConfiguration)
            }
            return value
        }
        if let file = token.file { return try readToken(resolved(file)) }
        guard let name = token.credential, let directory = variable("CREDENTIALS_DIRECTORY") else {
            throw failure(
                "the admin listener's token is not to be had here: name its file with --token-file.", .badConfiguration)
        }
        return try readToken(directory + "/" + name)
    }
}

/// What commands read of a configuration to find the daemon.
private struct OperatorPart: Decodable {
    struct Admin: Decodable {
        var listen: String?
        var token: Token?
    }

    struct Token: Decodable {
        var env: String?
        var file: String?
        var credential: String?
    }

    var admin: Admin?
}

/// What `store repair` reads of a configuration.
private struct SinksPart: Decodable {
    struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    var sinks: [String: Anything]?
}

/// What `replay` reads of a configuration where no daemon runs.
private struct TermsPart: Decodable {
    struct Endpoint: Decodable {
        var sinks: [String]?
    }

    struct Sink: Decodable {
        var types: [String]?
        var channels: [String]?
        var apps: [String]?
        var endpoints: [String]?
    }

    var endpoints: [String: Endpoint]?
    var sinks: [String: Sink]?
}

/// What `tail` reads of a configuration.
private struct StatePart: Decodable {
    var directory: String?

    enum CodingKeys: String, CodingKey {
        case directory = "state_directory"
    }
}
