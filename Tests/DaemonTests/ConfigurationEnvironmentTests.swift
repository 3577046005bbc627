// What the machine must offer: looked at, not touched.

import Foundation
import TestAuthority
import Testing

@testable import Daemon

@Suite struct ConfigurationEnvironmentTests {
    /// What is wrong with a configuration in `directory`.
    private func problems(_ text: ConfigurationText, in directory: TemporaryDirectory) throws -> [ConfigurationProblem]
    {
        let configuration = try text.load(directory: directory.path)
        do throws(ConfigurationErrors) {
            try configuration.validateEnvironment()
            return []
        } catch {
            return error.problems
        }
    }

    private func text(state: String = "state", sinks: String = "", listen: String = "") -> ConfigurationText {
        .whole(
            """
            {"listen": ["127.0.0.1:0"\(listen)], "state_directory": "\(state)",
             "endpoints": {"/c": {"secrets": [{"env": "GOOD"}]}}, "sinks": {\(sinks)}}
            """)
    }

    @Test func lookingCreatesNothing() throws {
        let directory = try TemporaryDirectory()
        let text = text(
            state: "a/b/c", sinks: #""one": {"type": "file", "path": "one.jsonl"}"#,
            listen: #", "unix:\#(directory.path)/s""#)
        #expect(try problems(text, in: directory) == [])
        #expect(try directory.contents() == [])
    }

    @Test func whatIsThereAlreadyIsTaken() throws {
        let directory = try TemporaryDirectory()
        try directory.write("one.jsonl", "")
        try FileManager.default.createDirectory(atPath: directory.path + "/state", withIntermediateDirectories: false)
        let text = text(sinks: #""one": {"type": "file", "path": "one.jsonl"}"#)
        #expect(try problems(text, in: directory) == [])
    }

    @Test func everyUnusablePathIsNamedAtOnce() throws {
        let directory = try TemporaryDirectory()
        try directory.write("file", "")
        let text = text(
            state: "file",
            sinks: """
                "one": {"type": "file", "path": "none/one.jsonl"}, "two": {"type": "file", "path": "file/x"},
                "three": {"type": "file", "path": "."}
                """,
            listen: #", "unix:\#(directory.path)/file", "unix:/nonexistent/s""#)
        let root = directory.path
        #expect(
            try problems(text, in: directory).map { "\($0.path): \($0.found)" } == [
                #"state_directory: "\#(root)/file": "\#(root)/file" is not a directory"#,
                #"listen[1]: "\#(root)/file": there is something else than a socket"#,
                #"listen[2]: "/nonexistent/s": there is no directory "/nonexistent""#,
                #"sinks.one.path: "\#(root)/none/one.jsonl": there is no directory "\#(root)/none""#,
                #"sinks.two.path: "\#(root)/file/x": "\#(root)/file/x" cannot be looked at (Not a directory)"#,
                #"sinks.three.path: "\#(root)/.": not a regular file"#,
            ])
    }

    @Test(
        "a sink may not write to a file of the daemon's own",
        arguments: [
            ("state/hookd.db", "the store"), ("state/hookd.db-wal", "its log, which is not there yet"),
            ("state/../state/hookd.lock", "by a detour"), ("linked/hookd.mark", "by a link to the directory"),
        ])
    func ownFiles(path: String, why: String) throws {
        let directory = try TemporaryDirectory()
        let state = directory.path + "/state"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: directory.path + "/linked", withDestinationPath: state)
        func problems(_ path: String) throws -> [String] {
            try self.problems(text(sinks: #""one": {"type": "file", "path": "\#(path)"}"#), in: directory).map(\.path)
        }
        #expect(try problems(path) == ["sinks.one.path"], "\(why)")
        #expect(try problems("state/events.jsonl") == [])
    }

    @Test func theConfigurationIsNoSinksFile() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "hookd.json", text(sinks: #""one": {"type": "file", "path": "hookd.json"}"#).text)
        let configuration = try Configuration.load(path: file, environment: ["GOOD": "a good secret"])
        let errors = #expect(throws: ConfigurationErrors.self) { try configuration.validateEnvironment() }
        #expect(errors?.problems.map(\.path) == ["sinks.one.path"])
    }

    @Test(
        "a sink may not write to a file that the configuration names to be read",
        arguments: [
            ("secret", "endpoints./c.secrets[1].file", "a secret"),
            ("linked", "endpoints./c.secrets[1].file", "the same by a link"),
            ("credentials/signing", "endpoints./c.secrets[2].credential", "a credential of systemd"),
            ("token", "admin.token.file", "the admin listener's token"),
            ("target.key", "sinks.crm.tls.key.file", "the key that a target is shown"),
            ("target.crt", "sinks.crm.tls.certificate", "the certificate that a target is shown"),
            ("ca.crt", "sinks.crm.tls.ca", "the authorities of a target"),
            ("bearer", "sinks.crm.authorization.file", "what a target is told"),
            ("sign", "sinks.crm.sign.secrets[0].file", "what requests are signed with"),
            ("site.crt", "listen[0].tls.certificates[0].certificate", "a listener's certificate"),
            ("site.key", "listen[0].tls.certificates[0].key.file", "its key"),
            ("clients.crt", "listen[0].tls.client_ca", "the authorities of clients"),
        ])
    func namedFiles(path: String, key: String, why: String) throws {
        let directory = try TemporaryDirectory()
        let credentials = directory.path + "/credentials"
        try FileManager.default.createDirectory(atPath: credentials, withIntermediateDirectories: false)
        for name in ["token", "target.key", "target.crt", "ca.crt", "bearer", "sign", "secret", "credentials/signing"] {
            try directory.write(name, "sixteen-bytes-or-more-of-\(name)")
        }
        let site = try Issued("site", names: "DNS:a.example")
        try directory.write("site.crt", site.certificate)
        try directory.write("site.key", site.key)
        try directory.write("clients.crt", Issued("clients", isAuthority: true).certificate)
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/linked", withDestinationPath: directory.path + "/secret")
        let text = """
            {"listen": [{"address": "127.0.0.1:0", "tls": {
               "certificates": [{"certificate": "site.crt", "key": {"file": "site.key"}}],
               "client_ca": "clients.crt"}}],
             "state_directory": "state", "admin": {"token": {"file": "token"}},
             "endpoints": {"/c": {"secrets": [{"env": "GOOD"}, {"file": "secret"}, {"credential": "signing"}]}},
             "sinks": {
               "crm": {
                 "type": "forward", "url": "https://crm.example.com/", "authorization": {"file": "bearer"},
                 "sign": {"secrets": [{"file": "sign"}]},
                 "tls": {"ca": "ca.crt", "certificate": "target.crt", "key": {"file": "target.key"}}},
               "archive": {"type": "file", "path": "\(path)"}}}
            """
        let configuration = try ConfigurationText.whole(text).load(
            environment: ["CREDENTIALS_DIRECTORY": credentials], directory: directory.path)
        let errors = #expect(throws: ConfigurationErrors.self) { try configuration.validateEnvironment() }
        #expect(errors?.problems.map(\.path) == ["sinks.archive.path"], "\(why)")
        #expect(errors?.problems.first?.found.hasSuffix("\(path)\", the file that \(key) names") == true)
        #expect(errors?.problems.first?.expected == "a file of its own")
    }

    @Test func oneFileUnderTwoNamesIsRefused() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("one.jsonl", "")
        try FileManager.default.createSymbolicLink(atPath: directory.path + "/two.jsonl", withDestinationPath: file)
        let text = text(
            sinks: #""one": {"type": "file", "path": "one.jsonl"}, "two": {"type": "file", "path": "two.jsonl"}"#)
        #expect(try problems(text, in: directory).map(\.path) == ["sinks.two.path"])
    }

    @Test func whatCannotBeWrittenIsRefused() throws {
        let directory = try TemporaryDirectory()
        try directory.write("one.jsonl", "", mode: 0o444)
        let closed = directory.path + "/closed"
        try FileManager.default.createDirectory(
            atPath: closed, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
        let text = text(
            state: "closed/state", sinks: #""one": {"type": "file", "path": "one.jsonl"}"#,
            listen: #", "unix:\#(closed)/s""#)
        let found = try withoutPrivileges { try problems(text, in: directory) }
        #expect(found.map(\.path) == ["state_directory", "listen[1]", "sinks.one.path"])
        #expect(found.allSatisfy { $0.found.hasSuffix("cannot be written (Permission denied)") })
    }

    /// Runs `body` as a user whom permissions bind, as far as files are concerned: root is bound by none, and
    /// the tests may run as root. Only this thread is changed, and only until `body` returns (setfsuid(2)).
    private func withoutPrivileges<Value>(_ body: () throws -> Value) throws -> Value {
        typealias SetFileSystemUser = @convention(c) (uid_t) -> CInt
        // Glibc has it and Swift's module of Glibc does not.
        let symbol = try #require(dlsym(dlopen(nil, RTLD_NOW), "setfsuid"))
        let setFileSystemUser = unsafeBitCast(symbol, to: SetFileSystemUser.self)
        let user = geteuid() == 0 ? 65_534 : geteuid()
        _ = setFileSystemUser(user)
        defer { _ = setFileSystemUser(geteuid()) }
        return try body()
    }
}
