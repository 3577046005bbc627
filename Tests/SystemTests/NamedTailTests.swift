// `hookd tail --as`: nothing is left out and nothing comes twice, whoever is killed.

import Foundation
import Glibc
import Testing

@Suite("Named tails") struct NamedTailTests {
    let home: DaemonHome

    init() throws { home = try DaemonHome() }

    /// Stores callbacks like no others. Returns their ids.
    @discardableResult
    private func store(_ count: Int, in daemon: DaemonProcess) throws -> [String] {
        try (0..<count).map { _ in
            let callback = try SignedCallback.unique()
            #expect(try daemon.post(callback).status == 200)
            return try callback.id
        }
    }

    private func ids(_ lines: [String]) throws -> [String] { try lines.map { try EventLine($0)["id"] ?? "" } }

    private func ids(_ text: String) throws -> [String] { try ids(wholeLines(of: Array(text.utf8))) }

    private func tail(_ more: String...) throws -> SpawnedProcess {
        try SpawnedProcess(
            try hookdExecutable(), ["tail", "--config", home.configurationPath] + more,
            environment: ["PATH": "/usr/bin:/bin"])
    }

    @Test("each run prints what came since the last") func runs() throws {
        let daemon = try DaemonProcess(in: home)
        try store(2, in: daemon)
        let new = try daemon.command("tail", "--as", "export")
        #expect(new.ending == .exited(0) && new.output.isEmpty && new.errors.contains("tail export is new"))
        let stored = try store(3, in: daemon)
        let first = try daemon.command("tail", "--as", "export")
        #expect(first.ending == .exited(0) && first.errors.isEmpty, "\(first.errors)")
        #expect(try ids(first.output) == stored)
        #expect(try daemon.command("tail", "--as", "export").output.isEmpty)
        #expect(try ids(daemon.command("tail", "--as", "since", "--since", "1h").output).count == 5)
        #expect(try ids(daemon.command("tail", "--as", "since", "--since", "1h").output).isEmpty)
        let none = try daemon.command("tail", "--as", "filtered", "--since", "1h", "--type", "opt_in")
        #expect(none.ending == .exited(0) && none.output.isEmpty)
        let row = try jsonObject(
            try #require(daemon.command("tails", "list", "--json").output.split(separator: "\n").dropFirst().first)
                .description)
        #expect(row["name"] as? String == "filtered" && row["backlog_events"] as? Int == 0, "passed over is taken, too")
    }

    @Test("killed, it goes on with what it had not acknowledged") func killed() throws {
        let daemon = try DaemonProcess(in: home)
        let before = try store(600, in: daemon)
        let first = try tail("--as", "export", "--since", "1h", "--follow")
        _ = try awaitLines(300, in: first.output)
        first.signal(SIGKILL)
        #expect(try first.wait() == .signalled(SIGKILL))
        let printed = try ids(first.output.toEnd())
        let after = try store(5, in: daemon)
        let second = try daemon.command("tail", "--as", "export")
        let rest = try ids(second.output)
        let all = before + after
        #expect(rest == Array(all.suffix(rest.count)), "in order, and to the end")
        let repeated = printed.count + rest.count - all.count
        #expect((0...256).contains(repeated), "\(printed.count) and then \(rest.count)")
        #expect(printed == Array(all.prefix(printed.count)))
        #expect(try daemon.command("tail", "--as", "export").output.isEmpty)
    }

    @Test("it waits for a daemon that is killed, and nothing comes twice") func daemonKilled() throws {
        let first = try DaemonProcess(in: home)
        let tail = try tail("--as", "export", "--follow", "--since", "1h")
        var stored = try store(20, in: first)
        _ = try awaitLines(20, in: tail.output)
        try first.kill()
        _ = try tail.errors.wait("word of the daemon's end") { $0.contains("the daemon went away") ? true : nil }
        let second = try DaemonProcess(in: home)
        stored += try store(20, in: second)
        _ = try awaitLines(40, in: tail.output)
        tail.signal(SIGINT)
        let end = try tail.finish()
        #expect(end.ending == .exited(0), "\(end.errors)")
        #expect(try ids(end.output) == stored)
        #expect(try second.command("tail", "--as", "export").output.isEmpty, "what was printed is acknowledged")
    }

    @Test("one reader for a name, and the next when it is gone") func exclusive() throws {
        let daemon = try DaemonProcess(in: home)
        let first = try tail("--as", "export", "--follow")
        _ = try poll("a tail that is being read") {
            try daemon.command("tails", "list").output.contains("being read") ? true : nil
        }
        let second = try daemon.command("tail", "--as", "export")
        #expect(second.ending == .exited(75) && second.errors.contains("tail export is being read"))
        let drop = try daemon.command("tails", "drop", "export")
        #expect(drop.ending == .exited(75) && drop.errors.contains("is being read"))
        #expect(try daemon.command("tail", "--as", "other").ending == .exited(0))
        first.signal(SIGTERM)
        #expect(try first.wait() == .exited(0))
        #expect(try daemon.command("tail", "--as", "export").ending == .exited(0))
    }

    @Test("a command is tried until it succeeds, and has what it needs to know") func exec() throws {
        let daemon = try DaemonProcess(in: home)
        let out = home.directory.file("out"), tried = home.directory.file("tried")
        let script = #"""
            if [ ! -e "\#(tried)" ]; then touch "\#(tried)"; exit 3; fi
            echo "$HOOKD_SEQUENCE $HOOKD_EVENT_ID $HOOKD_EVENT_TYPE $(cat | wc -c)" >> "\#(out)"
            """#
        let stored = try store(3, in: daemon)
        let run = try tail("--as", "crm", "--since", "1h", "--exec", script).finish()
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(run.errors.contains("event 0000000000000000001: the command exited with 3; again in 1 s"))
        let lengths = try awaitLines(3, in: home.eventsPath).map { $0.utf8.count + 1 }
        #expect(
            lines(of: out)
                == (0..<3).map {
                    "000000000000000000\($0 + 1) \(stored[$0]) com.sinch.conversation.message_inbound \(lengths[$0])"
                })
        #expect(try daemon.command("tail", "--as", "crm").output.isEmpty)
    }

    @Test("a command that fails keeps its event") func execInterrupted() throws {
        let daemon = try DaemonProcess(in: home)
        let stored = try store(2, in: daemon)
        let failing = try tail("--as", "crm", "--since", "1h", "--exec", "exit 1")
        _ = try failing.errors.wait("a failure") { $0.contains("exited with 1") ? true : nil }
        failing.signal(SIGTERM)
        #expect(try failing.wait() == .exited(0))
        #expect(try ids(daemon.command("tail", "--as", "crm").output) == stored)
    }

    @Test("a command without a name, and without a daemon") func execAlone() throws {
        let daemon = try DaemonProcess(in: home)
        let stored = try store(2, in: daemon)
        #expect(try daemon.stop() == .exited(0))
        let out = home.directory.file("out")
        #expect(try tail("--exec", "cat >> \(out)").wait() == .exited(0))
        #expect(try ids(lines(of: out)) == stored)
    }

    @Test("without a daemon, it says what to do") func noDaemon() throws {
        let daemon = try DaemonProcess(in: home)
        try store(1, in: daemon)
        #expect(try daemon.command("tail", "--as", "export", "--since", "1h").ending == .exited(0))
        #expect(try daemon.stop() == .exited(0))
        let alone = try daemon.command("tail", "--as", "export")
        #expect(alone.ending == .exited(69) && alone.errors.contains("Start it, or read without --as"))
        let list = try daemon.command("tails", "list")
        #expect(list.ending == .exited(0) && list.output.contains("tail export: has read all events"))
        #expect(try daemon.command("tails", "drop", "export").output == "1 tail dropped\n")
        #expect(try daemon.command("tails", "drop", "export").ending == .exited(1))
        #expect(try daemon.command("tails", "list").errors == "no named tails\n")
    }

    @Test("a reader that closes the pipe is no error, and names are shown") func pipe() throws {
        let daemon = try DaemonProcess(in: home)
        try store(3, in: daemon)
        let script = #"{ "$0" tail --follow --as export --since 1h --config "$1"; echo "status $?" >&2; } | head -n 1"#
        let shell = try SpawnedProcess(
            "/bin/sh", ["-c", script, hookdExecutable(), home.configurationPath],
            environment: ["PATH": "/usr/bin:/bin"]
        ).finish()
        #expect(wholeLines(of: Array(shell.output.utf8)).count == 1 && shell.errors.contains("status 0"))
        #expect(try daemon.command("status").output.contains("tail export: "))
        #expect(try daemon.admin("/metrics").text.contains(#"hookd_tail_lag_events{tail="export"}"#))
        let bad = try daemon.command("tail", "--as", "no/name")
        #expect(bad.ending == .exited(1) && bad.errors.contains("letters, digits"))
    }
}
