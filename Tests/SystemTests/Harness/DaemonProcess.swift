// A daemon: the directory that it lives in, its configuration, and the process.

import Foundation

/// What a test's daemon is configured with. Values are JSON.
struct Settings: Sendable {
    var listen = "127.0.0.1:0"
    /// Listeners besides, as objects.
    var listeners: [String] = []
    var stateDirectory = "state"
    var paths = ["/callbacks"]
    /// Names of files in the home.
    var secrets = ["secret"]
    /// Further keys of the endpoints.
    var endpoint: [String: String] = [:]
    var sinks = ["archive": #"{"type": "file", "path": "events.jsonl"}"#]
    var limits: [String: String] = [:]
    var logLevel = "info"
    /// Further keys at the top.
    var top: [String: String] = [:]

    var json: String {
        let secrets = secrets.map { #"{"file": "\#($0)"}"# }.joined(separator: ", ")
        let names = sinks.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        let keys = ["secrets": "[\(secrets)]", "sinks": "[\(names)]"].merging(endpoint) { $1 }
        let endpoints = Dictionary(uniqueKeysWithValues: paths.map { ($0, object(keys)) })
        let members = [
            "listen": "[" + (["\"\(listen)\""] + listeners).joined(separator: ", ") + "]",
            "state_directory": "\"\(stateDirectory)\"",
            "endpoints": object(endpoints), "sinks": object(sinks), "limits": object(limits),
            "log": object(["level": "\"\(logLevel)\""]),
        ]
        return object(members.merging(top) { $1 })
    }

    private func object(_ members: [String: String]) -> String {
        "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }
}

/// Where a daemon has its configuration, secret, state and files; it outlives the process.
final class DaemonHome: Sendable {
    /// The default secret. Found nowhere by chance.
    static let secret = "canary-4d7Qz0kLw9"

    let directory: TemporaryDirectory

    init(secret: String = DaemonHome.secret) throws {
        directory = try TemporaryDirectory()
        try directory.write(secret, to: "secret")
    }

    var configurationPath: String { directory.file("hookd.json") }
    var eventsPath: String { directory.file("events.jsonl") }
    var statePath: String { directory.file("state") }
    var databasePath: String { directory.file("state/hookd.db") }

    /// Starts a daemon that is expected to end by itself, and waits for that.
    func serveToEnd(_ settings: Settings = Settings()) throws -> (ending: Ending, output: String, errors: String) {
        try directory.write(settings.json, to: "hookd.json")
        return try hookd(["serve", "--config", configurationPath])
    }
}

/// A daemon that listens.
final class DaemonProcess: Sendable {
    let home: DaemonHome
    let process: SpawnedProcess
    let port: UInt16

    /// Starts a daemon and waits until it says where it listens.
    ///
    /// - Parameter sockets: what is handed over to it, as systemd does.
    init(
        in home: DaemonHome, _ settings: Settings = Settings(), environment: [String: String] = [:],
        readsOutput: Bool = true, sockets: [HandedSocket] = []
    ) throws {
        self.home = home
        try home.directory.write(settings.json, to: "hookd.json")
        process = try activate(
            ["serve", "--config", home.configurationPath], with: sockets, environment: environment,
            readsOutput: readsOutput)
        let found = try process.errors.wait("the line that says where hookd listens") { text in
            text.firstMatch(of: /hookd listening on 127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
        }
        guard let found else { throw Failure("hookd did not start: \(process.errors.text)") }
        port = found
    }

    /// Starts a daemon in a home of its own.
    convenience init(_ settings: Settings = Settings()) throws {
        try self.init(in: DaemonHome(), settings)
    }

    /// Ends it before its home goes, in which it would make files anew.
    deinit {
        process.signal(SIGKILL)
        _ = try? process.wait()
    }

    func connect() throws -> RawConnection { try RawConnection(port: port) }

    /// Sends one callback on a connection of its own.
    func post(_ callback: SignedCallback, path: String = "/callbacks") throws -> Answer {
        try connect().exchange(callback.request(path: path))
    }

    /// SIGTERM, and the wait for the end.
    func stop() throws -> Ending {
        process.signal(SIGTERM)
        return try process.wait()
    }

    /// SIGKILL, and the wait for the end.
    func kill() throws {
        process.signal(SIGKILL)
        _ = try process.wait()
    }
}
