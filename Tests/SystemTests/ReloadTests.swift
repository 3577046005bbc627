// Another configuration under a running daemon: in force as a whole, or refused as a whole.

import Foundation
import Testing

@Suite("hookd reload") struct ReloadTests {
    private func rewrite(_ home: DaemonHome, _ settings: Settings) throws {
        try home.directory.write(settings.json, to: "hookd.json")
    }

    /// The settings that a daemon was started with have the port that the kernel chose for 0.
    private let settings = Settings(secrets: ["secret"])

    @Test("a new secret is taken, and an old one refused, without a connection being lost") func secrets() throws {
        let daemon = try DaemonProcess(settings)
        let connection = try daemon.connect()
        #expect(try connection.exchange(SignedCallback.unique().request()).status == 200)
        func new() throws -> SignedCallback { try SignedCallback(#"{"n":"\#(freshNonce())"}"#, secret: "new-secret") }
        #expect(try connection.exchange(new().request()).status == 401)
        try daemon.home.directory.write("new-secret", to: "new")
        try rewrite(daemon.home, Settings(secrets: ["secret", "new"]))
        let reload = try daemon.command("reload")
        #expect(
            reload.ending == .exited(0)
                && reload.output == "the new configuration is in force: endpoint /callbacks changed (secrets)\n",
            "\(reload.errors)")
        #expect(try connection.exchange(new().request()).status == 200)
        #expect(try connection.exchange(SignedCallback.unique().request()).status == 200)

        try rewrite(daemon.home, Settings(secrets: ["new"]))
        let answer = try daemon.command("reload", "--json").output
        #expect(answer == #"{"status":"in force","changes":["endpoint /callbacks changed (secrets)"]}"# + "\n")
        #expect(
            try daemon.command("reload").output
                == "the new configuration is in force; the file says what it said before\n")
        #expect(try connection.exchange(SignedCallback.unique().request()).status == 401)
        // What was counted before is not forgotten.
        let metrics = try MetricLines(daemon.admin("/metrics").text)
        #expect(metrics[#"hookd_callbacks_total{endpoint="/callbacks",outcome="stored"}"#] == 3)
        #expect(metrics[#"hookd_callbacks_total{endpoint="/callbacks",outcome="forged"}"#] == 2)
        #expect(try storedEvents(in: daemon.home).count == 3)
    }

    @Test("SIGHUP does the same, and tells the log") func signal() throws {
        let daemon = try DaemonProcess(settings)
        try rewrite(daemon.home, Settings(endpoint: ["repeats": "\"refuse\""], logLevel: "notice"))
        daemon.process.signal(SIGHUP)
        _ = try daemon.process.errors.wait("the verdict") { $0.contains("is in force") ? true : nil }
        let callback = try SignedCallback.unique()
        #expect(try daemon.post(callback).status == 200)
        #expect(try daemon.post(callback).status == 409)
        let configuration = try #require(try daemon.status()["configuration"] as? [String: Any])
        #expect((configuration["last_reload"] as? [String: Any])?["succeeded"] as? Bool == true)
    }

    @Test("the log's level follows") func level() throws {
        let daemon = try DaemonProcess(settings)
        try rewrite(daemon.home, Settings(logLevel: "error"))
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(try daemon.post(SignedCallback("{}", secret: "wrong")).status == 401)
        try rewrite(daemon.home, Settings(logLevel: "info"))
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(try daemon.post(SignedCallback("{}", nonce: "a.b")).status == 401)
        #expect(try daemon.stop() == .exited(0))
        let log = try daemon.process.errors.toEnd()
        #expect(log.contains("outcome=malformed") && !log.contains("outcome=forged"))
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let settings: Settings, names: String, why: String
        var testDescription: String { why }
    }

    @Test(
        "refused as a whole",
        arguments: [
            Refusal(settings: Settings(secrets: ["new", "missing"]), names: "secrets[1]", why: "a secret is missing"),
            Refusal(
                settings: Settings(stateDirectory: "other", secrets: ["new"]), names: "state_directory",
                why: "another store"),
            Refusal(
                settings: Settings(listen: "127.0.0.1:1", secrets: ["new"]), names: "listen[0]", why: "another address"),
            Refusal(
                settings: Settings(secrets: ["new"], top: ["admin": #"{"listen": "unix:/tmp/x.sock"}"#]),
                names: "admin.listen", why: "another admin listener"),
            Refusal(
                settings: Settings(
                    secrets: ["new"], sinks: ["archive": #"{"type": "file", "path": "/proc/none/events.jsonl"}"#]),
                names: "sinks.archive.path", why: "a file that cannot be written, beside a secret that is right"),
            Refusal(
                settings: Settings(
                    secrets: ["new"],
                    sinks: ["archive": #"{"type": "file", "path": "events.jsonl"}"#, "crm": #"{"type": "forward"}"#]),
                names: "sinks.crm.url", why: "half a sink"),
        ]) func refused(_ refusal: Refusal) throws
    {
        let home = try DaemonHome()
        try home.directory.write("new-secret", to: "new")
        let daemon = try DaemonProcess(in: home, settings)
        try rewrite(home, refusal.settings)
        // The new file may name another state directory, where nobody has left word.
        let reload = try hookd(["reload", "--admin", "unix:\(home.adminPath)"])
        #expect(reload.ending == .exited(78) && reload.output.isEmpty)
        #expect(reload.errors.contains(refusal.names), "\(reload.errors)")
        #expect(try daemon.post(SignedCallback.unique()).status == 200, "the old secret is in force")
        #expect(try daemon.post(SignedCallback("{}", secret: "new-secret")).status == 401, "and the new one is not")
        #expect(daemon.process.errors.text.contains("the old configuration stays in force"))
        let metrics = try MetricLines(daemon.admin("/metrics").text)
        #expect(metrics["hookd_config_last_reload_successful"] == 0)
        let status = try hookd(["status", "--admin", "unix:\(home.adminPath)"])
        #expect(status.output.contains("reload refused at ") && status.output.contains(": the old configuration"))
        // Set right, it is as if nothing had been.
        try rewrite(home, settings)
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(try MetricLines(daemon.admin("/metrics").text)["hookd_config_last_reload_successful"] == 1)
    }

    @Test("leaves no file behind when it is refused") func nothingNew() throws {
        let home = try DaemonHome()
        // A program that runs cannot be opened to be written to, which is not known before that is tried.
        let program = home.directory.file("program")
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
        let running = try SpawnedProcess(program, ["600"])
        defer { running.signal(SIGKILL) }
        let archive = #""archive": {"type": "file", "path": "events.jsonl"}"#
        let sinks = #"\#(archive), "one": {"type": "file", "path": "one.jsonl"}"#
        let daemon = try DaemonProcess(in: home)
        func found() -> Set<String> {
            Set(files(under: home.directory.path).filter { !$0.hasPrefix(home.statePath) })
        }
        let before = found()
        func reload(_ sinks: String) throws -> (ending: Ending, output: String, errors: String) {
            try rewrite(home, Settings(sinks: ["archive": ""], top: ["sinks": "{\(sinks)}"]))
            return try daemon.command("reload")
        }
        let refused = try reload(#"\#(sinks), "two": {"type": "file", "path": "program"}"#)
        #expect(refused.ending == .exited(78) && refused.errors.contains("Text file busy"), "\(refused.errors)")
        #expect(found() == before)
        #expect(try reload(sinks).ending == .exited(0))
        #expect(found().subtracting(before) == [home.directory.file("one.jsonl")])
    }

    @Test("a shorter window holds at once, and so does one that is longer than at the start") func tolerance() throws {
        let daemon = try DaemonProcess(settings)
        func old() throws -> SignedCallback {
            try SignedCallback(#"{"n":"\#(freshNonce())"}"#, timestamp: String(time(nil) - 100))
        }
        #expect(try daemon.post(old()).status == 200)
        try rewrite(daemon.home, Settings(endpoint: ["tolerance": "\"10s\""]))
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(try daemon.post(old()).status == 401)
        try rewrite(daemon.home, settings)
        #expect(try daemon.command("reload").ending == .exited(0))
        let callback = try old()
        #expect(try daemon.post(callback).status == 200)
        func older() throws -> SignedCallback {
            try SignedCallback(#"{"n":"\#(freshNonce())"}"#, timestamp: String(time(nil) - 1000))
        }
        #expect(try daemon.post(older()).status == 401)
        try rewrite(daemon.home, Settings(endpoint: ["tolerance": "\"1h\""]))
        #expect(try daemon.command("reload").ending == .exited(0))
        let late = try older()
        #expect(try daemon.post(late).status == 200)
        for repeated in [late, callback] {
            #expect(try daemon.post(repeated).text.contains("duplicate"), "what is stored is not new")
        }
    }

    @Test("another reserve and other bounds of the quarantine hold at once") func retention() throws {
        let daemon = try DaemonProcess(settings)
        func reload(_ keys: String) throws {
            try rewrite(daemon.home, Settings(top: ["retention": keys]))
            let run = try daemon.command("reload")
            #expect(run.ending == .exited(0), "\(run.errors)")
        }
        func fresh() throws -> SignedCallback { try SignedCallback(#"{"n":"\#(freshNonce())"}"#) }
        func quarantined(after count: Int) throws -> Int {
            for _ in 0..<count {
                let late = try SignedCallback(#"{"n":"\#(freshNonce())"}"#, timestamp: "1700000000")
                #expect(try daemon.post(late).status == 401)
            }
            return try daemon.command("quarantine", "list", "--json").output.split(separator: "\n").count
        }
        #expect(try daemon.post(fresh()).status == 200)
        #expect(try quarantined(after: 3) == 3)
        // As much as no disk has.
        try reload(#"{"reserve": "1000000GiB"}"#)
        #expect(try daemon.post(fresh()).status == 503)
        try reload(#"{"quarantine": 2}"#)
        #expect(try daemon.post(fresh()).status == 200)
        #expect(try quarantined(after: 1) == 2)
        try reload(#"{"quarantine_size": "1MiB"}"#)
        #expect(try quarantined(after: 2) == 4)
    }

    @Test("callbacks that come meanwhile are all answered") func load() throws {
        let daemon = try DaemonProcess(settings)
        let clients = LoadClients(4, port: daemon.port)
        try clients.awaitAcknowledged(50)
        for index in 0..<5 {
            try rewrite(daemon.home, Settings(endpoint: ["tolerance": "\"\(100 + index)s\""]))
            #expect(try daemon.command("reload").ending == .exited(0))
        }
        try clients.awaitAcknowledged(100)
        #expect(try daemon.stop() == .exited(0))
        let results = try clients.finish()
        #expect(results.surprises.isEmpty && results.refusedCount == 0)
        #expect(try storedEvents(in: daemon.home).count >= results.acknowledged.count)
    }
}
