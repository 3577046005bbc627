// The log as systemd's journal gets it, through the library that speaks to it.

import Foundation
import Testing

@Suite("The journal of systemd") struct JournalTests {
    /// Runs hookd where the journal's socket is `journal`, in a mount namespace of its own.
    private func serve(_ home: DaemonHome, journal: DatagramSocket) throws -> SpawnedProcess {
        let script = """
            mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && ln -s "$1" /run/systemd/journal/socket &&
                exec "$0" serve --config "$2"
            """
        try home.directory.write(Settings(top: ["log": #"{"format": "journal"}"#]).json, to: "hookd.json")
        return try SpawnedProcess(
            "/usr/bin/unshare",
            ["-m", "/bin/sh", "-c", script, hookdExecutable(), journal.path, home.configurationPath],
            environment: ["PATH": "/usr/bin:/bin"])
    }

    @Test(
        "gets messages with their fields, and the last before the end",
        .enabled(if: StoreFailureTests.canMount, "needs root, to put a socket in the journal's place")) func fields()
        throws
    {
        let home = try DaemonHome()
        let journal = try DatagramSocket("journal", in: home.directory)
        let daemon = try serve(home, journal: journal)
        let port = try journal.wait("where it listens") { said in
            said.lazy.compactMap { $0.firstMatch(of: #/MESSAGE=hookd listening on 127\.0\.0\.1:(\d+)/#) }.first
                .flatMap { UInt16($0.1) }
        }
        let forged = try SignedCallback("{}", secret: "wrong")
        #expect(try RawConnection(port: port).exchange(forged.request()).status == 401)
        let entry = try journal.wait("the refusal") { said in said.first { $0.contains("HOOKD_OUTCOME=forged\n") } }
        let fields = entry.split(separator: "\n")
        for field in [
            "PRIORITY=4", "SYSLOG_IDENTIFIER=hookd", "HOOKD_ENDPOINT=/callbacks", "HOOKD_KIND=callback_forged",
        ] {
            #expect(fields.contains(Substring(field)), "\(field): \(entry)")
        }
        #expect(fields.contains { $0.hasPrefix("MESSAGE_ID=") } && fields.contains { $0.hasPrefix("HOOKD_PEER=127.") })
        daemon.signal(SIGTERM)
        #expect(try daemon.wait() == .exited(0))
        #expect(journal.all.last?.hasPrefix("MESSAGE=hookd stopped\n") ?? false)
        #expect(daemon.errors.text.isEmpty)
    }

    static let isAway = access("/run/systemd/journal/socket", F_OK) != 0

    @Test("is not there: its lines go to stderr", .enabled(if: isAway, "needs a machine without journald"))
    func away() throws {
        let daemon = try DaemonProcess(Settings(top: ["log": #"{"format": "journal"}"#]))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        #expect(try daemon.stop() == .exited(0))
        #expect(daemon.process.errors.text.contains("hookd stopped"))
    }
}
