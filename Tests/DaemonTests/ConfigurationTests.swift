// Configurations that are right: defaults, the example, relative paths, warnings, and what is said of them.

import Foundation
import Server
import Store
import Testing

@testable import Daemon

@Suite struct ConfigurationTests {
    @Test func defaultsAreThoseOfTheManual() throws {
        let configuration = try ConfigurationText.right.load()
        let endpoint = try #require(configuration.endpoints.first)
        #expect(endpoint.tolerance == .seconds(300))
        #expect(endpoint.repeats == .acknowledge)
        #expect(endpoint.late == .quarantine)
        #expect(endpoint.lateWindow == .seconds(48 * 3600))
        #expect(configuration.retention.age == .seconds(7 * 86_400))
        #expect(configuration.retention.sizeBytes == nil)
        #expect(SQLiteEventStore.Options(configuration).reserveBytes == nil)
        #expect(SQLiteEventStore.Options(configuration).quarantine.count == 10_000)
        #expect(SQLiteEventStore.Options(configuration).quarantine.bytes == 64 << 20)
        let limits = configuration.limits
        #expect(limits.bodyLimitBytes == 1_048_576)
        #expect(limits.headerLimitBytes == 32_768)
        #expect(limits.headerCount == 100)
        #expect(limits.connections == 10_000)
        #expect(limits.nonces == 16_777_216)
        #expect(limits.connectionsPerAddress == nil)
        #expect(limits.connectionAge == .seconds(3600))
        #expect(limits.minimumBytesPerSecond == nil)
        #expect(limits.requestMemoryBytes == 16_777_216)
        #expect(limits.headerTimeout == .seconds(10))
        #expect(limits.bodyTimeout == .seconds(30))
        #expect(limits.idleTimeout == .seconds(75))
        #expect(limits.drainTimeout == .seconds(20))
        #expect(configuration.log.level == .info)
        #expect(configuration.log.format == nil)
        #expect(configuration.warnings == [])
    }

    @Test func everyKeyIsTaken() throws {
        let configuration = try ConfigurationText.whole(
            """
            {
              "$schema": "./hookd.schema.json",
              "listen": ["[::1]:9", "unix:/run/hookd.sock"], "state_directory": "state",
              "endpoints": {
                "/b": { "secrets": [{"env": "GOOD", "until": "2090-01-01T00:00:00Z"}, {"env": "NEW"}],
                        "tolerance": "90s", "repeats": "refuse", "late": "accept",
                        "late_window": "6h", "sinks": ["crm", "log"] },
                "/a": { "secrets": [{"env": "NEW"}], "sinks": ["log"] }
              },
              "sinks": {
                "log": { "type": "file", "path": "log/events.jsonl" },
                "crm": { "type": "forward", "url": "http://[::1]:81/x?t=1", "timeout": "2s",
                         "retry": {"initial": "50ms", "maximum": "3s"} }
              },
              "limits": { "body": "1B", "headers": "2KiB", "header_count": 3, "connections": 4, "nonces": 5,
                          "header_timeout": "6s", "body_timeout": "7s", "idle_timeout": "8s", "drain_timeout": "9s" },
              "retention": { "age": "90m", "size": "3GiB", "reserve": "2GB", "quarantine": 70, "quarantine_size": "5MiB" },
              "log": { "level": "debug", "format": "json" }
            }
            """
        ).load(environment: ["NEW": "the-next-secret"])
        #expect(configuration.listen.map(\.address) == [.tcp(host: "::1", port: 9), .unix(path: "/run/hookd.sock")])
        #expect(configuration.stateDirectory == "/etc/hookd/state")
        #expect(configuration.endpoints.map(\.path) == ["/b", "/a"])
        let endpoint = try #require(configuration.endpoints.first)
        #expect(endpoint.secrets.map(\.label) == ["env:GOOD", "env:NEW"])
        #expect(endpoint.secrets.map(\.endsAtSeconds) == [3_786_912_000, nil])
        #expect(endpoint.tolerance == .seconds(90))
        #expect(endpoint.repeats == .refuse)
        #expect(endpoint.late == .accept)
        #expect(endpoint.lateWindow == .seconds(6 * 3600))
        #expect(configuration.retention.age == .seconds(5400))
        #expect(configuration.retention.sizeBytes == 3 << 30)
        let options = SQLiteEventStore.Options(configuration)
        #expect(options.retention?.sizeBytes == 3 << 30 && options.reserveBytes == 2_000_000_000)
        #expect(options.quarantine.count == 70 && options.quarantine.bytes == 5 << 20)
        #expect(endpoint.sinks == ["crm", "log"])
        #expect(configuration.sinks.map(\.name) == ["log", "crm"])
        guard case .file(let file) = configuration.sinks[0].kind, file.path == "/etc/hookd/log/events.jsonl",
            case .forward(let forward) = configuration.sinks[1].kind
        else {
            Issue.record("\(configuration.sinks)")
            return
        }
        #expect(forward.url.text == "http://[::1]:81/x?t=1")
        #expect(forward.timeout == .seconds(2))
        #expect([forward.retryInitial, forward.retryMaximum] == [.milliseconds(50), .seconds(3)])
        let limits = configuration.limits
        #expect(limits.bodyLimitBytes == 1)
        #expect(limits.headerLimitBytes == 2048)
        #expect(limits.headerCount == 3)
        #expect(limits.connections == 4)
        #expect(limits.nonces == 5)
        #expect(
            [limits.headerTimeout, limits.bodyTimeout, limits.idleTimeout, limits.drainTimeout]
                == [.seconds(6), .seconds(7), .seconds(8), .seconds(9)])
        #expect(configuration.log.level == .debug)
        #expect(configuration.log.format == .json)
        #expect(configuration.warnings == [])
    }

    @Test func theExampleIsRight() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let credentials = try TemporaryDirectory()
        try credentials.write("sinch-webhook-secret", knownSecret + "\n")
        let configuration = try Configuration.load(
            path: root.appendingPathComponent("config.example.json").path,
            environment: ["CREDENTIALS_DIRECTORY": credentials.path])
        #expect(configuration.warnings == [])
        #expect(
            configuration.startLine(listening: configuration.listen.map(\.address))
                == "hookd listening on 127.0.0.1:8080; endpoints /callbacks; "
                + "sinks journal (stdout), archive (file), crm (forward)")
    }

    @Test(
        arguments: [
            (nil, "nothing, and $STATE_DIRECTORY is not set"),
            ("relative", "nothing, and a relative path in $STATE_DIRECTORY"),
            ("/var/lib/one:/var/lib/two", nil),
        ] as [(String?, String?)])
    func stateDirectoryComesFromSystemd(_ variable: String?, _ found: String?) throws {
        let text = ConfigurationText.whole(
            #"{"listen": ["127.0.0.1:0"], "endpoints": {"/c": {"secrets": [{"env": "GOOD"}]}}}"#)
        let environment = variable.map { ["STATE_DIRECTORY": $0] } ?? [:]
        #expect(text.problems(environment: environment).map(\.found) == [found].compactMap { $0 })
        if found == nil {
            #expect(try text.load(environment: environment).stateDirectory == "/var/lib/one")
        }
    }

    struct Warning: CustomTestStringConvertible, Sendable {
        let text: ConfigurationText, path: String, part: String
        var testDescription: String { part }
    }

    @Test(arguments: [
        Warning(text: .secrets(#"[{"env": "SHORT"}]"#), path: "endpoints./c.secrets[0]", part: "fewer than 8 bytes"),
        Warning(text: .secrets(#"[{"env": "SPACED"}]"#), path: "endpoints./c.secrets[0]", part: "white space"),
        Warning(
            text: .secrets(#"[{"env": "GOOD"}, {"env": "GOOD"}]"#), path: "endpoints./c.secrets[1]", part: "the same"),
        Warning(
            text: .secrets(#"[{"env": "GOOD", "until": "2001-01-01T00:00:00Z"}, {"env": "OTHER"}]"#),
            path: "endpoints./c.secrets[0].until", part: "has ended"),
        Warning(text: .endpoint(#""secrets": [{"env": "GOOD"}], "sinks": []"#), path: "endpoints./c", part: "no sink"),
        Warning(
            text: .sinks(#""out": {"type": "stdout"}, "spare": {"type": "file", "path": "x"}"#), path: "sinks.spare",
            part: "no endpoint"),
    ])
    func unusualIsWarnedOf(_ c: Warning) throws {
        let environment = ["SHORT": "1234567", "SPACED": "12345678 ", "OTHER": "another-secret"]
        let warnings = try c.text.load(environment: environment).warnings
        #expect(warnings.contains { $0.path == c.path && $0.message.contains(c.part) })
        // An endpoint without sinks leaves its sinks unnamed too: that is the only pair.
        #expect(warnings.allSatisfy { $0.path == c.path || c.part == "no sink" })
    }

    @Test func aWarningIsALine() throws {
        let warnings = try ConfigurationText.secrets(#"[{"env": "SHORT"}]"#).load(environment: ["SHORT": "1"]).warnings
        #expect(
            warnings.map(\.description) == [
                "/etc/hookd/hookd.json:3: endpoints./c.secrets[0]: warning: "
                    + "this secret has fewer than 8 bytes, so it can be guessed."
            ])
    }

    @Test func aLateWindowWithoutEffectIsWarnedOf() throws {
        let text = ConfigurationText.endpointKeys(#""late_window": "6h""#)
        #expect(try text.load().warnings.map(\.path) == ["endpoints./c.late_window"])
        #expect(try ConfigurationText.endpointKeys(#""late_window": "6h", "late": "accept""#).load().warnings == [])
    }

    @Test func endpointsWithoutAnySecretThatIsValidAreRefused() throws {
        let text = ConfigurationText.secrets(#"[{"env": "GOOD", "until": "2027-01-15T08:00:00Z"}]"#)
        // The end is the first second in which the secret is not accepted.
        #expect(try text.load(nowSeconds: 1_799_999_999).warnings == [])
        let late = #expect(throws: ConfigurationErrors.self) { try text.load(nowSeconds: 1_800_000_000) }
        #expect(late?.problems.map(\.found) == ["only secrets that have ended"])
        // One that is still accepted is enough.
        let two = ConfigurationText.secrets(#"[{"env": "GOOD", "until": "2020-01-01T00:00:00Z"}, {"env": "GOOD"}]"#)
        #expect(try !two.load().warnings.isEmpty)
    }

    @Test func aFileThatCannotBeReadIsNamed() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(path: directory.path, environment: [:])
        }
        let path = directory.path + "/none.json"
        let error = #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(path: path, environment: [:])
        }
        #expect(
            error?.description
                == "\(path): found a file that cannot be read: No such file or directory; "
                + "expected a configuration in JSON.")
        let large = try directory.write("large.json", String(repeating: " ", count: Configuration.fileLimitBytes + 1))
        let tooLarge = #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(path: large, environment: [:])
        }
        #expect(tooLarge?.problems.map(\.found) == ["a file that has more than 1048576 bytes"])
    }

    @Test func defaultsAreWithinTheirBounds() {
        func check<Kind: ValueKind>(_ setting: Setting<Kind>) where Kind.Value: Equatable {
            let problems = ProblemCollector(file: "")
            let text: JSONValue =
                switch setting.fallback {
                case let duration as Duration: .string(duration.text)
                case let number as Int where setting.kind is SizeKind: .string(ByteSize.text(ofBytes: number))
                case let number as Int: .number(String(number))
                default: .null
                }
            let reader = JSONReader(node: JSONNode(line: 1, value: text), path: "", problems: problems)
            #expect(setting.kind.read(reader, example: setting.fallback) == setting.fallback, "\(setting.name)")
        }
        check(EndpointKeys.tolerance)
        check(SinkKeys.timeout)
        check(SinkKeys.retryInitial)
        check(SinkKeys.retryMaximum)
        check(LimitKeys.body)
        check(LimitKeys.headers)
        check(LimitKeys.headerCount)
        check(LimitKeys.connections)
        check(LimitKeys.headerTimeout)
        check(LimitKeys.bodyTimeout)
        check(LimitKeys.idleTimeout)
        check(LimitKeys.drainTimeout)
        check(LimitKeys.nonces)
    }
}
