// What is said of a configuration in force.

import Server
import Testing

@testable import Daemon

@Suite struct PostureTests {
    @Test func saysWhatIsInForceWithin80Columns() throws {
        let configuration = try ConfigurationText.whole(
            #"""
            {"listen": ["127.0.0.1:8080", "unix:/run/h\u001b[31m",
                        {"address": "[::]:8443", "dual_stack": true, "proxy_protocol": ["10.0.0.0/8", "2001:db8::/32"]},
                        {"address": "unix:/run/hookd/http.sock", "mode": "660",
                         "forwarded": {"header": "x-forwarded-for", "trusted": ["unix", "10.0.0.1"]}}],
             "state_directory": "/var/lib/hookd",
             "endpoints": {
               "/a": {"secrets": [{"env": "GOOD", "until": "2090-01-01T00:00:00Z"}, {"env": "NEW"}],
                      "sinks": ["crm", "out"]},
               "/b": {"secrets": [{"env": "NEW"}], "repeats": "refuse", "tolerance": "90s", "late": "refuse",
                      "allow": ["192.0.2.0/24", "::1", "unix"], "rate_limit": {"rate": 50}},
               "/c": {"secrets": [{"env": "NEW"}], "late": "accept", "late_window": "6h"}},
             "retention": {"age": "30d", "size": "10GB"},
             "sinks": {"out": {"type": "stdout"}, "log": {"type": "file", "path": "/x/y"},
                       "crm": {"type": "forward", "url": "https://crm.example.com/sinch"}}}
            """#
        ).load(environment: ["NEW": "another-secret"])
        #expect(
            configuration.posture == #"""
                listen 127.0.0.1:8080
                listen unix:/run/h\u001b[31m
                listen [::]:8443; IPv4 as well; a PROXY protocol header from 10.0.0.0/8,
                  2001:db8::/32
                listen unix:/run/hookd/http.sock; mode 0660; the client by x-forwarded-for from
                  10.0.0.1, unix
                state directory /var/lib/hookd
                endpoint /a: every callback is verified
                  secrets    2 secrets, any of which is accepted: env:GOOD until
                             2090-01-01T00:00:00Z, env:NEW
                  tolerance  5m in both directions
                  repeats    acknowledge (a repeat of a stored callback is answered 200)
                  late       quarantine (a callback outside the time window is answered 401 and
                             kept for the operator)
                  allow      everybody
                  rate limit none
                  sinks      crm, out
                endpoint /b: every callback is verified
                  secrets    1 secret: env:NEW
                  tolerance  90s in both directions
                  repeats    refuse (a repeat of a stored callback is answered 409)
                  late       refuse (a callback outside the time window is answered 401 and not
                             kept)
                  allow      192.0.2.0/24, ::1, unix (others are answered 403)
                  rate limit 50 a second of each client, 100 at once (more are answered 429)
                  sinks      none (events are stored only)
                endpoint /c: every callback is verified
                  secrets    1 secret: env:NEW
                  tolerance  5m in both directions
                  repeats    acknowledge (a repeat of a stored callback is answered 200)
                  late       accept (a callback of the last 6h that was never seen is stored,
                             whenever it comes)
                  allow      everybody
                  rate limit none
                  sinks      none (events are stored only)
                sink out: standard output
                sink log: file /x/y
                sink crm: forward to https://crm.example.com/sinch, 15s for an attempt, waiting
                  1s to 1m between attempts
                limits
                  requests   body 1MiB, headers 32KiB in 100 fields; 16MiB of requests in memory
                  clients    10000 connections, each for 1h
                  timeouts   10s for headers, 30s for a body, 75s idle, 20s to drain
                  nonces     16777216 in memory
                retention: events of 30d, at most 10GB; longer what a sink has yet to take
                admin on a Unix socket in the runtime or state directory, for its owner only
                log as journal or text, as suits stderr, from level info on

                """#)
    }

    @Test func saysWhichLimitsAreSet() throws {
        let configuration = try ConfigurationText.limits(
            #""connections_per_address": 20, "minimum_rate": "256B", "connection_age": "90s", "request_memory": "8MiB""#
        ).load()
        #expect(
            configuration.posture.contains(
                """
                limits
                  requests   body 1MiB, headers 32KiB in 100 fields; 8MiB of requests in memory
                  clients    10000 connections, 20 of one address, each for 90s
                  timeouts   10s for headers, 30s for a body, at least 256B a second, 75s idle,
                             20s to drain
                  nonces     16777216 in memory

                """))
    }

    @Test func breaksNoWordThatIsWiderThanATerminal() throws {
        let path = "/" + String(repeating: "a-name-that-somebody-copies/", count: 4) + "events.jsonl"
        let posture = try ConfigurationText.sinks(#""out": {"type": "file", "path": "\#(path)"}"#).load().posture
        #expect(posture.contains("sink out: file\n  \(path)\n"))
        #expect(posture.split(separator: "\n").filter { $0.count > 80 } == ["  \(path)"])
    }

    @Test func theStartLineNamesThePortsThatTheKernelChose() throws {
        let configuration = try ConfigurationText.endpoint(#""secrets": [{"env": "GOOD"}]"#).load()
        let listening: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 41_234), .tcp(host: "::1", port: 41_234)]
        #expect(
            configuration.startLine(listening: listening)
                == "hookd listening on 127.0.0.1:41234, [::1]:41234; endpoints /c; sinks out (stdout)")
    }
}
