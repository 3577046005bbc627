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
            Change(#"["x"]"#, "[]", ["endpoints./a.b.sinks"], "what sinks get"),
            Change(#""/a.b""#, #""/c""#, ["endpoints./a.b", "endpoints./c"], "another endpoint"),
            Change("http://x/", "http://y/", ["sinks.x.url"], "where events go"),
            Change(#""1MiB""#, #""2MiB""#, ["limits.body"], "a limit"),
            Change(#""/s""#, #""/t""#, ["state_directory"], "the store"),
            Change(#", "limits""#, #", "admin": {}, "limits""#, ["admin"], "a key that was not there"),
        ]) func needsRestart(_ change: Change) throws
    {
        let text = change.old.isEmpty ? Self.before : Self.before.replacing(change.old, with: change.new)
        #expect(change.old.isEmpty || text != Self.before, "the row changes something")
        func document(_ text: String) throws -> ConfigurationDocument {
            ConfigurationDocument(value: try JSONParser.parse(Array(text.utf8)).value)
        }
        let changes = ConfigurationChanges(from: try document(Self.before), to: try document(text))
        #expect(changes.needingRestart.sorted() == change.restart.sorted())
    }
}
