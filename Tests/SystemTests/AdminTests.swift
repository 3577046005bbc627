// Health, readiness and status: over the admin listener, and by the commands that ask it.

import Foundation
import Glibc
import Testing

@Suite("The admin listener", .daemon()) struct AdminTests {
    @Test("is for its owner only, and gone with the daemon") func socket() throws {
        let daemon = try DaemonProcess()
        var status = stat()
        #expect(lstat(daemon.home.adminPath, &status) == 0)
        #expect(status.st_mode == S_IFSOCK | 0o600)
        let note = daemon.home.directory.file("state/hookd.admin")
        #expect(try String(contentsOfFile: note, encoding: .utf8) == "unix:\(daemon.home.adminPath)\n")
        #expect(try daemon.stop() == .exited(0))
        #expect(lstat(daemon.home.adminPath, &status) != 0 && lstat(note, &status) != 0)
    }

    @Test("is nowhere near the listener of callbacks") func apart() throws {
        let daemon = try DaemonProcess()
        for path in ["/healthz", "/readyz", "/status", "/metrics", "/reload", "/dead-letters"] {
            let answer = try daemon.connect().exchange(Array("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            #expect(answer.status == 404, "\(path)")
        }
    }

    @Test("a path too long for a socket address is reached all the same") func longPath() throws {
        let home = try DaemonHome()
        let state = String(repeating: "s", count: 120)
        let daemon = try DaemonProcess(in: home, Settings(stateDirectory: state))
        let health = try daemon.command("health")
        #expect(health.ending == .exited(0) && health.output == "ready\n", "\(health.errors)")
        #expect(try hookd(["health", "--state-directory", home.directory.file(state)]).ending == .exited(0))
        #expect(try daemon.stop() == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: home.directory.file(state) + "/admin.sock"))
    }

    @Test(
        "answers what is there, and tells what is not",
        arguments: [
            ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/status", 200),
            ("GET", "/metrics", 200), ("GET", "/dead-letters", 200), ("GET", "/quarantine", 200),
            ("GET", "/dead-letters/1", 404), ("GET", "/quarantine/x", 404), ("GET", "/", 404), ("GET", "/nope", 404),
            ("GET", "/reload", 405), ("GET", "/backup", 405), ("POST", "/status", 405), ("PUT", "/status", 405),
            ("POST", "/replay", 400), ("POST", "/backup", 400), ("POST", "/dead-letters/drop", 400),
            ("GET", "/dead-letters?limit=x", 400), ("GET", "/dead-letters?page=1", 400),
        ])
    func routes(_ method: String, _ target: String, _ status: Int) throws {
        let daemon = try SharedDaemon.current
        let request = Array("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let answer = try RawConnection(path: daemon.home.adminPath).exchange(request, isHead: method == "HEAD")
        #expect(answer.status == status, "\(answer.text)")
        if status == 405 { #expect(answer.field("allow") == "GET, HEAD, POST") }
        if status >= 400 { #expect(answer.text.hasPrefix(#"{"error":{"code":\#(status),"message":""#)) }
    }

    @Test("ready only while a callback would be stored, whatever the sinks do") func readiness() throws {
        let sink = #"{"type": "forward", "url": "http://127.0.0.1:1/", "retry": {"initial": "10s"}}"#
        let daemon = try DaemonProcess(Settings(sinks: ["crm": sink]))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        #expect(try daemon.admin("/readyz").status == 200, "a sink that fails is no reason")
        #expect(try MetricLines(daemon.admin("/metrics").text)["hookd_ready"] == 1)
        #expect(try daemon.command("health").ending == .exited(0))

        try setFileSizeLimit(0, ofProcess: daemon.process.pid)
        let unready = try poll("an answer that is not from before") {
            let answer = try daemon.admin("/readyz")
            return answer.status == 503 ? answer : nil
        }
        #expect(unready.text.contains(#""status":"not ready","problem":""#))
        #expect(try daemon.post(SignedCallback.unique()).status == 503, "it told the truth")
        #expect(try daemon.admin("/healthz").status == 200, "the process answers")
        let health = try daemon.command("health")
        #expect(health.ending == .exited(75) && health.output.isEmpty && !health.errors.isEmpty)
        #expect(try daemon.command("status").output.contains("DOES NOT STORE CALLBACKS"))
        #expect(try MetricLines(daemon.admin("/metrics").text)["hookd_ready"] == 0)

        try setFileSizeLimit(.max, ofProcess: daemon.process.pid)
        _ = try poll("ready again") { try daemon.admin("/readyz").status == 200 ? true : nil }
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
    }

    @Test("not ready while it stops, and puts no other configuration in force") func stopping() throws {
        let daemon = try DaemonProcess(Settings(limits: ["drain_timeout": "\"30s\""]))
        let waiting = try daemon.connect()
        try waiting.send("POST /callbacks HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1")
        _ = try poll("a request that is arriving") {
            try daemon.admin("/metrics").text.contains(#"hookd_connections{state="reading"} 1"#) ? true : nil
        }
        daemon.process.signal(SIGTERM)
        let answer = try poll("stopping") {
            let answer = try daemon.admin("/readyz")
            return answer.status == 503 ? answer : nil
        }
        #expect(answer.text.contains("stopping"))
        let refusal = try daemon.admin("/reload", body: "")
        #expect(refusal.status == 503 && refusal.text.contains("stopping"), "\(refusal.text)")
        #expect(refusal.field("retry-after") != nil)
        let reload = try daemon.command("reload")
        #expect(reload.ending == .exited(75) && reload.output.isEmpty && reload.errors.contains("stopping"))
        try waiting.send("234567890")
        #expect(try waiting.answer().status == 401)
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test("status tells of endpoints, sinks and the store") func status() throws {
        let daemon = try DaemonProcess()
        let callback = try SignedCallback.unique()
        for _ in 0..<2 { _ = try daemon.post(callback) }
        #expect(try daemon.post(SignedCallback("{}", secret: "wrong")).status == 401)
        _ = try awaitLines(1, in: daemon.home.eventsPath)
        let status = try daemon.status()
        #expect(status["version"] as? String == "0.1.0" && status["ready"] as? Bool == true)
        #expect(status["pid"] as? Int == Int(daemon.process.pid))
        let endpoint = try #require((status["endpoints"] as? [[String: Any]])?.first)
        let outcomes = try #require(endpoint["outcomes"] as? [String: Int])
        #expect(outcomes.filter { $0.value > 0 } == ["stored": 1, "duplicate": 1, "forged": 1])
        #expect(endpoint["last_event"] is String)
        let secret = try #require((endpoint["secrets"] as? [[String: Any]])?.first)
        #expect(secret["name"] as? String == "file:secret" && secret["last_used"] is String)
        let sink = try #require((status["sinks"] as? [[String: Any]])?.first)
        #expect(sink["name"] as? String == "archive" && sink["type"] as? String == "file")
        #expect((status["store"] as? [String: Any])?["events"] as? Int == 1)
        #expect((status["store"] as? [String: Any])?["nonces"] as? Int == 1)

        let shown = try daemon.command("status")
        #expect(shown.ending == .exited(0))
        #expect(shown.output.contains("1 stored, 1 duplicate, 1 forged"))
        #expect(shown.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let json = try daemon.command("status", "--json")
        #expect(try jsonObject(json.output)["pid"] as? Int == Int(daemon.process.pid))
        for text in [shown.output, json.output] { #expect(!text.contains(DaemonHome.secret)) }
    }

    @Test("who is not there is unreachable") func unreachable() throws {
        let home = try DaemonHome()
        try home.directory.write(Settings().json, to: "hookd.json")
        for command in ["status", "health", "reload"] {
            let run = try hookd([command, "--config", home.configurationPath])
            #expect(run.ending == .exited(69) && run.output.isEmpty)
            #expect(run.errors.contains(home.statePath))
        }
        #expect(try hookd(["status", "--admin", "unix:\(home.directory.file("none"))"]).ending == .exited(69))
        // A daemon that was killed leaves word of where it was.
        let daemon = try DaemonProcess(in: home)
        try daemon.kill()
        #expect(try daemon.command("health").ending == .exited(69))
        #expect(try hookd(["status", "--admin", "nonsense"]).ending == .exited(64))
        #expect(try hookd(["status", "--config", home.directory.file("none.json")]).ending == .exited(78))
    }
}

@Suite("The admin listener on TCP") struct AdminAddressTests {
    private static let token = "canary-admin-5TjA0Wmv"

    private func start() throws -> (daemon: DaemonProcess, port: UInt16) {
        let home = try DaemonHome()
        try home.directory.write(Self.token + "\n", to: "token")
        let daemon = try DaemonProcess(
            in: home, Settings(top: ["admin": #"{"listen": "127.0.0.1:0", "token": {"file": "token"}}"#]))
        let found = try daemon.process.errors.wait("the admin listener's address") { text in
            text.firstMatch(of: /admin listener on 127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
        }
        return (daemon, try #require(found))
    }

    struct Attempt: CustomTestStringConvertible, Sendable {
        let fields: [String], status: Int, why: String
        var testDescription: String { why }
    }

    private static let right = "Authorization: Bearer \(token)"

    @Test(
        "a request",
        arguments: [
            Attempt(fields: ["Host: 127.0.0.1", right], status: 200, why: "with the token"),
            Attempt(fields: ["Host: localhost:80", "authorization: bearer \(token)"], status: 200, why: "by a name"),
            Attempt(fields: ["Host: [::1]:80", right], status: 200, why: "by another address"),
            Attempt(fields: ["Host: 127.0.0.1"], status: 401, why: "without a token"),
            Attempt(fields: ["Host: 127.0.0.1", right + "x"], status: 401, why: "with one that is longer"),
            Attempt(fields: ["Host: 127.0.0.1", "Authorization: \(token)"], status: 401, why: "without the scheme"),
            Attempt(fields: ["Host: 127.0.0.1", "Authorization: Basic eDp5"], status: 401, why: "of another scheme"),
            Attempt(fields: ["Host: evil.example", right], status: 421, why: "by a name that a stranger chose"),
            Attempt(fields: ["Host: 127.0.0.1.evil.example", right], status: 421, why: "by a name like an address"),
            Attempt(fields: ["Host: 127.0.0.1", right, "Origin: http://x"], status: 403, why: "of a web page"),
        ])
    func gate(_ attempt: Attempt) throws {
        let (daemon, port) = try start()
        for path in ["/healthz", "/status"] {
            let head = (["GET \(path) HTTP/1.1"] + attempt.fields).joined(separator: "\r\n") + "\r\n\r\n"
            let answer = try RawConnection(port: port).exchange(Array(head.utf8))
            #expect(answer.status == attempt.status, "\(path)")
            if attempt.status == 401 { #expect(answer.field("www-authenticate") == "Bearer") }
        }
        #expect(!daemon.process.errors.text.contains(Self.token))
    }

    @Test("commands find address and token by the configuration, or are told") func commands() throws {
        let (daemon, port) = try start()
        #expect(try daemon.command("health").ending == .exited(0))
        let token = daemon.home.directory.file("token")
        let told = try hookd(["health", "--admin", "127.0.0.1:\(port)", "--token-file", token])
        #expect(told.ending == .exited(0), "\(told.errors)")
        let untold = try hookd(["status", "--admin", "127.0.0.1:\(port)"])
        #expect(untold.ending == .exited(1) && untold.errors.contains("token"))
    }
}
