// Dead letters, quarantine, replay and backup: by commands, beside a running daemon and without one.

import Foundation
import Glibc
import Testing

@Suite("Operator commands") struct OperatorTests {
    /// A daemon that has quarantined some callbacks.
    private func quarantining(_ count: Int) throws -> (DaemonProcess, [SignedCallback]) {
        let daemon = try DaemonProcess()
        let callbacks = try (0..<count).map {
            try SignedCallback(#"{"late":\#($0),"esc":"\u001b"}"#, timestamp: "1700000000")
        }
        for callback in callbacks { #expect(try daemon.post(callback).status == 401) }
        return (daemon, callbacks)
    }

    /// Puts dead letters into the store of a daemon that does not run: its first events, given up on by `archive`.
    private func bury(_ count: Int, in home: DaemonHome) throws {
        try execute(
            """
            INSERT INTO dead_letters (sink, sequence, id, attempts, status, error, buried_at)
            SELECT 'archive', sequence, id, 3, 410, char(27) || '[31mgone', recorded_at FROM events
            ORDER BY sequence LIMIT \(count)
            """, on: home.databasePath)
    }

    @Test("quarantine: listed, shown, released, dropped", arguments: [true, false]) func quarantine(
        _ isRunning: Bool
    ) throws {
        let (daemon, callbacks) = try quarantining(3)
        if !isRunning { #expect(try daemon.stop() == .exited(0)) }
        let list = try daemon.command("quarantine", "list")
        #expect(list.ending == .exited(0) && list.output.contains("signed 2023-11-14T22:13:20Z, came 1 time"))
        let rows = try daemon.command("quarantine", "list", "--json").output.split(separator: "\n").map {
            try jsonObject(String($0))
        }
        #expect(rows.map { $0["number"] as? Int } == [1, 2, 3])
        #expect(rows.first?["endpoint"] as? String == "/callbacks")

        let shown = try daemon.command("quarantine", "show", "2", "--json")
        let event = try #require(try jsonObject(shown.output)["event"] as? [String: Any])
        #expect(try event["id"] as? String == callbacks[1].id)
        let people = try daemon.command("quarantine", "show", "2")
        #expect(try people.output.contains(callbacks[1].id) && !people.output.contains("\u{1B}"))
        let missing = try daemon.command("quarantine", "show", "9")
        #expect(missing.ending == .exited(1) && missing.errors.contains("no callback 9 in quarantine"))

        let released = try daemon.command("quarantine", "release", "2", "9")
        #expect(released.output == "1 callback released\n")
        #expect(released.ending == .exited(1) && released.errors.contains("one number was not there"))
        #expect(try storedEvents(in: daemon.home).map(\.body) == [callbacks[1].body])
        if isRunning { #expect(try awaitLines(1, in: daemon.home.eventsPath)[0].contains(callbacks[1].id)) }
        #expect(try daemon.command("quarantine", "drop", "1").output == "1 callback dropped\n")

        let asked = try daemon.command("quarantine", "drop", "--all")
        #expect(asked.ending == .exited(64) && asked.errors.contains("--yes"))
        #expect(try daemon.command("quarantine", "drop", "--all", "--yes").output == "1 callback dropped\n")
        let empty = try daemon.command("quarantine", "list")
        #expect(empty.ending == .exited(0) && empty.output.isEmpty && empty.errors == "the quarantine is empty\n")
    }

    @Test("dead letters: listed, shown, released, dropped", arguments: [true, false]) func deadLetters(
        _ isRunning: Bool
    ) throws {
        let home = try DaemonHome()
        let first = try DaemonProcess(in: home)
        let callbacks = try (0..<4).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try first.post(callback).status == 200) }
        #expect(try first.stop() == .exited(0))
        try bury(4, in: home)
        let daemon = isRunning ? try DaemonProcess(in: home) : first

        let list = try daemon.command("dead-letters", "list")
        #expect(list.ending == .exited(0) && list.output.contains("3 attempts, last answer 410: \\u001b[31mgone"))
        #expect(try daemon.command("dead-letters", "list", "--sink", "other").output.isEmpty)
        let rows = try daemon.command("dead-letters", "list", "--json").output.split(separator: "\n").map {
            try jsonObject(String($0))
        }
        #expect(rows.map { $0["number"] as? Int } == [1, 2, 3, 4])
        #expect(try rows.map { $0["id"] as? String } == callbacks.map { try $0.id })
        let shown = try daemon.command("dead-letters", "show", "2", "--json")
        let event = try #require(try jsonObject(shown.output)["event"] as? [String: Any])
        #expect(event["sequence"] as? String == "0000000000000000002")
        if isRunning {
            let metrics = try MetricLines(daemon.admin("/metrics").text)
            #expect(metrics[#"hookd_dead_letters{sink="archive"}"#] == 4)
            #expect(try daemon.command("status").output.contains("4 dead letters: hookd dead-letters list"))
        }

        #expect(try daemon.command("dead-letters", "release", "1").output == "1 dead letter released\n")
        let dropped = try daemon.command("dead-letters", "drop", "2", "--json")
        #expect(dropped.output == #"{"dropped":1,"missing":0}"# + "\n")
        let twice = try daemon.command("dead-letters", "release", "1", "2")
        #expect(twice.ending == .exited(1) && twice.errors.contains("2 numbers were not there"))
        #expect(try daemon.command("dead-letters", "drop", "--all", "--sink", "other", "--yes").output.hasPrefix("0 "))
        #expect(try daemon.command("dead-letters", "release", "--all").ending == .exited(64))
        #expect(
            try daemon.command("dead-letters", "release", "--all", "--yes").output == "2 dead letters released\n")
        #expect(try daemon.command("dead-letters", "list").errors == "no dead letters\n")
    }

    @Test("more rows than come at once are all listed") func pieces() throws {
        let home = try DaemonHome()
        let first = try DaemonProcess(in: home)
        #expect(try first.post(SignedCallback.unique()).status == 200)
        #expect(try first.stop() == .exited(0))
        try execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
            INSERT INTO dead_letters (sink, sequence, id, attempts, error, buried_at)
            SELECT 'sink' || i, 1, x'00', 1, 'x', 0 FROM n
            """, on: home.databasePath)
        let daemon = try DaemonProcess(in: home)
        let lines = try daemon.command("dead-letters", "list", "--json").output.split(separator: "\n")
        #expect(try lines.map { try jsonObject(String($0))["number"] as? Int } == (1...250).map { $0 })
    }

    @Test("replay counts before it queues, and queues each event once") func replay() throws {
        let daemon = try DaemonProcess(Settings(sinks: ["archive": #"{"type": "file", "path": "events.jsonl"}"#]))
        let callbacks = try (0..<3).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        _ = try awaitLines(3, in: daemon.home.eventsPath)
        func replay(_ more: String...) throws -> (ending: Ending, output: String, errors: String) {
            try hookd(["replay", "--config", daemon.home.configurationPath, "--sink", "archive"] + more)
        }
        // The durable cursor follows a moment later.
        let all = try poll("a cursor behind all three") {
            let run = try replay("--all", "--dry-run")
            return run.output.hasPrefix("3 ") ? run : nil
        }
        #expect(all.output == "3 events would be delivered to archive again\n")
        #expect(try replay("--since", "1h", "--dry-run").output.hasPrefix("3 "))
        #expect(try replay("--until", "2026-01-01T00:00:00Z", "--dry-run").output.hasPrefix("0 "))
        #expect(try replay("--type", "message_inbound", "--dry-run").output.hasPrefix("3 "))
        #expect(try replay("--type", "com.sinch.conversation.message_inbound", "--dry-run").output.hasPrefix("3 "))
        #expect(try replay("--type", "message_delivery", "--dry-run").output.hasPrefix("0 "))
        let mistyped = try daemon.admin("/replay", body: #"{"sink":"archive","type":"mesage_inbound"}"#)
        #expect(mistyped.status == 400 && mistyped.text.contains("one of message_inbound"), "\(mistyped.text)")
        #expect(try replay("--id", callbacks[1].id.uppercased(), "--dry-run").output.hasPrefix("1 "))
        #expect(try replay("--id", callbacks[1].id).output == "1 event found, 1 newly queued for archive\n")
        let unknown = try hookd(
            ["replay", "--config", daemon.home.configurationPath, "--sink", "crm\u{1B}", "--all"])
        #expect(unknown.ending == .exited(1) && unknown.errors.contains("no sink \"crm\\u001b\""))
        #expect(try replay().ending == .exited(64))
        #expect(try replay("--all", "--since", "1h").ending == .exited(64))
    }

    @Test("backup: a store of its own, made whole, and never over another file", arguments: [true, false])
    func backup(_ isRunning: Bool) throws {
        let daemon = try DaemonProcess()
        let callbacks = try (0..<3).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        if !isRunning { #expect(try daemon.stop() == .exited(0)) }
        let path = daemon.home.directory.file("backup/hookd.db")
        try FileManager.default.createDirectory(
            atPath: daemon.home.directory.file("backup"), withIntermediateDirectories: true)
        let run = try daemon.command("backup", path)
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(run.output == "copied to \(path)\n")
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let tail = try hookd(["tail", "--state-directory", daemon.home.directory.file("backup")])
        #expect(
            try tail.output.split(separator: "\n").map { try EventLine(String($0))["id"] }
                == callbacks.map { try $0.id })
        let again = try daemon.command("backup", path)
        #expect(again.ending == .exited(1) && again.errors.contains("overwrites none"))
    }

    @Test("a daemon that cannot be asked is not gone around") func locked() throws {
        let daemon = try DaemonProcess()
        try FileManager.default.removeItem(atPath: daemon.home.directory.file("state/hookd.admin"))
        let run = try daemon.command("quarantine", "drop", "--all", "--yes")
        #expect(run.ending == .exited(69) && run.errors.contains("\(daemon.process.pid)"))
    }

    @Test("a configured address where nobody answers leaves the store to the command", arguments: ["unix", "tcp"])
    func configured(_ kind: String) throws {
        let home = try DaemonHome()
        try home.directory.write("0123456789abcdef", to: "token")
        let admin =
            kind == "unix"
            ? #"{"listen": "unix:\#(home.directory.file("a.sock"))"}"#
            : #"{"listen": "127.0.0.1:1", "token": {"file": "token"}}"#
        let first = try DaemonProcess(in: home)
        #expect(try first.post(SignedCallback(#"{"late":1}"#, timestamp: "1700000000")).status == 401)
        #expect(try first.stop() == .exited(0))
        try home.directory.write(Settings(top: ["admin": admin]).json, to: "hookd.json")
        let list = try first.command("quarantine", "list")
        #expect(list.ending == .exited(0) && list.output.hasPrefix("1  "), "\(list.errors)")
        #expect(try first.command("status").ending == .exited(69))
    }

    @Test("a store that is not there is not made") func nothing() throws {
        let home = try DaemonHome()
        let run = try hookd(["quarantine", "list", "--state-directory", home.statePath])
        #expect(run.ending == .exited(1) && run.errors.contains(home.statePath))
        #expect(!FileManager.default.fileExists(atPath: home.statePath))
    }
}
