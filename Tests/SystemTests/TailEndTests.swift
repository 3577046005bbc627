// `hookd tail`: how it ends, what it waits for, and what it refuses to begin with.

import Foundation
import Glibc
import Testing

@Suite("How a tail ends") struct TailEndTests {
    let home: DaemonHome

    init() throws { home = try DaemonHome() }

    private func store(_ count: Int, in daemon: DaemonProcess) throws {
        for _ in 0..<count { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
    }

    private func tail(_ more: [String], stdout: String? = nil) throws -> SpawnedProcess {
        try SpawnedProcess(
            try hookdExecutable(), ["tail", "--config", home.configurationPath] + more,
            environment: ["PATH": "/usr/bin:/bin"], stdout: stdout)
    }

    /// A tail that inherits a signal as ignored.
    private func tail(ignoring signal: String, _ more: [String]) throws -> SpawnedProcess {
        try SpawnedProcess(
            "/usr/bin/env",
            ["--ignore-signal=\(signal)", hookdExecutable(), "tail", "--config", home.configurationPath] + more,
            environment: ["PATH": "/usr/bin:/bin"])
    }

    /// A command that writes the event's number, and takes the first event until `letGo`.
    private func holdingCommand() throws -> String {
        #expect(mkfifo(home.directory.file("gate"), 0o600) == 0)
        let gate = home.directory.file("gate"), out = home.directory.file("out")
        return "echo $HOOKD_SEQUENCE >> '\(out)'; if [ -p '\(gate)' ]; then cat '\(gate)'; rm '\(gate)'; fi; "
            + "echo done >> '\(out)'"
    }

    private func letGo() throws {
        close(
            try poll("a command that waits") {
                let gate = open(home.directory.file("gate"), O_WRONLY | O_NONBLOCK)
                return gate >= 0 ? gate : nil
            })
    }

    /// What the command of `holdingCommand` writes of events.
    private func taken(_ sequences: ClosedRange<Int>) -> [String] {
        sequences.flatMap { [String(format: "%019d", $0), "done"] }
    }

    @Test("a name is not free while its last events are being worked on") func nameIsHeld() throws {
        let daemon = try DaemonProcess(in: home)
        try store(4, in: daemon)
        let out = home.directory.file("out")
        let first = try tail(["--as", "crm", "--since", "1h", "--exec", try holdingCommand()])
        _ = try awaitLines(1, in: out)
        let second = try daemon.command("tail", "--as", "crm")
        #expect(second.ending == .exited(75) && second.output.isEmpty, "\(second.output)\(second.errors)")
        #expect(try daemon.command("tails", "drop", "crm").ending == .exited(75))
        try letGo()
        #expect(try first.wait() == .exited(0))
        #expect(lines(of: out) == taken(1...4))
        #expect(try daemon.command("tail", "--as", "crm").output.isEmpty)
    }

    @Test("over HTTP the end comes when everything is acknowledged, what was passed over included") func end() throws {
        let daemon = try DaemonProcess(in: home)
        try store(2, in: daemon)
        #expect(try daemon.post(SignedCallback(#"{"app_id":"A","opt_in_notification":{}}"#)).status == 200)
        #expect(try daemon.admin("/tails", body: #"{"name":"x","since":"2000-01-01T00:00:00Z"}"#).status == 200)
        let stream = try StreamReader(daemon, "/tails/x/events?live=false&type=message_inbound")
        #expect(try stream.next(2).count == 2)
        #expect(try stream.next() == SentEvent(id: "0000000000000000003"))
        for sequence in 1...3 {
            #expect(try StreamReader(daemon, "/tails/x/events").head.status == 409, "before \(sequence)")
            #expect(
                try daemon.admin("/tails/x/acknowledge", body: #"{"sequence":\#(sequence)}"#).status == 200)
        }
        #expect(try stream.next() == SentEvent(type: "end"))
        #expect(try stream.next() == nil)
    }

    @Test("a failure is one, though what started the tail ignores how children end") func ignoredChildren() throws {
        let daemon = try DaemonProcess(in: home)
        try store(1, in: daemon)
        let tried = home.directory.file("tried")
        let script = "if [ ! -e '\(tried)' ]; then touch '\(tried)'; exit 3; fi"
        let run = try tail(ignoring: "CHLD", ["--exec", script]).finish()
        #expect(run.ending == .exited(0) && run.errors.contains("the command exited with 3"), "\(run.errors)")
    }

    @Test(
        "a signal ends it with 0",
        arguments: [SIGINT, SIGTERM, SIGHUP], [["--lines", "1"], ["--as", "x", "--since", "1h"]])
    func signals(_ signal: Int32, _ more: [String]) throws {
        let daemon = try DaemonProcess(in: home)
        try store(1, in: daemon)
        let tail = try tail(["--follow"] + more)
        _ = try awaitLines(1, in: tail.output)
        tail.signal(signal)
        #expect(try tail.wait() == .exited(0))
    }

    @Test("a signal waits for the command that runs", arguments: [[], ["--as", "x", "--since", "1h"]])
    func waits(_ more: [String]) throws {
        let daemon = try DaemonProcess(in: home)
        try store(2, in: daemon)
        let out = home.directory.file("out")
        let tail = try tail(["--exec", try holdingCommand()] + more)
        _ = try awaitLines(1, in: out)
        tail.signal(SIGTERM)
        try letGo()
        #expect(try tail.wait() == .exited(0))
        #expect(lines(of: out) == taken(1...1))
    }

    @Test("what nohup has it ignore does not end it") func nohup() throws {
        let daemon = try DaemonProcess(in: home)
        try store(1, in: daemon)
        let tail = try tail(ignoring: "HUP", ["--follow"])
        _ = try awaitLines(1, in: tail.output)
        tail.signal(SIGHUP)
        try store(1, in: daemon)
        _ = try awaitLines(2, in: tail.output)
        tail.signal(SIGTERM)
        #expect(try tail.wait() == .exited(0))
    }

    @Test("a signal ends it where nobody reads what it prints", arguments: [[], ["--as", "x"]])
    func stuck(_ more: [String]) throws {
        let daemon = try DaemonProcess(in: home)
        let text = String(repeating: "x", count: 300_000)
        #expect(try daemon.post(SignedCallback(#"{"text":"\#(text)"}"#)).status == 200)
        let pipe = home.directory.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let reading = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        let tail = try tail(["--since", "1h"] + more, stdout: pipe)
        #expect(wait(for: POLLIN, on: reading, until: Deadline()))
        tail.signal(SIGTERM)
        #expect(try tail.wait() == .exited(0))
    }

    @Test(
        "a type that does not exist is refused, with the one that was meant",
        arguments: [[], ["--as", "x"], ["--follow"], ["--exec", "true"]])
    func unknownType(_ more: [String]) throws {
        for type in ["mesage_inbound", "opt_in,mesage_inbound", "com.sinch.conversation.mesage_inbound"] {
            let run = try tail(["--type", type] + more).finish()
            #expect(run.ending == .exited(64) && run.output.isEmpty)
            #expect(run.errors.contains(#"did you mean "message_inbound"?"#), "\(run.errors)")
        }
    }

    @Test("every type that there is can be asked for, and several") func types() throws {
        let daemon = try DaemonProcess(in: home)
        try store(1, in: daemon)
        #expect(try daemon.post(SignedCallback(#"{"app_id":"A","opt_in_notification":{}}"#)).status == 200)
        #expect(try daemon.post(SignedCallback(#"{"app_id":"A"}"#)).status == 200)
        for (type, count) in [("opt_in", 1), ("unknown", 1), ("opt_in,unknown", 2), ("invalid_json", 0)] {
            for more in [[], ["--as", type.replacing(",", with: "-"), "--since", "1h"]] {
                let run = try tail(["--type", type] + more).finish()
                #expect(run.ending == .exited(0) && wholeLines(of: Array(run.output.utf8)).count == count, "\(type)")
            }
        }
        for target in ["/events?type=mesage_inbound", "/tails/opt_in/events?type=mesage_inbound"] {
            let answer = try daemon.admin(target)
            #expect(answer.status == 400 && answer.text.contains("message_inbound"), "\(answer.text)")
        }
    }
}
