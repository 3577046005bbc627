// Configurations that somebody has not written to the end, read from real files: each is refused, whatever is missing,
// and none ever means "no verification".

import Foundation
import Testing

@testable import Daemon

@Suite("B9: a configuration that is half written") struct HalfWrittenTests {
    /// What every row changes a part of. It is right.
    static let whole = """
        {
          "$schema": "./hookd.schema.json",
          "listen": ["127.0.0.1:0", { "address": "[::1]:0", "dual_stack": false }],
          "state_directory": "state",
          "endpoints": {
            "/callbacks": {
              "secrets": [{ "file": "secret" }, { "env": "SECRET", "until": "2090-01-01T00:00:00Z" }],
              "tolerance": "5m",
              "sinks": ["archive", "crm"]
            },
            "/second": { "secrets": [{ "credential": "hook" }] }
          },
          "sinks": {
            "archive": { "type": "file", "path": "events.jsonl", "rotate": { "size": "1MB", "keep": 3 } },
            "crm": { "type": "forward", "url": "https://crm.example.com/in", "timeout": "15s", "headers": { "X-A": "b" } }
          },
          "limits": { "body": "1MiB", "connections": 100 },
          "retention": { "age": "7d" },
          "log": { "level": "info" }
        }

        """

    /// A directory with whatever the whole configuration names, and some files that are of no use as secrets.
    private static func home() throws -> TemporaryDirectory {
        let home = try TemporaryDirectory()
        try home.write("secret", knownSecret)
        try home.write("hook", knownSecret)
        try home.write("empty", "")
        try home.write("blank", "  \t \n")
        try home.write("newline", "\n")
        try home.write("long", String(repeating: "s", count: 5000))
        return home
    }

    private static func problems(_ bytes: [UInt8], in home: TemporaryDirectory) throws -> [ConfigurationProblem] {
        let path = home.path + "/hookd.json"
        try Data(bytes).write(to: URL(filePath: path))
        let environment = ["SECRET": knownSecret, "EMPTY": "", "BLANK": "\n", "CREDENTIALS_DIRECTORY": home.path]
        do {
            _ = try Configuration.load(path: path, environment: environment, nowSeconds: 1_800_000_000)
            return []
        } catch {
            for problem in error.problems { #expect(!problem.description.contains(knownSecret)) }
            return error.problems
        }
    }

    @Test("is compared with one that is right") func whole() throws {
        #expect(try Self.problems(Array(Self.whole.utf8), in: Self.home()) == [])
    }

    struct Row: CustomTestStringConvertible, Sendable {
        let old: String, new: String, names: String, why: String
        var testDescription: String { why }

        init(_ old: String, _ new: String, names: String = "", _ why: String) {
            (self.old, self.new, self.names, self.why) = (old, new, names, why)
        }
    }

    private static let both = #"[{ "file": "secret" }, { "env": "SECRET", "until": "2090-01-01T00:00:00Z" }]"#
    private static let credential = #"[{ "credential": "hook" }]"#
    private static let file = #"{ "file": "secret" }"#

    static let secrets: [Row] = [
        Row(both, "[]", names: "secrets", "no secret in the list"),
        Row(both, "null", names: "secrets", "null for secrets"),
        Row(both, "{}", names: "secrets", "an object for secrets"),
        Row(both, #""secret""#, names: "secrets", "a text for secrets"),
        Row(both, "[null]", names: "secrets[0]", "null for a secret"),
        Row(both, "[[]]", names: "secrets[0]", "a list for a secret"),
        Row(both, "[{}]", names: "secrets[0]", "an empty secret"),
        Row(both, "[true]", names: "secrets[0]", "a flag for a secret"),
        Row("\"secrets\": \(both),", "", names: "secrets", "no key for secrets"),
        Row("\"secrets\": \(credential)", "", names: "secrets", "an endpoint of nothing"),
        Row("{ \"secrets\": \(credential) }", "null", names: "/second", "null for an endpoint"),
        Row("{ \"secrets\": \(credential) }", "[]", names: "/second", "a list for an endpoint"),
        Row("{ \"secrets\": \(credential) }", "true", names: "/second", "a flag for an endpoint"),
        Row("\"secrets\": \(credential)", "\"secret\": \(credential)", names: "secret", "a key misspelt"),
        Row("\"secrets\": \(credential)", "\"Secrets\": \(credential)", names: "Secrets", "a key in the wrong case"),
        Row(file, #"{ "file": "missing" }"#, names: "secrets[0]", "a file that is not there"),
        Row(file, #"{ "file": "empty" }"#, names: "secrets[0]", "an empty file"),
        Row(file, #"{ "file": "blank" }"#, names: "secrets[0]", "a file of blanks"),
        Row(file, #"{ "file": "newline" }"#, names: "secrets[0]", "a file of one newline"),
        Row(file, #"{ "file": "long" }"#, names: "secrets[0]", "a file that is no secret"),
        Row(file, #"{ "file": "." }"#, names: "secrets[0]", "a directory"),
        Row(file, #"{ "file": "" }"#, names: "secrets[0]", "no name of a file"),
        Row(file, #"{ "file": null }"#, names: "secrets[0]", "null for a file"),
        Row(file, #"{ "file": "secret", "env": "SECRET" }"#, names: "secrets[0]", "two places"),
        Row(file, #"{ "File": "secret" }"#, names: "secrets[0]", "no such place"),
        Row(#""env": "SECRET""#, #""env": "UNSET""#, names: "secrets[1]", "a variable that is not set"),
        Row(#""env": "SECRET""#, #""env": "EMPTY""#, names: "secrets[1]", "an empty variable"),
        Row(#""env": "SECRET""#, #""env": "BLANK""#, names: "secrets[1]", "a variable of blanks"),
        Row(#""env": "SECRET""#, #""env": "$SECRET""#, names: "secrets[1]", "a shell's way to write it"),
        Row(#""credential": "hook""#, #""credential": "none""#, names: "secrets[0]", "a credential that is not there"),
        Row(#""credential": "hook""#, #""credential": "empty""#, names: "secrets[0]", "an empty credential"),
        Row(#""credential": "hook""#, #""credential": """#, names: "secrets[0]", "no name of a credential"),
        Row(
            both, #"[{"env": "SECRET", "until": "2020-01-01T00:00:00Z"}]"#, names: "secrets", "secrets that have ended"),
        Row("2090-01-01T00:00:00Z", "2090-13-01T00:00:00Z", names: "until", "a month too many"),
        Row("\"2090-01-01T00:00:00Z\"", "null", names: "until", "null for an end: does it end?"),
    ]

    static let endpoints: [Row] = [
        Row("\"/second\"", "\"/callbacks\"", names: "/callbacks", "one endpoint twice"),
        Row("\"/second\"", "\"/%63allbacks\"", names: "%63", "one endpoint twice, once percent-encoded"),
        Row("\"/callbacks\"", "\"/a%2fb\": { \"secrets\": \(credential) }, \"/a%2Fb\"", names: "%2F", "twice encoded"),
        Row("\"/second\"", "\"second\"", names: "second", "no slash"),
        Row("\"/second\"", "\"\"", names: "endpoints", "no path"),
        Row("\"endpoints\": {", "\"endpoints\": {}, \"ends\": {", names: "endpoints", "no endpoint"),
        Row("\"endpoints\"", "\"endpoint\"", names: "endpoints", "the key misspelt"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": \"0s\"", names: "tolerance", "a window of nothing"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": \"-5m\"", names: "tolerance", "a negative window"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": \"5000d\"", names: "tolerance", "an absurd window"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": \"\"", names: "tolerance", "an empty window"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": 0", names: "tolerance", "a number for a window"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": null", names: "tolerance", "null for a window"),
        Row("\"tolerance\": \"5m\"", "\"tolerance\": false", names: "tolerance", "a window switched off"),
        Row("\"tolerance\": \"5m\"", "\"tolerence\": \"5m\"", names: "tolerence", "a window misspelt"),
        Row("[\"archive\", \"crm\"]", "[\"archive\", \"crn\"]", names: "sinks[1]", "a sink misspelt"),
        Row("[\"archive\", \"crm\"]", "[\"archive\", null]", names: "sinks[1]", "null for a sink"),
    ]

    static let others: [Row] = [
        Row("\"127.0.0.1:0\"", "\"127.0.0.1\"", names: "listen[0]", "no port"),
        Row("\"127.0.0.1:0\"", "\"127.0.0.1:99999\"", names: "listen[0]", "no such port"),
        Row("\"127.0.0.1:0\"", "null", names: "listen[0]", "null for an address"),
        Row("\"address\": \"[::1]:0\", ", "", names: "address", "an object without an address"),
        Row("\"state_directory\": \"state\"", "\"state_directory\": \"\"", names: "state_directory", "no directory"),
        Row("\"state_directory\": \"state\",", "", names: "state_directory", "nowhere to keep anything"),
        Row("\"type\": \"file\"", "\"type\": \"files\"", names: "type", "no such sink"),
        Row("\"type\": \"file\", ", "", names: "type", "a sink of no type"),
        Row("\"path\": \"events.jsonl\"", "\"path\": null", names: "path", "null for a path"),
        Row("\"size\": \"1MB\", ", "", names: "rotate", "when is it full?"),
        Row("https://crm", "htps://crm", names: "url", "no such scheme"),
        Row("\"15s\"", "15", names: "timeout", "no unit"),
        Row("{ \"X-A\": \"b\" }", "{ \"X-A\": 1 }", names: "X-A", "a number for a header"),
        Row("\"connections\": 100", "\"connections\": 1e400", names: "connections", "a huge number"),
        Row("\"connections\": 100", "\"connections\": 100.0", names: "connections", "a fraction"),
        Row("\"connections\": 100", "\"connections\": 0100", "an octal number"),
        Row("\"connections\": 100", "\"connections\": NaN", "no number at all"),
        Row("\"level\": \"info\"", "\"level\": \"loud\"", names: "level", "no such level"),
    ]

    static let syntax: [Row] = [
        Row("\"log\"", "// the log\n  \"log\"", "a comment"),
        Row("\"log\"", "/* the log */ \"log\"", "another comment"),
        Row("\"log\"", "# the log\n  \"log\"", "a comment of a shell"),
        Row("\"info\" }\n}", "\"info\" },\n}", "a comma before the last brace"),
        Row("\"crm\"]", "\"crm\",]", "a comma at the end of a list"),
        Row("\"listen\"", "'listen'", "the wrong quotes"),
        Row("\"listen\"", "listen", "no quotes"),
        Row("\"state\",", "\"state\"", "a comma less"),
        Row("\"listen\"", "\u{FEFF}\"listen\"", "an invisible sign"),
        Row("\"state\"", "\"sta\u{0}te\"", "a NUL within a text"),
        Row("\"state\"", "\"sta\nte\"", "a line that ends within a text"),
        Row("\"state\"", #""\ud800""#, "half a character"),
        Row("{\n", "{\n<<<<<<< HEAD\n", "a conflict of versions"),
        Row("\"listen\"", "\"listen\": [], \"listen\"", names: "listen", "a key twice"),
        Row("{ \"level\"", "{ \"level\": \"debug\", \"level\"", names: "level", "a key twice, further in"),
    ]

    @Test("is refused", arguments: secrets + endpoints + others + syntax) func refused(_ row: Row) throws {
        let text = Self.whole.replacing(row.old, with: row.new, maxReplacements: 1)
        try #require(text != Self.whole, "the row changes something")
        let problems = try Self.problems(Array(text.utf8), in: Self.home())
        #expect(!problems.isEmpty)
        #expect(
            problems.contains { row.names.isEmpty || $0.path.contains(row.names) }, "\(problems.map(\.description))")
    }

    @Test("there are enough of them") func count() {
        #expect((Self.secrets + Self.endpoints + Self.others + Self.syntax).count >= 80)
    }

    @Test(
        "is refused where it is no text",
        arguments: [
            ([], "an empty file"), ([0], "a NUL"), ([0xEF, 0xBB, 0xBF], "the mark of a byte order, and nothing else"),
            ([0xFF, 0xFE, 0x7B, 0, 0x7D, 0], "UTF-16"),
            (Array("{\"listen\": [\"".utf8) + [0xC3, 0x28] + Array("\"]}".utf8), "no UTF-8 within a text"),
            (Array(repeating: 0x5B, count: 100_000), "lists without end"),
            (Array(repeating: 0x20, count: (1 << 20) + 1), "more than a file may have"),
        ] as [([UInt8], String)]) func noText(_ bytes: [UInt8], _ why: String) throws
    {
        #expect(try !Self.problems(bytes, in: Self.home()).isEmpty, "\(why)")
        #expect(try !Self.problems(bytes + Array(Self.whole.utf8), in: Self.home()).isEmpty || bytes.isEmpty, "\(why)")
    }

    @Test("is refused at every byte where it may end") func prefixes() throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../config.example.json")
        let home = try Self.home()
        try home.write("sinch-webhook-secret", knownSecret)
        let environment = ["SECRET": knownSecret, "CREDENTIALS_DIRECTORY": home.path]
        for text in [Array(Self.whole.utf8), Array(try Data(contentsOf: example.standardized))] {
            func read(_ length: Int) throws {
                let reading = ConfigurationReading(
                    file: home.path + "/hookd.json", environment: environment, nowSeconds: 1_800_000_000)
                _ = try reading.configuration(from: Array(text[..<length]))
            }
            // Behind the last brace there is nothing but the line's end.
            let end = try #require(text.lastIndex(of: UInt8(ascii: "}")))
            for length in 0...end { #expect(throws: ConfigurationErrors.self, "\(length) bytes") { try read(length) } }
            #expect(throws: Never.self, "all of it is right") { try read(text.count) }
        }
    }
}
