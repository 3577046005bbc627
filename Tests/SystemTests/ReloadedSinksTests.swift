// Sinks, endpoints and limits that change while callbacks come: nobody is refused, and nothing is delivered twice or left
// out.

import Foundation
import Testing

@Suite("A reload of sinks, endpoints and limits") struct ReloadedSinksTests {
    private func reload(_ daemon: DaemonProcess, _ settings: Settings) throws -> String {
        try daemon.home.directory.write(settings.json, to: "hookd.json")
        let reload = try daemon.command("reload")
        #expect(reload.ending == .exited(0), "\(reload.errors)")
        return reload.output
    }

    /// Does something again and again while a reload takes place: once at least, and some times at most.
    private func reload(_ daemon: DaemonProcess, _ settings: Settings, meanwhile body: () throws -> Void) throws {
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            #expect(throws: Never.self) { _ = try reload(daemon, settings) }
            done.signal()
        }
        for _ in 0..<15 {
            try body()
            if done.wait(timeout: .now()) == .success { return }
        }
        done.wait()
    }

    /// The sequence numbers of a file's lines, in the order of the file.
    private func sequences(_ path: String) throws -> [Int64] {
        try lines(of: path).map { line in
            guard let number = try EventLine(line)["sequence"].flatMap({ Int64($0) }) else {
                throw Failure("no sequence: \(line)")
            }
            return number
        }
    }

    private static func file(_ name: String) -> String { #"{"type": "file", "path": "\#(name)"}"# }

    /// What is in force at the n-th reload. `archive` is there all along, and never changes.
    private func sinks(_ index: Int, target: UInt16) -> [String: String] {
        var sinks = ["archive": Self.file("events.jsonl")]
        // Another file each time, and now and then the file is full at once.
        let rotation = index % 4 == 1 ? #", "rotate": {"size": "64KiB", "keep": 1000}"# : ""
        sinks["moving"] = #"{"type": "file", "path": "moving-\#(index % 3).jsonl"\#(rotation)}"#
        if index % 3 != 0 {
            let concurrency = 1 + index % 4
            sinks["crm"] =
                #"{"type": "forward", "url": "http://127.0.0.1:\#(target)/in", "concurrency": \#(concurrency)}"#
        }
        if index % 5 == 0 { sinks["guest"] = Self.file("guest.jsonl") }
        if index % 7 == 0 {
            sinks["narrow"] = #"{"type": "file", "path": "narrow.jsonl", "types": ["message_inbound"]}"#
        }
        return sinks
    }

    @Test("a hundred of them under load: no request fails, and every event is where it belongs, once")
    func hundred() throws {
        let target = try ForwardTarget()
        defer { target.close() }
        let daemon = try DaemonProcess(Settings(sinks: sinks(0, target: target.port)))
        let connections = try (0..<4).map { _ in try daemon.connect() }
        var sentCount = 0
        for index in 1...100 {
            let limits = ["connections": "\(1000 + index)", "idle_timeout": "\"\(60 + index)s\""]
            let settings = Settings(
                endpoint: ["tolerance": "\"\(200 + index)s\""], sinks: sinks(index, target: target.port), limits: limits
            )
            try reload(daemon, settings) {
                let answer = try connections[sentCount % 4].exchange(SignedCallback.unique().request())
                #expect(answer.status == 200, "\(answer.text)")
                sentCount += 1
            }
        }
        let metrics = try MetricLines(daemon.admin("/metrics").text)
        let descriptorCount = try #require(metrics["process_open_fds"])
        // Some 40 stay, and up to 60 while files that are gone wait for the disk. One left by each would be 140.
        #expect(descriptorCount < 100, "what is gone has given up its descriptors")
        #expect(metrics["hookd_config_last_reload_successful"] == 1)
        // The hundredth has no `narrow`, and the series of what is gone are gone.
        #expect(metrics[#"hookd_sink_lag_events{sink="archive"}"#] != nil)
        #expect(metrics[#"hookd_sink_lag_events{sink="narrow"}"#] == nil)
        let names = (try daemon.status()["sinks"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
        #expect(names.map { Set($0) } == ["archive", "moving", "crm", "guest"])
        #expect(try daemon.stop() == .exited(0))

        let stored = try storedEvents(in: daemon.home).map(\.sequence)
        #expect(stored == Array(1...Int64(sentCount)))
        #expect(try sequences(daemon.home.eventsPath) == stored, "the one that was there all along has all, in order")
        let moving = try files(under: daemon.home.directory.path).filter { $0.contains("/moving-") }.map(sequences)
        #expect(moving.allSatisfy { $0 == $0.sorted() })
        #expect(moving.joined().sorted() == stored, "the one that moved has each in one of its files")
        let guest = try sequences(daemon.home.directory.file("guest.jsonl"))
        #expect(guest == guest.sorted() && Set(guest).count == guest.count, "the one that came and went has none twice")
        let sent = target.requests.compactMap { $0.fields["ce-sequence"].flatMap { Int64($0) } }
        #expect(!sent.isEmpty && Set(sent).count == sent.count, "the target got none twice")
        // It came back where it had stopped, so it missed nothing of what was stored since it came.
        #expect(Set(sent) == Set(stored.filter { $0 >= sent.min() ?? 0 }))
    }

    @Test("an endpoint with its sink comes, counts, and goes") func endpoint() throws {
        let sinks = ["archive": Self.file("events.jsonl")]
        let daemon = try DaemonProcess(Settings(sinks: sinks))
        #expect(try daemon.post(SignedCallback.unique(), path: "/more").status == 404)
        let both = Settings(
            paths: ["/callbacks", "/more"],
            sinks: ["archive": Self.file("events.jsonl"), "more": Self.file("more.jsonl")])
        let output = try reload(daemon, both)
        // In the order of the file, which is any here.
        let phrases = output.trimming(prefix: "the new configuration is in force: ").split(separator: "; ")
        #expect(phrases == ["endpoint /callbacks changed (sinks)", "endpoint /more added", "sink more added"])
        #expect(try daemon.post(SignedCallback.unique(), path: "/more").status == 200)
        #expect(try awaitLines(1, in: daemon.home.directory.file("more.jsonl")).count == 1)
        #expect(try awaitLines(1, in: daemon.home.eventsPath).count == 1)
        let series = #"hookd_callbacks_total{endpoint="/more",outcome="stored"}"#
        #expect(try MetricLines(daemon.admin("/metrics").text)[series] == 1)
        _ = try reload(daemon, Settings(sinks: sinks))
        #expect(try daemon.post(SignedCallback.unique(), path: "/more").status == 404)
        #expect(try MetricLines(daemon.admin("/metrics").text)[series] == nil)
        #expect(try rows(of: daemon.home, "SELECT count(*) FROM cursors WHERE sink = 'more'") == [["1"]])
    }

    @Test("a sink that is gone goes on where it was when it comes back, also after a restart") func comingBack() throws
    {
        let (one, two) = (["archive": Self.file("events.jsonl")], ["guest": Self.file("guest.jsonl")])
        let home = try DaemonHome()
        var daemon = try DaemonProcess(in: home, Settings(sinks: one))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        _ = try reload(daemon, Settings(sinks: one.merging(two) { $1 }))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        #expect(try awaitLines(1, in: home.directory.file("guest.jsonl")).count == 1)
        _ = try reload(daemon, Settings(sinks: one))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        #expect(try daemon.stop() == .exited(0))
        daemon = try DaemonProcess(in: home, Settings(sinks: one))
        _ = try reload(daemon, Settings(sinks: one.merging(two) { $1 }))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        #expect(try awaitLines(3, in: home.directory.file("guest.jsonl")).count == 3)
        #expect(try daemon.stop() == .exited(0))
        #expect(try sequences(home.directory.file("guest.jsonl")) == [2, 3, 4])
        #expect(try sequences(home.eventsPath) == [1, 2, 3, 4])
    }

    @Test("a target that hangs is left, and what it may have got is sent to the next one") func hanging() throws {
        let deaf = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(deaf) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(deaf, $0, length) == 0 && listen(deaf, 16) == 0 && getsockname(deaf, $0, &length) == 0
            }
        }
        try #require(isListening)
        let port = UInt16(bigEndian: address.sin_port)
        let sink = #"{"type": "forward", "url": "http://127.0.0.1:\#(port)/", "timeout": "600s"}"#
        let daemon = try DaemonProcess(Settings(sinks: ["crm": sink]))
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        try #require(wait(for: POLLIN, on: deaf, until: Deadline()), "it is on its way")
        let target = try ForwardTarget()
        defer { target.close() }
        _ = try reload(daemon, Settings(sinks: ["crm": target.sink]))
        #expect(try target.awaitRequests(1).first?.fields["ce-sequence"].flatMap { Int64($0) } == 1)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("limits hold for requests that come after it") func limits() throws {
        let daemon = try DaemonProcess()
        let connection = try daemon.connect()
        let large = try SignedCallback(#"{"n":"\#(String(repeating: "x", count: 5000))"}"#)
        #expect(try connection.exchange(large.request()).status == 200)
        let output = try reload(daemon, Settings(limits: ["body": "\"4KiB\""]))
        #expect(output == "the new configuration is in force: limits.body added\n")
        let another = try SignedCallback(#"{"m":"\#(String(repeating: "x", count: 5000))"}"#)
        #expect(try connection.exchange(another.request()).status == 413)
        _ = try reload(daemon, Settings())
        #expect(try daemon.post(another).status == 200)
    }

    @Test("a proxy is believed where the file says so, although one entry of `listen` may be several sockets")
    func proxies() throws {
        let (one, two) = (try HandedSocket("web"), try HandedSocket("web"))
        func settings(_ forwarded: String) -> Settings {
            Settings(
                listen: "systemd:web", listeners: [#"{"address": "127.0.0.1:0"\#(forwarded)}"#],
                endpoint: ["allow": #"["192.0.2.1"]"#])
        }
        let daemon = try DaemonProcess(in: DaemonHome(), settings(""), sockets: [one, two])
        let listeners = try #require(try daemon.status()["listeners"] as? [[String: Any]])
        let address = try #require(listeners.last?["address"] as? String)
        let own = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        func status(_ port: UInt16) throws -> Int {
            let request = try SignedCallback.unique().request(adding: ["X-Forwarded-For: 192.0.2.1"])
            return try RawConnection(port: port).exchange(request).status
        }
        #expect(try [one.port, two.port, own].map(status) == [403, 403, 403])
        _ = try reload(daemon, settings(#", "forwarded": {"header": "x-forwarded-for", "trusted": ["127.0.0.1"]}"#))
        #expect(try [one.port, two.port, own].map(status) == [403, 403, 200])
        _ = try reload(daemon, settings(""))
        #expect(try [one.port, two.port, own].map(status) == [403, 403, 403])
    }

    @Test("the admin listener's token is another one at once") func token() throws {
        let home = try DaemonHome()
        try home.directory.write("0123456789abcdef-one", to: "one")
        try home.directory.write("0123456789abcdef-two", to: "two")
        func settings(_ token: String) -> Settings { Settings(top: ["admin": #"{"token": {"file": "\#(token)"}}"#]) }
        let daemon = try DaemonProcess(in: home, settings("one"))
        #expect(try daemon.command("status").ending == .exited(0))
        try home.directory.write(settings("two").json, to: "hookd.json")
        // The command reads the new token already, which is not in force yet.
        daemon.process.signal(SIGHUP)
        _ = try daemon.process.errors.wait("the verdict") { $0.contains("is in force") ? true : nil }
        #expect(try daemon.command("status").ending == .exited(0))
    }
}

extension String {
    /// The phrases of a line, sorted.
    fileprivate func trimming(prefix: String) -> String {
        let rest = hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
        return rest.split(separator: "\n").joined().split(separator: "; ").sorted().joined(separator: "; ")
    }
}
