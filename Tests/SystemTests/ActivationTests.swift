// Sockets that are handed over, as systemd does it: which are taken, what is said of those that are missing, and that
// no client notices when the daemon is started anew.

import Foundation
import Testing

@Suite("Sockets that are handed over", .serialized) struct ActivationTests {
    @Test("are listened on: all of them, or by name") func taken() throws {
        let (web, more, admin) = (try HandedSocket("web"), try HandedSocket("web"), try HandedSocket("admin"))
        let home = try DaemonHome()
        try home.directory.write("0123456789abcdef", to: "token")
        for listen in ["systemd", "systemd:web"] {
            let settings = Settings(
                listen: listen, top: ["admin": #"{"listen": "systemd:admin", "token": {"file": "token"}}"#])
            let daemon = try DaemonProcess(in: home, settings, sockets: [web, admin, more])
            for port in [web.port, more.port] {
                let answer = try RawConnection(port: port).exchange(SignedCallback.unique().request())
                #expect(answer.status == 200)
            }
            let status = try daemon.command("status", "--json")
            #expect(status.ending == .exited(0), "\(status.errors)")
            #expect(status.output.contains("127.0.0.1:\(web.port)") && status.output.contains("\(more.port)"))
            #expect(!status.output.contains("127.0.0.1:\(admin.port)"))
            #expect(try daemon.stop() == .exited(0))
        }
    }

    @Test("of a Unix socket, whose file stays") func unix() throws {
        let home = try DaemonHome()
        let path = home.directory.file("web.sock")
        let (web, admin) = (try HandedSocket("web", path: path), try HandedSocket("web"))
        let daemon = try DaemonProcess(in: home, Settings(listen: "systemd"), sockets: [admin, web])
        #expect(try RawConnection(path: path).exchange(SignedCallback.unique().request()).status == 200)
        #expect(try daemon.stop() == .exited(0))
        #expect(access(path, F_OK) == 0)
    }

    @Test("with encryption and a proxy in front, as any other") func objectForm() throws {
        let web = try HandedSocket("web")
        let entry = #"{"address": "systemd:web", "proxy_protocol": ["127.0.0.1"]}"#
        let daemon = try DaemonProcess(
            in: DaemonHome(), Settings(listeners: [entry], logLevel: "debug"), sockets: [web])
        let connection = try RawConnection(port: web.port)
        try connection.send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")
        #expect(try connection.exchange(SignedCallback("{}", secret: "wrong").request()).status == 401)
        _ = try daemon.process.errors.wait("the client") { $0.contains("192.0.2.7") ? true : nil }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("get what a reload says of their entry, all of them") func reload() throws {
        let home = try DaemonHome()
        let sockets = [try HandedSocket("web"), try HandedSocket("web")]
        func settings(_ keys: String) -> Settings {
            var settings = Settings(
                listeners: [#"{"address": "systemd:web"\#(keys)}"#], endpoint: ["allow": #"["192.0.2.9"]"#])
            settings.listen = "unix:\(home.directory.file("own.sock"))"
            return settings
        }
        func statuses() throws -> [Int] {
            try sockets.map { socket in
                let request = try SignedCallback.unique().request(adding: ["X-Forwarded-For: 192.0.2.9"])
                return try RawConnection(port: socket.port).exchange(request).status
            }
        }
        try home.directory.write(settings("").json, to: "hookd.json")
        let process = try activate(["serve", "--config", home.configurationPath], with: sockets)
        _ = try process.errors.wait("the start") { $0.contains("hookd listening on ") ? true : nil }
        #expect(try statuses() == [403, 403])
        let forwarded = #", "forwarded": {"header": "x-forwarded-for", "trusted": ["127.0.0.1"]}"#
        try home.directory.write(settings(forwarded).json, to: "hookd.json")
        let run = try hookd(["reload", "--config", home.configurationPath])
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(try statuses() == [200, 200])
        process.signal(SIGTERM)
        #expect(try process.wait() == .exited(0))
    }

    struct Missing: Sendable, CustomTestStringConvertible {
        let listen: String, names: [String], key: String, says: String, why: String
        var top: [String: String] = [:]
        var testDescription: String { why }
    }

    @Test(
        "that are missing end it with 78",
        arguments: [
            Missing(
                listen: "systemd", names: [], key: "listen[0]", says: "systemd handed over no socket",
                why: "started from a shell"),
            Missing(
                listen: "systemd:web", names: ["other"], key: "listen[0]", says: #""other" (127.0.0.1:"#,
                why: "another name"),
            Missing(
                listen: "systemd:web", names: ["web"], key: "admin.listen", says: "systemd handed over",
                why: "the admin listener's", top: ["admin": #"{"listen": "systemd:admin"}"#]),
            Missing(
                listen: "systemd:web", names: ["web", "admin"], key: "admin.token", says: "a token",
                why: "an admin listener for everybody", top: ["admin": #"{"listen": "systemd:admin"}"#]),
            Missing(
                listen: "systemd:web", names: ["web", "admin", "admin"], key: "admin.listen", says: "2 sockets",
                why: "two admin listeners", top: ["admin": #"{"listen": "systemd:admin"}"#]),
        ]) func missing(_ row: Missing) throws
    {
        let home = try DaemonHome()
        try home.directory.write(Settings(listen: row.listen, top: row.top).json, to: "hookd.json")
        let sockets = try row.names.map { try HandedSocket($0) }
        let run = try activate(["serve", "--config", home.configurationPath], with: sockets).finish()
        #expect(run.ending == .exited(78))
        #expect(run.errors.contains(row.key) && run.errors.contains(row.says), "\(run.errors)")
        #expect(!run.errors.contains("listening"))
        // From a shell nobody can see them, and that is no fault of the configuration.
        let check = try hookd(["check", "--config", home.configurationPath])
        #expect(check.ending == .exited(0), "\(check.errors)")
        #expect(check.output.contains("listen \(row.listen); handed over by systemd"), "\(check.output)")
    }

    @Test("that nobody takes are told of") func unclaimed() throws {
        let daemon = try DaemonProcess(
            in: DaemonHome(), Settings(listen: "systemd:web"), sockets: [HandedSocket("web"), HandedSocket("spare")])
        #expect(daemon.process.errors.text.contains(#""spare" (127.0.0.1:"#))
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("hide twenty starts from clients: each connects, each is answered, each event is there") func restarts()
        throws
    {
        let home = try DaemonHome()
        let web = try HandedSocket("web")
        let settings = Settings(listen: "systemd:web")
        var daemon = try DaemonProcess(in: home, settings, sockets: [web])
        let clients = OneShotClients(4, port: web.port)
        var target = 0
        for _ in 0..<20 {
            target = try clients.awaitAnswers(target + 50)
            daemon.process.signal(SIGTERM)
            #expect(try daemon.process.wait() == .exited(0))
            daemon = try DaemonProcess(in: home, settings, sockets: [web])
        }
        _ = try clients.awaitAnswers(target + 50)
        let results = try clients.finish()
        #expect(try daemon.stop() == .exited(0))
        #expect(results.failures.isEmpty, "\(results.failures.prefix(5))")
        #expect(try storedEvents(in: home).map(\.id).sorted() == results.stored.sorted())
        #expect(
            try lines(of: home.eventsPath).compactMap { try EventLine($0)["id"] }.sorted() == results.stored.sorted())
    }
}
