// The configuration file. A file that is whole comes to a whole configuration; any other to problems an operator can
// read, each on a line of its own and none with a secret in it.

import Daemon
import Glibc

extension FuzzTarget {
    /// The text of a configuration.
    static let configuration = FuzzTarget(
        name: "configuration", longestInputBytes: 4096,
        run: { input in
            let folder = try ConfigurationFolder.shared.get()
            try folder.write(input)
            let lines = input.count { $0 == 0x0a } + 1
            do {
                let found = try Configuration.load(
                    path: folder.file, environment: ["SECRET": ConfigurationFolder.secret], nowSeconds: 1_700_000_000)
                try expect(!found.listen.isEmpty && !found.endpoints.isEmpty, "nothing to serve")
                try expect(found.endpoints.allSatisfy { !$0.secrets.isEmpty }, "an endpoint without a secret")
                for warning in found.warnings { try check("\(warning)", line: warning.line, of: lines) }
            } catch let errors as ConfigurationErrors {
                try expect(!errors.problems.isEmpty, "refused without a problem")
                for problem in errors.problems { try check("\(problem)", line: problem.line, of: lines) }
            }
        },
        seeds: { seedTexts.map { Array($0.utf8) } })

    private static func check(_ text: String, line: Int?, of lines: Int) throws {
        try expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "controls in: \(text)")
        try expect(!text.contains(ConfigurationFolder.secret), "a secret in: \(text)")
        try expect(line.map { (1...lines).contains($0) } ?? true, "a line that is not there: \(text)")
    }

    private static let seedTexts = [
        """
        {
          "listen": ["127.0.0.1:8080", "[::1]:80", "unix:/run/hookd.sock"],
          "state_directory": "/var/lib/hookd",
          "endpoints": {
            "/callbacks": {
              "secrets": [{ "env": "SECRET", "until": "2026-12-01T00:00:00Z" }, { "file": "secret" }],
              "tolerance": "5m", "repeats": "refuse", "late": "refuse", "sinks": ["journal", "archive", "crm"]
            }
          },
          "sinks": {
            "journal": { "type": "stdout" },
            "archive": { "type": "file", "path": "events.jsonl" },
            "crm": { "type": "forward", "url": "https://crm.example.com/sinch", "timeout": "15s",
                     "retry": { "initial": "1s", "maximum": "60s" } }
          },
          "limits": { "body": "1MiB", "headers": "32KiB", "header_count": 100, "idle_timeout": "75s" },
          "log": { "level": "debug", "format": "json" }
        }
        """,
        #"{"$schema": "a", "state_directory": "\u00e9\ud83d\ude00\n", "listen": [], "endpoints": {}, "sinks": {}}"#,
        #"{"listen": [1.5e3, -0, true, false, null, {}], "listen": ["x"], "admin": {}, "endpoints": []}"#,
        #"{"endpoints": {"/%zz": {"secrets": [{"env": "NONE"}, {}, {"file": "none"}, {"credential": "../x"}]}}}"#,
    ]
}

/// A folder with nothing in it but a configuration and a secret: a relative path in an input leads nowhere else.
private final class ConfigurationFolder: Sendable {
    /// Found in no text by chance.
    static let secret = "canary-Zk39qLw8Xv"
    static let shared = Result { try ConfigurationFolder() }

    let path: String
    var file: String { path + "/hookd.json" }

    private init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/hookd-fuzz-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Fault("mkdtemp: errno \(errno)") }
        path = String(cString: made)
        try Array(Self.secret.utf8).withUnsafeBufferPointer { try Self.write($0, to: path + "/secret") }
        atexit {
            guard case .success(let folder) = ConfigurationFolder.shared else { return }
            for name in ["/secret", "/hookd.json", ""] { remove(folder.path + name) }
        }
    }

    func write(_ bytes: UnsafeBufferPointer<UInt8>) throws { try Self.write(bytes, to: file) }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Fault("open \(path): errno \(errno)") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
            throw Fault("write \(path): errno \(errno)")
        }
    }
}
