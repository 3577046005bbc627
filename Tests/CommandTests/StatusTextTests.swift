// The status as people see it.

import Foundation
import Testing

@testable import hookd

@Suite("The status for people") struct StatusTextTests {
    private func text(_ json: String, coloured: Bool = false) throws -> String {
        StatusText(try JSONDecoder().decode(DaemonStatus.self, from: Data(json.utf8)), coloured: coloured).text
    }

    private func status(
        problem: String = "null", endpoints: String = "", sinks: String = "", reload: String = "null",
        quarantined: Int = 0, certificates: String = ""
    ) -> String {
        """
        {"version":"1.2.3","pid":7,"started":"2026-01-01T00:00:00.250Z","uptime_seconds":3725,"problem":\(problem),
         "listeners":[{"address":"127.0.0.1:8080","tls":false,"certificates":[]},
                      {"address":"[::]:443","tls":true,"certificates":[\(certificates)]}],
         "endpoints":[\(endpoints)],"sinks":[\(sinks)],
         "store":{"events":1,"bytes":123456789,"free_bytes":null,"quarantined":\(quarantined)},
         "configuration":{"file":"c","last_reload":\(reload)}}
        """
    }

    private let crm = """
        {"name":"crm","type":"forward","backlog_events":3,"lag_seconds":7200.5,"redeliveries":2,"dead_letters":1,
         "paused":true,"failing_since":"2026-01-01T01:00:04.999Z","last_error":"\\u001b[2Jno answer"}
        """

    @Test("all is well") func well() throws {
        let endpoint = """
            {"path":"/c","outcomes":{"forged":2,"stored":5,"duplicate":0,"late":0},"last_event":"2026-01-01T00:00:00Z"}
            """
        let archive = """
            {"name":"a","type":"file","backlog_events":0,"lag_seconds":0,"redeliveries":0,"dead_letters":0,
             "paused":false}
            """
        #expect(
            try text(status(endpoints: endpoint, sinks: archive)) == """
                hookd 1.2.3, process 7, up 1 h 2 min: stores callbacks
                listens on 127.0.0.1:8080, [::]:443 (TLS)

                endpoint /c: last event 1 h 2 min ago, at 2026-01-01T00:00:00Z
                  5 stored, 0 duplicate, 2 forged

                sink a (file): has all events

                store: 1 event in 123.4 MB

                """)
    }

    @Test("trouble is said, with what to do, and nothing from outside reaches the terminal") func trouble() throws {
        let reload = #"{"at":"2026-01-01T00:00:00Z","refusal":"c:1: found x\nc:2: found y"}"#
        let shown = try text(status(problem: #""the disk is full""#, sinks: crm, reload: reload, quarantined: 4))
        for words in [
            "DOES NOT STORE CALLBACKS", "  the disk is full\n", "reload refused at 2026-01-01T00:00:00Z: the old",
            "  c:1: found x\n  c:2: found y\n",
            "sink crm (forward): 3 events behind, the oldest for 2 h, 2 to take again; PAUSED\n",
            "  failing for 2 min 1 s: \\u001b[2Jno answer\n", "  1 dead letter: hookd dead-letters list --sink crm\n",
            "  4 in quarantine: hookd quarantine list\n",
        ] {
            #expect(shown.contains(words), "\(words)")
        }
        #expect(!shown.contains("\u{1B}"))
    }

    /// The daemon's clock says 01:02:05 on the first of January.
    @Test(
        "times are told as ages by the daemon's own clock",
        arguments: [
            ("null", "no event since the start"),
            (#""2026-01-01T01:02:03.9Z""#, "last event 2 s ago, at 2026-01-01T01:02:03.9Z"),
            (#""2026-01-01T01:02:06.1Z""#, "last event 0 s ago, at 2026-01-01T01:02:06.1Z"),
        ])
    func ages(_ lastEvent: String, _ said: String) throws {
        let endpoint = #"{"path":"/c","outcomes":{"stored":1},"last_event":\#(lastEvent)}"#
        #expect(try text(status(endpoints: endpoint)).contains("endpoint /c: \(said)\n"))
    }

    @Test(
        "a certificate is told of when it ends soon, or has ended",
        arguments: [
            ("2026-01-15T01:02:06Z", nil), ("2026-01-15T01:02:04Z", "ends in 13 d 23 h"),
            ("2026-01-01T01:02:05Z", "ENDED 0 s ago"), ("2025-12-31T01:02:05Z", "ENDED 1 d ago"),
        ])
    func certificates(_ end: String, _ said: String?) throws {
        let shown = try text(status(certificates: #"{"source":"/c.pem","names":[],"not_after":"\#(end)"}"#))
        #expect(shown.contains("/c.pem") == (said != nil))
        if let said { #expect(shown.contains("  /c.pem: the certificate \(said)\n")) }
    }

    @Test("no line is longer than 80 columns, unless it is one word") func width() throws {
        let problem = "\"" + String(repeating: "the disk is full ", count: 20) + "\""
        let shown = try text(status(problem: problem, sinks: crm), coloured: true)
        for line in shown.split(separator: "\n") {
            let plain = line.replacing("\u{1B}[31;1m", with: "").replacing("\u{1B}[0m", with: "")
            #expect(plain.count <= 80, "\(plain)")
        }
        #expect(shown.contains("\u{1B}[31;1mPAUSED\u{1B}[0m"))
    }

    @Test(
        "durations and sizes are short",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min 59 s"), (90_000, "1 d 1 h"), (86_460, "1 d"),
        ])
    func durations(_ seconds: Int, _ text: String) { #expect(StatusText.duration(Double(seconds)) == text) }

    @Test("sizes", arguments: [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (81_988_771_840, "81.9 GB")])
    func sizes(_ bytes: Int, _ text: String) { #expect(StatusText.size(bytes) == text) }

    @Test(
        "a moment is a time or an age",
        arguments: [("2026-12-01T00:00:00Z", true), ("90s", true), ("1d", true), ("yesterday", false), ("", false)])
    func moments(_ text: String, _ isMoment: Bool) { #expect((Moment(argument: text) != nil) == isMoment) }
}
