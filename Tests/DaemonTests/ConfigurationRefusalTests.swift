// Half-written configurations: each is refused, with the path of the key that is wrong and nothing else.

import Testing

@testable import Daemon

@Suite("A half-written configuration is refused") struct ConfigurationRefusalTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: ConfigurationText, path: String, found: String, why: String
        var testDescription: String { why }
        init(_ text: ConfigurationText, _ path: String, found: String, _ why: String) {
            (self.text, self.path, self.found, self.why) = (text, path, found, why)
        }
    }

    static let whole: [Case] = [
        .init(.whole(""), "", found: "the end of the file in column 1", "an empty file"),
        .init(.whole("[]"), "", found: "an empty list", "a list for an object"),
        .init(.whole("{} {}"), "", found: "\"{\" in column 4", "two documents in one file"),
        .init(.more(#""log": {"level": "info"},"#), "", found: "\"}\" in column 29", "a comma before the last brace"),
        .init(.more(#""timeout": 5"#), "timeout", found: "an unknown key", "an unknown key"),
        .init(.more(#""Listen": []"#), "Listen", found: "an unknown key", "a key in the wrong case"),
        .init(.more(#""limits": {}"#), "limits", found: "this key a second time, after line 5", "a key twice"),
        .init(.more(#""$schema": 1"#), "$schema", found: "1", "a schema that is no text"),
        .init(.more(#""retention": {"age": "7"}"#), "retention.age", found: "\"7\"", "no unit"),
        .init(.more(#""retention": {"age": "1s"}"#), "retention.age", found: "\"1s\"", "gone before anyone looks"),
        .init(.more(#""retention": {"size": "1KB"}"#), "retention.size", found: "\"1KB\"", "less than a log"),
        .init(.more(#""retention": {"reserve": "9KB"}"#), "retention.reserve", found: "\"9KB\"", "less than a log"),
        .init(
            .more(#""retention": {"quarantine": 0}"#), "retention.quarantine", found: "0", "late: refuse is for that"),
        .init(
            .more(#""retention": {"quarantine_size": 9}"#), "retention.quarantine_size", found: "9", "without a unit"),
        .init(.more(#""retention": {"days": 7}"#), "retention.days", found: "an unknown key", "no such bound"),
        .init(.more(#""retention": "7d""#), "retention", found: "\"7d\"", "a text for an object"),
        .init(.more(#""log": {"level": "verbose"}"#), "log.level", found: "\"verbose\"", "no such level"),
        .init(.more(#""log": {"format": "syslog"}"#), "log.format", found: "\"syslog\"", "no such format"),
        .init(.more(#""log": "debug""#), "log", found: "\"debug\"", "a text for an object"),
        .init(.stateDirectory("7"), "state_directory", found: "7", "a number for a path"),
        .init(.stateDirectory(#""""#), "state_directory", found: "\"\"", "an empty path"),
    ]

    static let listen: [Case] = [
        .init(.listen("[]"), "listen", found: "an empty list", "nowhere to listen"),
        .init(.listen(#""127.0.0.1:80""#), "listen", found: "\"127.0.0.1:80\"", "no list"),
        .init(.listen("null"), "listen", found: "null", "null is not absent"),
        .init(.listen("[8080]"), "listen[0]", found: "8080", "a number"),
        .init(.listen(#"["127.0.0.1:1", ":80"]"#), "listen[1]", found: "\":80\"", "no host: all of them, or none?"),
        .init(.listen(#"["127.0.0.1:1", "127.0.0.1:1"]"#), "listen[1]", found: "\"127.0.0.1:1\"", "twice the same"),
        .init(.listen(#"["systemd:"]"#), "listen[0]", found: "\"systemd:\"", "no name behind the colon"),
        .init(.listen(#"["systemd", "systemd"]"#), "listen[1]", found: "\"systemd\"", "all sockets twice"),
        .init(
            .listen(#"[{"address": "systemd:web", "mode": "0660"}]"#), "listen[0].mode", found: "\"0660\"",
            "the permissions are the socket unit's"),
        .init(
            .listen(#"[{"address": "systemd:web", "dual_stack": true}]"#), "listen[0].dual_stack", found: "true",
            "and so are the families"),
        .init(
            .listen(#"[{"address": "127.0.0.1:1", "tls": {}}]"#), "listen[0].tls.certificates", found: "nothing",
            "encryption without a certificate"),
    ]

    static let endpoints: [Case] = [
        .init(.endpoints("{}"), "endpoints", found: "an empty object", "no endpoint"),
        .init(.endpoints("[]"), "endpoints", found: "an empty list", "a list"),
        .init(.endpoints(#"{"/c": null}"#), "endpoints./c", found: "null", "an endpoint of nothing"),
        .init(.endpoints(#"{"/c": {}}"#), "endpoints./c.secrets", found: "nothing", "an empty block is not open"),
        .init(.endpointPath("c"), "endpoints.c", found: "\"c\"", "no slash"),
        .init(.endpointPath("/c?x=1"), #"endpoints."/c?x=1""#, found: "\"/c?x=1\"", "a query"),
        .init(.endpointPath("/%63"), #"endpoints."/%63""#, found: "\"/%63\"", "would never be matched"),
        .init(.endpointPath("/a/../c"), #"endpoints."/a/../c""#, found: "\"/a/../c\"", "a dot segment"),
        .init(
            .endpoints(#"{"/c": {"secrets": [{"env": "GOOD"}]}, "/c": {"secrets": [{"env": "GOOD"}]}}"#),
            "endpoints./c", found: "this key a second time, after line 3", "one endpoint twice"),
        .init(
            .endpoint(#""secrets": [{"env": "GOOD"}], "sinks": ["uot"]"#), "endpoints./c.sinks[0]", found: "\"uot\"",
            "a sink that is not there"),
        .init(
            .endpoint(#""secrets": [{"env": "GOOD"}], "sinks": ["out", "out"]"#), "endpoints./c.sinks[1]",
            found: "\"out\"", "every event twice"),
        .init(
            .endpoint(#""secrets": [{"env": "GOOD"}], "sinks": "out""#), "endpoints./c.sinks", found: "\"out\"",
            "a text for a list"),
        .init(
            .endpoint(#""secret": [{"env": "GOOD"}], "secrets": [{"env": "GOOD"}]"#), "endpoints./c.secret",
            found: "an unknown key", "a key misspelt beside the right one"),
        .init(
            .endpointKeys(#""verify": false"#), "endpoints./c.verify", found: "an unknown key",
            "no way to verify nothing"),
        .init(.endpointKeys(#""tolerance": 300"#), "endpoints./c.tolerance", found: "300", "no unit"),
        .init(.endpointKeys(#""tolerance": "0s""#), "endpoints./c.tolerance", found: "\"0s\"", "nothing is fresh"),
        .init(.endpointKeys(#""tolerance": "-5m""#), "endpoints./c.tolerance", found: "\"-5m\"", "negative"),
        .init(.endpointKeys(#""tolerance": "2h""#), "endpoints./c.tolerance", found: "\"2h\"", "longer than an hour"),
        .init(
            .endpointKeys(#""tolerance": "1500ms""#), "endpoints./c.tolerance", found: "\"1500ms\"",
            "timestamps are in seconds"),
        .init(.endpointKeys(#""repeats": "allow""#), "endpoints./c.repeats", found: "\"allow\"", "no such answer"),
        .init(.endpointKeys(#""late": "keep""#), "endpoints./c.late", found: "\"keep\"", "no such treatment"),
        .init(
            .endpointKeys(#""late_window": "32d""#), "endpoints./c.late_window", found: "\"32d\"",
            "longer than a month"),
        .init(
            .endpointKeys(#""late_window": "1500ms""#), "endpoints./c.late_window", found: "\"1500ms\"",
            "timestamps are in seconds"),
    ]

    static let secrets: [Case] = [
        .init(.secrets("[]"), "endpoints./c.secrets", found: "an empty list", "nothing to verify with"),
        .init(.secrets("null"), "endpoints./c.secrets", found: "null", "nothing to verify with"),
        .init(.secrets("{}"), "endpoints./c.secrets", found: "an empty object", "an object for a list"),
        .init(
            .secrets("[\"\(knownSecret)\"]"), "endpoints./c.secrets[0]", found: "a string (not shown)",
            "a secret written down"),
        .init(.secrets(#"["env:GOOD"]"#), "endpoints./c.secrets[0]", found: "a string (not shown)", "no such form"),
        .init(
            .secrets("\"\(knownSecret)\""), "endpoints./c.secrets", found: "a string (not shown)",
            "a secret written down"),
        .init(.secrets("[{}]"), "endpoints./c.secrets[0]", found: "no source", "from nowhere"),
        .init(
            .secrets(#"[{"until": "2090-01-01T00:00:00Z"}]"#), "endpoints./c.secrets[0]", found: "no source",
            "from nowhere"),
        .init(
            .secrets("[{\"value\": \"\(knownSecret)\"}]"), "endpoints./c.secrets[0].value", found: "an unknown key",
            "no such source"),
        .init(
            .secrets(#"[{"env": "GOOD", "file": "x"}]"#), "endpoints./c.secrets[0]",
            found: "several sources, env and file", "from two places"),
        .init(
            .secrets(#"[{"env": "NONE"}]"#), "endpoints./c.secrets[0]", found: "no environment variable NONE",
            "not set"),
        .init(
            .secrets("[{\"env\": \"kn0wn_secret\"}]"), "endpoints./c.secrets[0]",
            found: "no environment variable of that name (not shown)", "a secret in place of a name"),
        .init(
            .secrets(#"[{"env": "EMPTY"}]"#), "endpoints./c.secrets[0]", found: "an empty environment variable EMPTY",
            "empty"),
        .init(
            .secrets(#"[{"env": "BLANK"}]"#), "endpoints./c.secrets[0]",
            found: "environment variable BLANK, which holds nothing but white space", "as good as empty"),
        .init(
            .secrets("[{\"env\": \"\(knownSecret)\"}]"), "endpoints./c.secrets[0].env", found: "a string (not shown)",
            "no name of a variable"),
        .init(.secrets(#"[{"env": ["GOOD"]}]"#), "endpoints./c.secrets[0].env", found: "a list", "a list"),
        .init(
            .secrets(#"[{"env": "GOOD"}, {"env": ""}]"#), "endpoints./c.secrets[1].env", found: "a string (not shown)",
            "the second of two"),
        .init(
            .secrets(#"[{"file": "/nonexistent/secret"}]"#), "endpoints./c.secrets[0]",
            found: #"file "/nonexistent/secret", which cannot be read: No such file or directory"#, "no such file"),
        .init(
            .secrets(#"[{"file": "/"}]"#), "endpoints./c.secrets[0]",
            found: #"file "/", which cannot be read: Is a directory"#, "a directory"),
        .init(
            .secrets(#"[{"file": "/dev/null"}]"#), "endpoints./c.secrets[0]",
            found: #"file "/dev/null", which is empty"#,
            "an empty file"),
        .init(
            .secrets(#"[{"file": "/dev/zero"}]"#), "endpoints./c.secrets[0]",
            found: #"file "/dev/zero", which has more than 4098 bytes"#, "a file without end"),
        .init(
            .secrets(#"[{"credential": "sinch"}]"#), "endpoints./c.secrets[0]",
            found: #"credential "sinch", but $CREDENTIALS_DIRECTORY is not set"#
                + " (systemd sets it for a unit with LoadCredential=)",
            "not started by systemd"),
        .init(
            .secrets(#"[{"credential": "../shadow"}]"#), "endpoints./c.secrets[0].credential",
            found: "a string (not shown)", "a way out of the directory"),
        .init(
            .secrets(#"[{"env": "GOOD", "until": "tomorrow"}]"#), "endpoints./c.secrets[0].until",
            found: "\"tomorrow\"", "no time"),
        .init(
            .secrets(#"[{"env": "GOOD", "until": "2026-02-29T00:00:00Z"}]"#), "endpoints./c.secrets[0].until",
            found: "\"2026-02-29T00:00:00Z\"", "no such day"),
        .init(
            .secrets(#"[{"env": "GOOD", "until": "2026-12-01T00:00:00+01:00"}]"#), "endpoints./c.secrets[0].until",
            found: "\"2026-12-01T00:00:00+01:00\"", "not UTC"),
    ]

    /// To Swift a sign with an accent behind it is another character than the sign. To the kernel it is not.
    static let accents: [Case] = [
        .init(
            .secrets(#"[{"credential": "../\u0301x"}]"#), "endpoints./c.secrets[0].credential",
            found: "a string (not shown)", "a way out of the directory behind an accent"),
        .init(
            .listen(#"["localhost:\u030180"]"#), "listen[0]", found: "\"localhost:\u{301}80\"", "an accent in a port"),
        .init(
            .forward("\"url\": \"https://me:\(knownSecret)@\u{301}x/\""), "sinks.out.url",
            found: "a URL with a user name or password (not shown)", "a password in a URL, and an accent"),
        .init(
            .forward("\"url\": \"ftp://x/?\u{301}\(knownSecret)\""), "sinks.out.url", found: "\"ftp://x/?…\"",
            "a query in a URL, and an accent"),
    ]

    static let sinks: [Case] = [
        .init(.sinks(#""out": "stdout""#), "sinks.out", found: "\"stdout\"", "a text for an object"),
        .init(.sinks(#""out": {}"#), "sinks.out.type", found: "nothing", "no type"),
        .init(.sinks(#""out": {"type": "kafka"}"#), "sinks.out.type", found: "\"kafka\"", "no such type"),
        .init(
            .sinks(#""out": {"type": "stdout", "path": "x"}"#), "sinks.out.path", found: "an unknown key", "a file's"),
        .init(.sinks(#""out": {"type": "file"}"#), "sinks.out.path", found: "nothing", "no path"),
        .init(.sinks(#""out": {"type": "file", "path": ""}"#), "sinks.out.path", found: "\"\"", "an empty path"),
        .init(
            .sinks(#""out": {"type": "file", "path": "/var/"}"#), "sinks.out.path", found: "\"/var/\"", "a directory"),
        .init(
            .sinks(#""out": {"type": "file", "path": "/a/b"}, "two": {"type": "file", "path": "/a/./x/../b"}"#),
            "sinks.two.path", found: "the path of sink \"out\"", "one file for two sinks"),
        .init(
            .sinks(#""out": {"type": "stdout"}, "two": {"type": "stdout"}"#), "sinks.two",
            found: "a second sink of type \"stdout\", besides \"out\"", "two sinks of standard output"),
        .init(
            .sinks(#""out": {"type": "stdout"}, "a b": {"type": "file", "path": "x"}"#), #"sinks."a b""#,
            found: "\"a b\"", "a space in a name"),
        .init(.forward(#""timeout": "1s""#), "sinks.out.url", found: "nothing", "no URL"),
        .init(.forward(#""url": "ftp://x""#), "sinks.out.url", found: "\"ftp://x\"", "not HTTP"),
        .init(
            .forward("\"url\": \"https://me:\(knownSecret)@crm.example.com/\""), "sinks.out.url",
            found: "a URL with a user name or password (not shown)", "a password in a URL"),
        .init(
            .forward("\"url\": \"https:///x?token=\(knownSecret)\""), "sinks.out.url", found: "\"https:///x?…\"",
            "no host; and the query is not shown"),
        .init(
            .forward(#""url": "http://x", "timeout": "11m""#), "sinks.out.timeout", found: "\"11m\"", "out of bounds"),
        .init(
            .forward(#""url": "http://x", "retry": {"initial": "0s"}"#), "sinks.out.retry.initial", found: "\"0s\"",
            "no wait at all"),
        .init(
            .forward(#""url": "http://x", "retry": {"initial": "2m"}"#), "sinks.out.retry", found: "2m and 1m",
            "begins above its maximum"),
        .init(
            .forward(#""url": "http://x", "retry": {"max": "2m"}"#), "sinks.out.retry.max", found: "an unknown key",
            "an unknown key"),
    ]

    static let limits: [Case] = [
        .init(.limits(#""body": 1048576"#), "limits.body", found: "1048576", "no unit"),
        .init(.limits(#""body": "0B""#), "limits.body", found: "\"0B\"", "nothing fits"),
        .init(.limits(#""body": "65MiB""#), "limits.body", found: "\"65MiB\"", "more than 64 MiB"),
        .init(
            .limits(#""body": "9999999999GiB""#), "limits.body", found: "\"9999999999GiB\"",
            "more than 64 bits of bytes"),
        .init(.limits(#""header_count": "100""#), "limits.header_count", found: "\"100\"", "a text for a number"),
        .init(.limits(#""header_count": 1e2"#), "limits.header_count", found: "1e2", "written like a fraction"),
        .init(.limits(#""header_count": 1001"#), "limits.header_count", found: "1001", "out of bounds"),
        .init(
            .limits(#""connections": 99999999999999999999"#), "limits.connections", found: "99999999999999999999",
            "more than 64 bits"),
        .init(.limits(#""connections": 0"#), "limits.connections", found: "0", "nobody is served"),
        .init(.limits(#""nonces": -1"#), "limits.nonces", found: "-1", "negative"),
        .init(.limits(#""idle_timeout": "1.5s""#), "limits.idle_timeout", found: "\"1.5s\"", "no whole number"),
        .init(
            .limits(#""drain_timeout": "9223372036854775807d""#), "limits.drain_timeout",
            found: "\"9223372036854775807d\"", "more than 64 bits of milliseconds"),
    ]

    @Test("with the path of its key", arguments: whole + listen + endpoints + secrets + accents + sinks + limits)
    func refuses(_ c: Case) {
        let problems = c.text.problems()
        #expect(problems.map(\.path) == [c.path])
        #expect(problems.map(\.found) == [c.found])
        for problem in problems {
            #expect(!problem.description.contains(knownSecret))
            #expect(!problem.description.contains("\n"))
        }
    }

    @Test func whatTheTableChangesIsRight() throws {
        _ = try ConfigurationText.right.load()
    }

    @Test func everyKeyThatMustBeThereIsNamed() {
        let problems = ConfigurationText.whole("{}").problems()
        #expect(problems.map(\.path) == ["state_directory", "listen", "endpoints"])
        #expect(problems.allSatisfy { $0.found.hasPrefix("nothing") })
    }

    @Test func allErrorsAreToldAtOnceInTheOrderOfTheFile() {
        let text = ConfigurationText.whole(
            """
            {
              "listen": ["127.0.0.1"],
              "state_directory": "/x",
              "endpoints": {
                "/c": { "secrets": [{ "env": "NONE" }], "tolerence": "5m", "sinks": ["crm", "archve"] }
              },
              "sinks": {
                "archive": { "type": "file", "path": "x" },
                "crm": { "type": "forward", "url": "ftp://x" }
              }
            }
            """)
        #expect(
            text.problems().map(\.description) == [
                #"/etc/hookd/hookd.json:2: listen[0]: found "127.0.0.1"; "#
                    + #"expected host:port, [v6]:port, unix:/path or systemd:NAME, such as "127.0.0.1:8080"."#,
                "/etc/hookd/hookd.json:5: endpoints./c.tolerence: found an unknown key; "
                    + "expected one of secrets, tolerance, repeats, late, late_window, allow, rate_limit, sinks "
                    + "(did you mean `tolerance`?).",
                "/etc/hookd/hookd.json:5: endpoints./c.secrets[0]: found no environment variable NONE; "
                    + "expected the webhook's secret there.",
                #"/etc/hookd/hookd.json:5: endpoints./c.sinks[1]: found "archve"; "#
                    + #"expected the name of a sink that stands in `sinks` (did you mean "archive"?)."#,
                #"/etc/hookd/hookd.json:9: sinks.crm.url: found "ftp://x"; expected an http or https URL."#,
            ])
    }
}
