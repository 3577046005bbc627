// What `hookd check --print` tells: every value, where it came from, and no secret.

import Testing

@testable import Daemon

@Suite("The values in force") struct EffectiveValuesTests {
    private static let text = ConfigurationText.whole(
        """
        {
          "listen": ["127.0.0.1:80", {"address": "[::]:80", "dual_stack": false}],
          "endpoints": {
            "/c": {"secrets": [{"env": "GOOD", "until": "2030-01-01T00:00:00Z"}], "tolerance": "1m", "sinks": []}
          },
          "sinks": {
            "crm": {
              "type": "forward", "url": "https://crm.example.com/in?token=\(knownSecret)",
              "headers": {"X-Token": "\(knownSecret)"}, "authorization": {"env": "GOOD"}
            },
            "archive": {"type": "file", "path": "events.jsonl", "rotate": {"age": "1d"}}
          },
          "limits": {}
        }
        """)

    private func lines(_ text: ConfigurationText) throws -> [String] {
        let configuration = try text.load(environment: ["STATE_DIRECTORY": "/var/lib/hookd"])
        return EffectiveValues(configuration).text.split(separator: "\n").map {
            String($0.replacing(#/ {2,}/#, with: "  "))
        }
    }

    @Test(
        "are told with where they came from",
        arguments: [
            (#"listen[0] = "127.0.0.1:80"  # /etc/hookd/hookd.json:2"#, "the file, and the line in it"),
            ("listen[1].dual_stack = false  # /etc/hookd/hookd.json:2", "a value that is the default, but written"),
            (#"state_directory = "/var/lib/hookd"  # environment variable STATE_DIRECTORY"#, "what systemd says"),
            ("endpoints./c.secrets[0] = (not shown)  # environment variable GOOD", "a secret's place"),
            (#"endpoints./c.secrets[0].until = "2030-01-01T00:00:00Z"  # /etc/hookd/hookd.json:4"#, "its end"),
            (#"endpoints./c.tolerance = "1m"  # /etc/hookd/hookd.json:4"#, "another value than the default"),
            (#"endpoints./c.late = "quarantine"  # default"#, "a default"),
            ("endpoints./c.sinks = []  # /etc/hookd/hookd.json:4", "an empty list"),
            (#"sinks.crm.url = "https://crm.example.com/in?…"  # /etc/hookd/hookd.json:8"#, "no query"),
            ("sinks.crm.headers.X-Token = (not shown)  # /etc/hookd/hookd.json:9", "no header's value"),
            (#"sinks.crm.retry.initial = "1s"  # default"#, "a default within an object that is not there"),
            (#"sinks.archive.path = "/etc/hookd/events.jsonl"  # /etc/hookd/hookd.json:11"#, "a path, resolved"),
            ("sinks.archive.rotate.keep = 7  # default", "a default within an object that is there"),
            (#"limits.body = "1MiB"  # default"#, "of an empty object"),
            (#"retention.age = "7d"  # default"#, "of none"),
        ]) func values(_ line: String, _ why: String) throws
    {
        #expect(try lines(Self.text).contains(line), "\(why)")
    }

    @Test("hold no secret, and nothing of what is switched off") func secrecy() throws {
        let text = try lines(Self.text).joined(separator: "\n")
        #expect(!text.contains(knownSecret))
        // Without `batch` there is none, so its keys have no values.
        #expect(!text.contains("batch.") && !text.contains("rate_limit"))
    }
}
