// Where a selftest's daemon lives: a temporary directory with its configuration, secret, store and file.

import Daemon
import Glibc

/// A directory of its own, made anew.
struct SelftestHome: Sendable {
    let path: String
    let secret: [UInt8]

    init() throws {
        let parent = variable("TMPDIR") ?? "/tmp"
        var template = Array("\(parent)/hookd-selftest-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw failure("\(quoted(parent)) takes no new directory: \(String(cString: strerror(errno))).")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var random = SystemRandomNumberGenerator()
        secret = (0..<4).flatMap { _ in Array(String(random.next(), radix: 36).utf8) }
    }

    var configurationPath: String { path + "/hookd.json" }
    var statePath: String { path + "/state" }
    var eventsPath: String { path + "/events.jsonl" }
    var logPath: String { path + "/hookd.log" }

    /// Writes what the daemon reads.
    ///
    /// - Parameter targetPort: where the forward sink sends to.
    func configure(targetPort: UInt16) throws {
        try write(secret, to: path + "/secret")
        // The window of time is short, so that repeats are looked for in memory and on disk.
        try write(
            Array(
                """
                {
                  "listen": ["127.0.0.1:0"],
                  "state_directory": \(quoted(statePath)),
                  "endpoints": {
                    "/callbacks": {
                      "secrets": [{ "file": \(quoted(path + "/secret")) }],
                      "tolerance": "1m",
                      "sinks": ["file", "forward"]
                    }
                  },
                  "sinks": {
                    "file": { "type": "file", "path": \(quoted(eventsPath)) },
                    "forward": {
                      "type": "forward", "url": "http://127.0.0.1:\(targetPort)/", "concurrency": 8,
                      "retry": { "initial": "100ms", "maximum": "1s" }
                    }
                  },
                  "limits": { "drain_timeout": "2s" },
                  "log": { "level": "notice" }
                }

                """.utf8), to: configurationPath)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw failure("\(quoted(path)) cannot be written: \(String(cString: strerror(errno))).")
        }
    }
}

/// Removes a file, or a directory with all that is in it.
func removeTree(_ path: String) {
    // unlink(2) never removes a directory.
    guard unlink(path) != 0, let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { removeTree(path + "/" + name) }
    }
    closedir(directory)
    rmdir(path)
}
