// What hookd refuses to start with, and how it says so.

import Foundation
import Testing

@Suite("A daemon that cannot keep its promise does not start") struct StartTests {
    /// B9: a configuration without its half must never mean "no verification".
    struct Mistake: CustomTestStringConvertible, Sendable {
        let why: String, text: String, key: String
        var testDescription: String { why }

        /// - Parameter key: what the error must name.
        init(_ why: String, names key: String, _ text: String) {
            (self.why, self.key, self.text) = (why, key, text)
        }

        init(_ why: String, names key: String, endpoint: String) {
            self.init(
                why, names: key,
                #"{"listen": ["127.0.0.1:0"], "state_directory": "state", "endpoints": {"/callbacks": \#(endpoint)}}"#)
        }
    }

    static let mistakes: [Mistake] = [
        .init("an empty file", names: "hookd.json", ""),
        .init("half a file", names: "hookd.json", #"{"listen": ["127.0.0.1:0"], "endpoints""#),
        .init("an empty object", names: "endpoints", "{}"),
        .init("a list", names: "hookd.json", "[]"),
        .init(
            "no endpoint", names: "endpoints",
            #"{"listen": ["127.0.0.1:0"], "state_directory": "state", "endpoints": {}}"#),
        .init("an empty endpoint", names: "secrets", endpoint: "{}"),
        .init("null for an endpoint", names: "endpoints./callbacks", endpoint: "null"),
        .init("no secrets", names: "secrets", endpoint: #"{"secrets": []}"#),
        .init("null for secrets", names: "secrets", endpoint: #"{"secrets": null}"#),
        .init("an empty secret", names: "secrets[0]", endpoint: #"{"secrets": [{}]}"#),
        .init("a secret file that is empty", names: "secrets[0]", endpoint: #"{"secrets": [{"file": "empty"}]}"#),
        .init(
            "a secret file with only a newline", names: "secrets[0]", endpoint: #"{"secrets": [{"file": "newline"}]}"#),
        .init("a secret file that is missing", names: "secrets[0]", endpoint: #"{"secrets": [{"file": "missing"}]}"#),
        .init(
            "a second secret that is missing", names: "secrets[1]",
            endpoint: #"{"secrets": [{"file": "secret"}, {"file": "missing"}]}"#),
        .init("a variable that is not set", names: "secrets[0]", endpoint: #"{"secrets": [{"env": "UNSET_SECRET"}]}"#),
        .init("a variable that is empty", names: "secrets[0]", endpoint: #"{"secrets": [{"env": "EMPTY_SECRET"}]}"#),
        .init("the secret itself", names: "secrets", endpoint: #"{"secrets": ["canary-4d7Qz0kLw9"]}"#),
        .init("env: as part of a text", names: "secrets", endpoint: #"{"secrets": ["env:SINCH_SECRET"]}"#),
        .init("a misspelt key", names: "secret", endpoint: #"{"secret": [{"file": "secret"}]}"#),
        .init(
            "a key of another program", names: "verify",
            endpoint: #"{"secrets": [{"file": "secret"}], "verify": false}"#),
        .init(
            "a window of a day", names: "tolerance", endpoint: #"{"secrets": [{"file": "secret"}], "tolerance": "24h"}"#
        ),
        .init(
            "a window without a unit", names: "tolerance",
            endpoint: #"{"secrets": [{"file": "secret"}], "tolerance": 300}"#),
        .init(
            "a sink that is not there", names: "sinks",
            endpoint: #"{"secrets": [{"file": "secret"}], "sinks": ["crm"]}"#),
        .init(
            "a key twice", names: "secrets",
            endpoint: #"{"secrets": [{"file": "secret"}], "secrets": [{"file": "secret"}]}"#),
        .init(
            "an address that is none", names: "listen",
            #"{"listen": ["here"], "state_directory": "s", "endpoints": {"/c": {"secrets": [{"file": "secret"}]}}}"#
        ),
        .init(
            "no state directory", names: "state_directory",
            #"{"listen": ["127.0.0.1:0"], "endpoints": {"/c": {"secrets": [{"file": "secret"}]}}}"#),
    ]

    @Test("a configuration with", arguments: mistakes) func refusedConfiguration(_ mistake: Mistake) throws {
        let directory = try TemporaryDirectory()
        for (name, text) in [
            ("secret", DaemonHome.secret), ("empty", ""), ("newline", "\n"), ("hookd.json", mistake.text),
        ] {
            try directory.write(text, to: name)
        }
        for command in ["serve", "check"] {
            let run = try hookd([command, "--config", directory.file("hookd.json")], environment: ["EMPTY_SECRET": ""])
            #expect(run.ending == .exited(78), "\(command): \(run.errors)")
            #expect(run.errors.contains(mistake.key), "\(command): \(run.errors)")
            #expect(!run.errors.contains("listening") && run.output.isEmpty)
            #expect(!run.errors.contains(DaemonHome.secret))
        }
        #expect(!FileManager.default.fileExists(atPath: directory.file("state")), "nothing was created")
    }

    @Test("all errors are told at once") func allAtOnce() throws {
        let home = try DaemonHome()
        let settings = Settings(
            listen: "nowhere", secrets: ["missing"], sinks: ["a b": #"{"type": "carrier pigeon"}"#],
            limits: ["body": "\"a lot\""])
        let run = try home.serveToEnd(settings)
        #expect(run.ending == .exited(78))
        for key in ["listen[0]", "secrets[0]", "sinks.", "limits.body"] {
            #expect(run.errors.contains(key), "\(key): \(run.errors)")
        }
    }

    @Test("a second daemon on the same state directory names the first") func secondDaemon() throws {
        let first = try DaemonProcess()
        let run = try first.home.serveToEnd()
        #expect(run.ending == .exited(1))
        #expect(run.errors.contains("process id \(first.process.pid)"), "\(run.errors)")
        #expect(run.errors.contains(first.home.statePath))
        // The first has not suffered.
        #expect(try first.post(SignedCallback.unique()).status == 200)
        #expect(try first.stop() == .exited(0))
        // Nor is a lock left behind by one that was killed.
        try DaemonProcess(in: first.home).kill()
        #expect(try DaemonProcess(in: first.home).stop() == .exited(0))
    }

    @Test("a port that is taken") func takenPort() throws {
        let first = try DaemonProcess()
        let run = try DaemonHome().serveToEnd(Settings(listen: "127.0.0.1:\(first.port)"))
        #expect(run.ending == .exited(1))
        #expect(
            run.errors.contains("127.0.0.1:\(first.port)") && run.errors.contains("nother program"), "\(run.errors)")
    }

    @Test("a state directory below a file") func unwritableState() throws {
        let home = try DaemonHome()
        let run = try home.serveToEnd(Settings(stateDirectory: "secret/state"))
        #expect(run.ending == .exited(78) || run.ending == .exited(1))
        #expect(run.errors.contains("secret/state"), "\(run.errors)")
    }

    /// SIGTERM in the very moment that the daemon says it is there: it must not end it half-way.
    @Test("a stop right after the start is an orderly one") func stopAtOnce() throws {
        for _ in 0..<10 { #expect(try DaemonProcess().stop() == .exited(0)) }
    }

    /// `LimitFSIZE=` of systemd, set too low: a clear error, and not the signal that ends a process by default.
    @Test("a limit on the size of files") func fileSizeLimit() throws {
        let home = try DaemonHome()
        try home.directory.write(Settings().json, to: "hookd.json")
        let run = try SpawnedProcess(
            "/bin/sh",
            ["-c", "ulimit -f 0; exec \"$0\" serve --config \"$1\"", hookdExecutable(), home.configurationPath]
        ).finish()
        #expect(run.ending == .exited(1))
        #expect(run.errors.contains(home.statePath), "\(run.errors)")
    }

    /// What somebody may have done to the database's file.
    enum Damage: String, CaseIterable, Sendable {
        case garbage, firstPageGarbage, truncatedToHalfAPage, anotherProgram, newerSchema, directory
    }

    @Test("a database that is damaged or not ours", arguments: Damage.allCases) func damage(_ damage: Damage) throws {
        let home = try DaemonHome()
        let daemon = try DaemonProcess(in: home)
        for _ in 0..<50 { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
        #expect(try daemon.stop() == .exited(0))
        try apply(damage, to: home)
        let before = contents(of: home.databasePath)

        let run = try home.serveToEnd()
        #expect(run.ending == .exited(1), "\(damage): \(run.errors)")
        #expect(run.errors.contains(home.databasePath), "\(run.errors)")
        #expect(!run.errors.contains("listening"))
        #expect(contents(of: home.databasePath) == before, "it is left as it was")
    }

    private func apply(_ damage: Damage, to home: DaemonHome) throws {
        let whole = contents(of: home.databasePath)
        try #require(whole.count > 20_000)
        let garbage = [UInt8](repeating: 0xA5, count: 16_384)
        switch damage {
        case .garbage: try home.directory.write(garbage, to: "state/hookd.db")
        case .firstPageGarbage: try home.directory.write(garbage + whole[16_384...], to: "state/hookd.db")
        case .truncatedToHalfAPage: try home.directory.write(Array(whole[..<8192]), to: "state/hookd.db")
        case .newerSchema: try execute("PRAGMA user_version = 99", on: home.databasePath)
        case .anotherProgram, .directory:
            for file in files(under: home.statePath) { try FileManager.default.removeItem(atPath: file) }
            if damage == .anotherProgram {
                try execute("CREATE TABLE bookmarks (url TEXT)", on: home.databasePath)
            } else {
                try FileManager.default.createDirectory(
                    atPath: home.databasePath, withIntermediateDirectories: false)
            }
        }
    }
}
