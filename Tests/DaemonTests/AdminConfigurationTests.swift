// `admin` in the configuration.

import Foundation
import Server
import Testing

@testable import Daemon

@Suite("admin in the configuration") struct AdminConfigurationTests {
    static let token = "0123456789abcdef"

    @Test("nothing said: a place of the daemon's choice, and no token") func silent() throws {
        let admin = try ConfigurationText.right.load().admin
        #expect(admin.listen == nil && admin.token == nil)
    }

    @Test("a Unix socket, with or without a token") func socket() throws {
        let plain = try ConfigurationText.more(#""admin": {"listen": "unix:/run/hookd/admin.sock"}"#).load().admin
        #expect(plain.listen == .unix(path: "/run/hookd/admin.sock") && plain.token == nil)
        let text = #""admin": {"listen": "unix:/run/a", "token": {"env": "TOKEN"}}"#
        let guarded = try ConfigurationText.more(text).load(environment: ["TOKEN": Self.token]).admin
        #expect(guarded.token?.withBytes { $0 } == Array(Self.token.utf8))
    }

    @Test("a socket that systemd hands over, but not one of callbacks") func activated() throws {
        let admin = #", "admin": {"listen": "systemd:admin"}"#
        func text(_ listen: String) -> ConfigurationText {
            .whole(#"{"listen": ["\#(listen)"], "state_directory": "/s", "endpoints": {}\#(admin)}"#)
        }
        #expect(!text("systemd:web").problems().contains { $0.path == "admin.listen" })
        #expect(text("systemd:admin").problems().contains { $0.path == "admin.listen" })
    }

    @Test("a TCP address with a token") func address() throws {
        let text = #""admin": {"listen": "127.0.0.1:9100", "token": {"env": "TOKEN"}}"#
        let admin = try ConfigurationText.more(text).load(environment: ["TOKEN": Self.token]).admin
        #expect(admin.listen == .tcp(host: "127.0.0.1", port: 9100))
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let admin: String, path: String, why: String
        var testDescription: String { "\(why): \(admin)" }

        init(_ admin: String, _ path: String, _ why: String) {
            (self.admin, self.path, self.why) = (admin, path, why)
        }
    }

    @Test(
        "refused",
        arguments: [
            Refusal(#"{"listen": "127.0.0.1:9100"}"#, "admin.token", "everybody on the network could ask"),
            Refusal(#"{"listen": "[::1]:0"}"#, "admin.token", "everybody on this machine could ask"),
            Refusal(#"{"listen": "9100"}"#, "admin.listen", "no address"),
            Refusal(#"{"listen": "systemd"}"#, "admin.listen", "all sockets, those of callbacks as well"),
            Refusal(#"{"listen": "unix:admin.sock"}"#, "admin.listen", "a relative path"),
            Refusal(
                #"{"listen": "unix:/\#(String(repeating: "a", count: 107))"}"#, "admin.listen", "longer than sun_path"),
            Refusal(#"{"listen": 9100}"#, "admin.listen", "no text"),
            Refusal(#"{"port": 9100}"#, "admin.port", "no such key"),
            Refusal(#""unix:/run/a""#, "admin", "a text for an object"),
            Refusal(#"{"token": "\#(token)"}"#, "admin.token", "the token itself"),
            Refusal(#"{"token": {"env": "SHORT"}}"#, "admin.token", "a token that can be guessed"),
            Refusal(#"{"token": {"env": "BLANKS"}}"#, "admin.token", "a token that no header field can hold"),
            Refusal(#"{"token": {"env": "NONE"}}"#, "admin.token", "no token there"),
            Refusal(#"{"token": {"env": "TOKEN", "until": "2090-01-01T00:00:00Z"}}"#, "admin.token.until", "no end"),
        ]) func refused(_ refusal: Refusal)
    {
        let environment = ["TOKEN": Self.token, "SHORT": "0123456789abcde", "BLANKS": "0123456789 abcdef"]
        let problems = ConfigurationText.more(#""admin": \#(refusal.admin)"#).problems(environment: environment)
        #expect(problems.map(\.path) == [refusal.path])
        #expect(problems.allSatisfy { !$0.description.contains(Self.token) }, "a token is never shown")
    }

    @Test("a socket whose directory is missing is told of before the start") func missingDirectory() throws {
        let directory = try TemporaryDirectory()
        let text = #""admin": {"listen": "unix:\#(directory.path)/none/admin.sock"}"#
        var configuration = try ConfigurationText.more(text).load()
        configuration.stateDirectory = directory.path
        let errors = #expect(throws: ConfigurationErrors.self) { try configuration.validateEnvironment() }
        #expect(errors?.problems.map(\.path) == ["admin.listen"])
    }
}

@Suite("The place of the admin listener") struct AdminPlaceTests {
    @Test("a path that fits is used as it is") func short() {
        let place = AdminPlace(text: "unix:/run/a")
        #expect(place?.socketPath == "/run/a" && place?.text == "unix:/run/a")
        #expect(place?.isOpen == false)
    }

    @Test("a longer one is reached by way of its directory") func long() throws {
        let directory = try TemporaryDirectory()
        let long = directory.path + "/" + String(repeating: "s", count: 100)
        try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
        let place = try #require(AdminPlace(text: "unix:\(long)/admin.sock"))
        #expect(place.text == "unix:\(long)/admin.sock")
        let bound = try #require(place.socketPath)
        #expect(bound.utf8.count <= ListenAddress.unixPathLimitBytes && bound.hasPrefix("/proc/self/fd/"))
        #expect(AdminPlace(text: "unix:\(long)/none/admin.sock") == nil, "no such directory")
        #expect(AdminPlace(text: "unix:\(long)/\(String(repeating: "s", count: 100))") == nil, "a name too long alone")
    }

    @Test("the runtime directory comes before the state directory") func order() throws {
        var configuration = try ConfigurationText.right.load()
        configuration.stateDirectory = "/s"
        func places(_ runtime: String?) -> [String] {
            AdminPlace.defaults(configuration, environment: runtime.map { ["RUNTIME_DIRECTORY": $0] } ?? [:])
                .map(\.text)
        }
        #expect(places("/run/hookd:/run/other") == ["unix:/run/hookd/admin.sock", "unix:/s/admin.sock"])
        #expect(places(nil) == ["unix:/s/admin.sock"])
        #expect(places("relative") == ["unix:/s/admin.sock"])
    }
}
