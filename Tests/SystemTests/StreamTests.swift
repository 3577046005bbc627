// The live stream of the admin listener: what comes, from where it goes on, and for how many.

import Foundation
import Glibc
import Testing

@Suite("The live stream of events") struct StreamTests {
    /// Stores callbacks like no others.
    @discardableResult
    private func store(_ count: Int, in daemon: DaemonProcess) throws -> [SignedCallback] {
        let callbacks = try (0..<count).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        return callbacks
    }

    @Test("sends what is stored, and then each event when it is") func live() throws {
        let daemon = try DaemonProcess()
        try store(2, in: daemon)
        let stream = try StreamReader(daemon, "/events?after=0")
        #expect(stream.head.status == 200 && stream.head.field("content-type") == "text/event-stream")
        #expect(stream.head.field("cache-control") == "no-store")
        let old = try stream.next(2)
        try store(1, in: daemon)
        let events = try old + stream.next(1)
        #expect(events.map(\.data) == (try awaitLines(3, in: daemon.home.eventsPath)))
        #expect(events.map(\.id) == (1...3).map { "000000000000000000\($0)" })
        for event in events {
            #expect(try EventLine(event.data ?? "")["type"] == event.type)
            #expect(try EventLine(event.data ?? "")["sequence"] == event.id)
        }
        let fresh = try StreamReader(daemon, "/events")
        try store(1, in: daemon)
        #expect(
            try fresh.next(1).first?.id == "0000000000000000004", "without a place, with what is stored from now on")
    }

    @Test("goes on where a reader was, whatever became of the daemon", arguments: [true, false])
    func resume(_ isKilled: Bool) throws {
        let home = try DaemonHome()
        let first = try DaemonProcess(in: home)
        try store(3, in: first)
        let stream = try StreamReader(first, "/events?since=1h")
        let taken = try stream.next(2)
        if isKilled { try first.kill() } else { #expect(try first.stop() == .exited(0)) }
        while try stream.next() != nil {}
        let second = try DaemonProcess(in: home)
        try store(1, in: second)
        // As a browser does it: the same question, and how far it came.
        let again = try StreamReader(
            second, "/events?since=1h", fields: ["Last-Event-ID: \(try #require(taken.last?.id))"])
        #expect(try again.next(2).map(\.id) == ["0000000000000000003", "0000000000000000004"])
    }

    @Test("sends what is asked for, and says where it ends") func filters() throws {
        let daemon = try DaemonProcess()
        try store(2, in: daemon)
        let contact = try SignedCallback(#"{"app_id":"A","contact_create_notification":{"contact":{"id":"C"}}}"#)
        #expect(try daemon.post(contact).status == 200)
        try store(1, in: daemon)
        for type in ["contact_create", "com.sinch.conversation.contact_create", "opt_in,contact_create"] {
            let stream = try StreamReader(daemon, "/events?after=0&live=false&type=\(type)")
            #expect(try stream.next(1).first?.id == "0000000000000000003")
            #expect(try stream.next() == SentEvent(id: "0000000000000000004", type: "end"), "what was passed over, too")
            #expect(try stream.next() == nil)
        }
        let app = try StreamReader(daemon, "/events?after=0&live=false&app=01APP")
        #expect(try app.next(3).map(\.id).last == "0000000000000000004")
    }

    @Test(
        "is refused with a reason",
        arguments: [
            ("/events?after=x", "", 400), ("/events?since=yesterday", "", 400), ("/events?after=1&since=1h", "", 400),
            ("/events?lines=1", "", 400), ("/events?live=maybe", "", 400), ("/events", "Last-Event-ID: x", 400),
            ("/tails/nobody/events", "", 404), ("/tails/nobody/events?after=1", "", 400),
        ]) func refused(_ target: String, _ field: String, _ status: Int) throws
    {
        let daemon = try DaemonProcess()
        let stream = try StreamReader(daemon, target, fields: field.isEmpty ? [] : [field])
        #expect(stream.head.status == status, "\(stream.head.text)")
    }

    @Test("is for many readers, and for no more than may be") func many() throws {
        let daemon = try DaemonProcess()
        var streams = try (0..<16).map { _ in try StreamReader(daemon, "/events") }
        #expect(streams.allSatisfy { $0.head.status == 200 })
        let refused = try StreamReader(daemon, "/events")
        #expect(refused.head.status == 503 && refused.head.field("retry-after") != nil)
        try store(5, in: daemon)
        for stream in streams { #expect(try stream.next(5).count == 5) }
        #expect(try daemon.admin("/status").status == 200, "commands still get in")
        streams.removeLast()
        _ = try poll("a place that became free") {
            let stream = try StreamReader(daemon, "/events")
            return stream.head.status == 200 ? stream : nil
        }
    }

    @Test("a reader that does not read keeps nobody else waiting, and then has everything") func slow() throws {
        let daemon = try DaemonProcess()
        let slow = try StreamReader(daemon, "/events")
        let other = try StreamReader(daemon, "/events")
        let text = String(repeating: "x", count: 500_000)
        for index in 0..<12 {
            #expect(try daemon.post(SignedCallback(#"{"n":\#(index),"text":"\#(text)"}"#)).status == 200)
        }
        #expect(try other.next(12).count == 12)
        #expect(try slow.next(12).map(\.id) == (1...12).map { String(format: "%019d", $0) })
    }

    @Test("ends whole when the daemon stops") func drain() throws {
        let daemon = try DaemonProcess()
        let connection = try RawConnection(path: daemon.home.adminPath)
        try connection.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try connection.answer().field("transfer-encoding") == "chunked")
        #expect(try daemon.stop() == .exited(0))
        #expect(try connection.readToEnd().suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8))
    }

    @Test("asks for the token where there is one", arguments: [true, false]) func token(_ isRight: Bool) throws {
        let home = try DaemonHome()
        try home.directory.write("canary-stream-7Qm\n", to: "token")
        let daemon = try DaemonProcess(
            in: home, Settings(top: ["admin": #"{"listen": "127.0.0.1:0", "token": {"file": "token"}}"#]))
        let note = try String(contentsOfFile: home.directory.file("state/hookd.admin"), encoding: .utf8)
        let port = try #require(note.firstMatch(of: /:(\d+)/).flatMap { UInt16($0.1) })
        let connection = try RawConnection(port: port)
        let shown = isRight ? "canary-stream-7Qm" : "canary-stream-7Qn"
        try connection.send("GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(shown)\r\n\r\n")
        #expect(try connection.answer().status == (isRight ? 200 : 401))
        withExtendedLifetime(daemon) {}
    }
}
