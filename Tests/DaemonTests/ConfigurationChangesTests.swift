// What of a configuration comes into force at a reload, and what takes a restart.

import Testing

@testable import Daemon

@Suite("A change of the configuration") struct ConfigurationChangesTests {
    static let before = """
        {"listen": ["127.0.0.1:1", {"address": "127.0.0.1:2", "tls": {"certificates": [{"certificate": "a"}]}}],
         "state_directory": "/s", "log": {"level": "info", "format": "text"},
         "endpoints": {"/a.b": {"secrets": [{"env": "A"}], "tolerance": "5m", "sinks": ["x"]}},
         "sinks": {"x": {"type": "forward", "url": "http://x/"}}, "limits": {"body": "1MiB"}}
        """

    struct Change: CustomTestStringConvertible, Sendable {
        let old: String, new: String, restart: [String], why: String
        var testDescription: String { why }

        init(_ old: String, _ new: String, _ restart: [String], _ why: String) {
            (self.old, self.new, self.restart, self.why) = (old, new, restart, why)
        }
    }

    @Test(
        "needs a restart, or not",
        arguments: [
            Change("", "", [], "nothing"),
            Change(#""listen""#, "\n\n\"listen\"", [], "a line further down"),
            Change(#"[{"env": "A"}]"#, #"[{"env": "B"}, {"env": "A"}]"#, [], "another secret"),
            Change(#""5m""#, #""1m""#, [], "the time window"),
            Change(#""tolerance": "5m""#, #""repeats": "refuse""#, [], "a key for another"),
            Change(#""info""#, #""debug""#, [], "the log's level"),
            Change(#""text""#, #""json""#, ["log.format"], "the log's format"),
            Change(#"{"certificate": "a"}"#, #"{"certificate": "b"}, {}"#, [], "certificates"),
            Change("127.0.0.1:1", "127.0.0.1:3", ["listen[0]"], "an address"),
            Change(#", "tls": {"certificates": [{"certificate": "a"}]}"#, "", ["listen[1].tls"], "no TLS any more"),
            Change(#"["127.0.0.1:1", "#, "[", ["listen"], "a listener less"),
            Change(#"["x"]"#, "[]", [], "what sinks get"),
            Change(#""/a.b""#, #""/c""#, [], "another endpoint"),
            Change("http://x/", "http://y/", [], "where events go"),
            Change(#""1MiB""#, #""2MiB""#, [], "a limit"),
            Change(#"{"address": "127.0.0.1:2", "#, #"{"address": "127.0.0.1:2", "forwarded": {}, "#, [], "proxies"),
            Change(
                #"{"address": "127.0.0.1:2", "#, #"{"address": "127.0.0.1:2", "mode": "0600", "#, ["listen[1].mode"],
                "a socket's permissions"),
            Change(#", "limits""#, #", "retention": {"age": "1d"}, "limits""#, [], "how long events are kept"),
            Change(#""/s""#, #""/t""#, ["state_directory"], "the store"),
            Change(#", "limits""#, #", "admin": {}, "limits""#, [], "a key that was not there, with nothing in it"),
            Change(
                #", "limits""#, #", "admin": {"listen": "unix:/x", "token": {}}, "limits""#,
                ["admin.listen", "admin.token"],
                "keys that were not there"),
            Change(#", "limits": {"body": "1MiB"}"#, "", [], "limits that are those by default"),
        ]) func needsRestart(_ change: Change) throws
    {
        let text = change.old.isEmpty ? Self.before : Self.before.replacing(change.old, with: change.new)
        #expect(change.old.isEmpty || text != Self.before, "the row changes something")
        let changes = ConfigurationChanges(from: try document(Self.before), to: try document(text))
        #expect(changes.needingRestart.sorted() == change.restart.sorted())
    }

    private func document(_ text: String) throws -> ConfigurationDocument {
        ConfigurationDocument(value: try JSONParser.parse(Array(text.utf8)).value)
    }

    struct Summary: CustomTestStringConvertible, Sendable {
        let new: String, phrases: [String], concerned: Set<String>, why: String
        var testDescription: String { why }

        init(_ new: String, _ phrases: [String], _ concerned: Set<String>, _ why: String) {
            (self.new, self.phrases, self.concerned, self.why) = (new, phrases, concerned, why)
        }
    }

    @Test(
        "is told in a few words",
        arguments: [
            Summary(#"{"sinks": {"x": {"a": 1, "b": {"c": 1}}}, "log": {"level": "info"}}"#, [], [], "nothing"),
            Summary(
                #"{"sinks": {"x": {"a": 2, "b": {"c": 2}}}, "log": {"level": "info"}}"#, ["sink x changed (a, b)"],
                ["x"], "keys of a sink"),
            Summary(
                #"{"sinks": {"y": {"a": 1, "b": {"c": 1}}}, "log": {"level": "info"}}"#,
                ["sink x removed", "sink y added"], ["x", "y"], "a sink for another"),
            Summary(
                #"{"log": {"level": "info"}}"#, ["sinks removed"], ["x", "y", "anything"], "no sinks any more"),
            Summary(
                #"{"sinks": {"x": {"b": {"c": 1}}}, "endpoints": {}, "log": {"level": "debug"}}"#,
                ["sink x changed (a)", "log.level changed", "endpoints added"], ["x"], "a key less, and others"),
        ]) func summary(_ row: Summary) throws
    {
        let old = try document(#"{"sinks": {"x": {"a": 1, "b": {"c": 1}}}, "log": {"level": "info"}}"#)
        let changes = ConfigurationChanges(from: old, to: try document(row.new))
        #expect(changes.summary == row.phrases)
        for sink in ["x", "y", "anything"] {
            #expect(changes.concern(sink: sink) == row.concerned.contains(sink), "\(sink)")
        }
    }
}
