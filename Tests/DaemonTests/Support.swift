// What the tests of configuration share: a temporary directory, and a whole configuration with one part changed.

import Foundation
import Testing

@testable import Daemon

/// A directory that is gone when nothing refers to it any more.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("hookd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        // Again where somebody who has not ended yet made another file meanwhile.
        for _ in 0..<100 where FileManager.default.fileExists(atPath: path) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ name: String, _ contents: String, mode: Int = 0o600) throws -> String {
        let file = path + "/" + name
        try Data(contents.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    /// The names in it.
    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

/// The value of the secret in all tests: what must never be shown.
let knownSecret = "kn0wn-secret-value"

/// A configuration that is right, but for the part that a test changes.
enum ConfigurationText: Sendable {
    case right
    case whole(String)
    case listen(String)
    case stateDirectory(String)
    /// All endpoints, with their braces.
    case endpoints(String)
    /// The key of the one endpoint.
    case endpointPath(String)
    /// The inside of the one endpoint.
    case endpoint(String)
    /// The list of its secrets.
    case secrets(String)
    /// Keys of the one endpoint besides secrets and sinks.
    case endpointKeys(String)
    /// The inside of `sinks`.
    case sinks(String)
    /// The inside of a forward sink, besides its type.
    case forward(String)
    /// The inside of `limits`.
    case limits(String)
    /// Further keys at the top.
    case more(String)

    var text: String {
        var listen = #"["127.0.0.1:0"]"#
        var (state, limits, more) = (#""/var/lib/hookd""#, "", "")
        var (path, secrets, keys) = ("/c", #"[{"env": "GOOD"}]"#, "")
        var sinks = #""out": {"type": "stdout"}"#
        switch self {
        case .right, .endpoints, .endpoint: break
        case .whole(let text): return text
        case .listen(let text): listen = text
        case .stateDirectory(let text): state = text
        case .endpointPath(let text): path = text
        case .secrets(let text): secrets = text
        case .endpointKeys(let text): keys = text + ","
        case .sinks(let text): sinks = text
        case .forward(let text): sinks = #""out": {"type": "forward", \#(text)}"#
        case .limits(let text): limits = text
        case .more(let text): more = ", " + text
        }
        var endpoint = #"\#(keys) "secrets": \#(secrets), "sinks": ["out"]"#
        if case .endpoint(let text) = self { endpoint = text }
        var endpoints = #"{"\#(path)": {\#(endpoint)}}"#
        if case .endpoints(let text) = self { endpoints = text }
        return """
            {"listen": \(listen),
             "state_directory": \(state),
             "endpoints": \(endpoints),
             "sinks": {\(sinks)},
             "limits": {\(limits)}
             \(more)}
            """
    }

    /// Reads it as the file `hookd.json` of a directory that need not exist.
    func load(
        environment: [String: String] = [:], directory: String = "/etc/hookd", nowSeconds: Int64 = 1_800_000_000
    ) throws(ConfigurationErrors) -> Configuration {
        let environment = environment.merging(["GOOD": knownSecret, "EMPTY": "", "BLANK": " \n"]) { $1 }
        let reading = ConfigurationReading(
            file: directory + "/hookd.json", environment: environment, nowSeconds: nowSeconds)
        return try reading.configuration(from: Array(text.utf8))
    }

    /// What is wrong with it.
    func problems(environment: [String: String] = [:], directory: String = "/etc/hookd") -> [ConfigurationProblem] {
        do throws(ConfigurationErrors) {
            _ = try load(environment: environment, directory: directory)
            return []
        } catch {
            return error.problems
        }
    }
}
