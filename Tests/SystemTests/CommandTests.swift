// The commands as scripts use them: what they print, and the status that they end with.

import Foundation
import Glibc
import Testing

@Suite("The commands' exit statuses") struct CommandTests {
    @Test("--version prints a version") func version() throws {
        let run = try hookd(["--version"])
        #expect(run.ending == .exited(0))
        #expect(run.output.wholeMatch(of: #/\d+\.\d+\.\d+\S*\n/#) != nil, "\(run.output)")
    }

    @Test(
        "--help of each command prints its usage",
        arguments: [
            "serve", "check", "send", "tail", "tails", "status", "health", "reload", "dead-letters", "quarantine",
            "replay", "backup", "store", "selftest",
        ])
    func help(_ command: String) throws {
        let run = try hookd([command, "--help"])
        #expect(run.ending == .exited(0) && run.errors.isEmpty)
        #expect(run.output.contains("USAGE: hookd \(command) ") && run.output.contains("EXAMPLES"))
    }

    @Test(
        "wrong usage ends with 64",
        arguments: [
            ["serv"], ["serve", "--port", "1"], ["send"], ["send", "ftp://127.0.0.1/x"], ["tail", "--lines", "-1"],
            ["tail", "--as", "x", "--lines", "1"], ["tail", "--admin", "unix:/x"], ["tails", "drop"],
            ["send", "http://127.0.0.1:1/callbacks"], ["tail", "--type", "mesage_inbound"], ["tail", "--type", ""],
            ["send", "http://127.0.0.1:1/callbacks", "--secret-env", "UNSET"],
        ])
    func wrongUsage(_ arguments: [String]) throws {
        let run = try hookd(arguments)
        #expect(run.ending == .exited(64), "\(run.errors)")
        #expect(run.output.isEmpty && !run.errors.isEmpty)
    }

    @Test("check: 0, and what is in force; 78 for what serve refuses") func check() throws {
        let home = try DaemonHome()
        try home.directory.write(Settings().json, to: "hookd.json")
        let good = try hookd(["check", "--config", home.configurationPath])
        #expect(good.ending == .exited(0))
        #expect(good.output.contains("endpoint /callbacks"))
        #expect(!good.output.contains(DaemonHome.secret))
        #expect(!FileManager.default.fileExists(atPath: home.statePath), "it only looks")
        let missing = try hookd(["check", "--config", home.directory.file("missing.json")])
        #expect(missing.ending == .exited(78))
        #expect(missing.errors.contains("missing.json"))
        #expect(try hookd(["serve", "--config", home.directory.file("missing.json")]).ending == .exited(78))
    }

    private func send(to port: UInt16, in home: DaemonHome, _ more: String...) throws -> (
        ending: Ending, output: String, errors: String
    ) {
        try hookd(
            ["send", "http://127.0.0.1:\(port)/callbacks", "--secret-file", home.directory.file("secret")] + more)
    }

    @Test("send: 0 stored, 1 refused, 69 nobody there, 75 try again") func send() throws {
        let daemon = try DaemonProcess(), home = daemon.home
        let stored = try send(to: daemon.port, in: home)
        #expect(stored.ending == .exited(0))
        #expect(stored.output.hasPrefix("200 ") && stored.output.contains(#""status":"stored""#))
        try home.directory.write("another", to: "wrong")
        let wrong = try hookd(
            ["send", "http://127.0.0.1:\(daemon.port)/callbacks", "--secret-file", home.directory.file("wrong")])
        #expect(wrong.ending == .exited(1))
        #expect(wrong.output.hasPrefix("401 "))
        try setFileSizeLimit(0, ofProcess: daemon.process.pid)
        #expect(try send(to: daemon.port, in: home).ending == .exited(75))
        try daemon.kill()
        let nobody = try send(to: daemon.port, in: home)
        #expect(nobody.ending == .exited(69))
        #expect(nobody.errors.contains("127.0.0.1:\(daemon.port)"))
    }

    @Test(
        "send --fault: the daemon stands every one",
        arguments: [
            "replay", "stale", "future", "forged", "truncated", "moved-border", "reused-nonce", "missing-signature",
            "wrong-secret", "unknown-algorithm",
        ])
    func faults(_ fault: String) throws {
        let daemon = try DaemonProcess()
        let run = try send(to: daemon.port, in: daemon.home, "--fault", fault)
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
        #expect(run.output.hasSuffix("\nas expected\n"))
    }

    @Test("tail: the stored events as lines, with the daemon and without") func tail() throws {
        let daemon = try DaemonProcess(Settings(sinks: RoundTripTests.sinks))
        for _ in 0..<15 { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
        let written = try awaitLines(15, in: daemon.home.eventsPath)
        let beside = try hookd(["tail", "--config", daemon.home.configurationPath])
        #expect(beside.ending == .exited(0))
        #expect(wholeLines(of: Array(beside.output.utf8)) == Array(written.suffix(10)))
        #expect(try daemon.stop() == .exited(0))
        let alone = try hookd(["tail", "--state-directory", daemon.home.statePath, "--lines", "100"])
        #expect(wholeLines(of: Array(alone.output.utf8)) == written)
        let nowhere = try hookd(["tail", "--state-directory", daemon.home.directory.file("nowhere")])
        #expect(nowhere.ending == .exited(1))
        #expect(nowhere.errors.contains("nowhere"))
    }

    @Test("tail --follow: events as they are stored, and a silent end when nobody reads") func follow() throws {
        let daemon = try DaemonProcess()
        let old = try SignedCallback.unique(), new = try SignedCallback.unique()
        #expect(try daemon.post(old).status == 200)
        let tail = try SpawnedProcess(
            try hookdExecutable(), ["tail", "--follow", "--config", daemon.home.configurationPath])
        #expect(try EventLine(awaitLines(1, in: tail.output)[0]).holds(old.body))
        #expect(try daemon.post(new).status == 200)
        #expect(try EventLine(awaitLines(2, in: tail.output)[1]).holds(new.body))
        let run = try SpawnedProcess(
            "/bin/sh",
            [
                "-c", #"{ "$0" tail --follow --config "$1"; echo "status $?" >&2; } | head -n 1"#, hookdExecutable(),
                daemon.home.configurationPath,
            ], environment: ["PATH": "/usr/bin:/bin"]
        ).finish()
        #expect(wholeLines(of: Array(run.output.utf8)).count == 1)
        #expect(run.errors == "status 0\n")
    }
}
