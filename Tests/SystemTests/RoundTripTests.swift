// From a signed callback to the lines of the sinks, and what a repeat is answered.

import Foundation
import Samples
import Testing

@Suite("A genuine callback is stored once and delivered byte for byte") struct RoundTripTests {
    static let sinks = [
        "archive": #"{"type": "file", "path": "events.jsonl"}"#, "out": #"{"type": "stdout"}"#,
    ]

    /// The trigger that a sample's event is named after; its file's name says it.
    private func type(of sample: Sample) -> String {
        let trigger =
            switch sample.name.prefix(while: { $0 != "." }) {
            case "batch_status_update": "unknown"  // no trigger that Sinch documents (Samples/README.md)
            case "smart_conversations": "smart_conversation"  // its sources disagree about the name
            case let name: String(name)
            }
        return "com.sinch.conversation." + trigger
    }

    @Test("every sample of Sinch's, and its repeat") func samples() throws {
        let daemon = try DaemonProcess(Settings(sinks: Self.sinks))
        #expect(Sample.all.count >= 51)
        let callbacks = try Sample.all.map { try SignedCallback($0.body) }
        let connection = try daemon.connect()
        for (index, callback) in callbacks.enumerated() {
            let answer = try connection.exchange(callback.request())
            let sequence = String(format: "%019d", index + 1)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"status":"stored","id":"\#(try callback.id)","sequence":"\#(sequence)"}"#)
        }
        for callback in callbacks {
            let answer = try connection.exchange(callback.request())
            #expect(answer.status == 200)
            #expect(answer.text == #"{"status":"duplicate","id":"\#(try callback.id)"}"#)
        }
        #expect(try daemon.stop() == .exited(0))
        let written = lines(of: daemon.home.eventsPath)
        #expect(try daemon.process.output.toEnd() == written.map { $0 + "\n" }.joined())
        try #require(written.count == callbacks.count)
        for ((sample, callback), text) in zip(zip(Sample.all, callbacks), written) {
            let line = try EventLine(text)
            #expect(line["type"] == type(of: sample), "\(sample.name)")
            #expect(line["id"] == (try callback.id), "\(sample.name)")
            #expect(line["specversion"] == "1.0" && line["endpoint"] == "/callbacks", "\(sample.name)")
            #expect(line.holds(sample.body), "\(sample.name)")
        }
        #expect(try storedEvents(in: daemon.home).map(\.body) == Sample.all.map(\.body))
    }

    /// B2: bodies that no JSON library writes again as they were.
    static let oddBodies: [(why: String, body: [UInt8])] = [
        ("odd spacing", Array("{ \"message\" :\t{ \"id\" : \"1\" }\r\n}".utf8)),
        ("key order", Array(#"{"z":1,"message":{"id":"2"},"a":2}"#.utf8)),
        ("escapes that need not be", Array(#"{"message":{"id":"\u0033\/"}}"#.utf8)),
        ("a key twice", Array(#"{"message":{"id":"4"},"message":{"id":"5"}}"#.utf8)),
        (
            "numbers beyond 64 bits",
            Array(#"{"message":{"id":"6"},"n":123456789012345678901234567890,"f":1.10e+2}"#.utf8)
        ),
        ("line ends behind it", Array("{\"message\":{\"id\":\"7\"}}\n\r\n".utf8)),
        ("the documented vector's shape", Array("{\n    \"event\": {\n        \"id\": \"8\"\n    }\n}\n".utf8)),
        ("UTF-8 as it is", Array(#"{"message":{"id":"é😀\#u{2028}"}}"#.utf8)),
        ("invalid UTF-8", Array("{\"message\":\"".utf8) + [0xFF, 0xFE, 0xC0, 0x80] + Array("\"}".utf8)),
        ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array("{}".utf8)),
        ("no JSON", Array("a=b&c=d\n".utf8)),
        ("cut off", Array(#"{"message":{"id":"#.utf8)),
        ("NUL bytes", [0, 1, 2, 0]),
        ("nothing", []),
        ("a bare value", Array("42".utf8)),
        ("nested beyond reason", Array(String(repeating: "[", count: 5000).utf8)),
    ]

    @Test("bodies that a JSON library would change") func oddBodies() throws {
        let daemon = try DaemonProcess()
        for (why, body) in Self.oddBodies {
            #expect(try daemon.post(SignedCallback(body)).status == 200, "\(why)")
        }
        let written = try awaitLines(Self.oddBodies.count, in: daemon.home.eventsPath)
        for ((why, body), text) in zip(Self.oddBodies, written) {
            #expect(try EventLine(text).holds(body), "\(why): \(text.prefix(1000))")
        }
        #expect(try storedEvents(in: daemon.home).map(\.body) == Self.oddBodies.map(\.body))
        #expect(try daemon.stop() == .exited(0))
        #expect(lines(of: daemon.home.eventsPath).count == Self.oddBodies.count)
    }

    /// Published in the tests of Sinch's own SDKs, among them sinch-sdk-java, SinchEventsServiceTest.java.
    static let vectorBody =
        #"{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"#
        + #""e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"#
        + #""01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"#
        + #""new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}"#

    @Test("a callback that Sinch signed itself is rightly signed, and only late") func publishedVector() throws {
        let home = try DaemonHome(secret: "foo_secret1234")
        let daemon = try DaemonProcess(in: home)
        var vector = try SignedCallback(Self.vectorBody, nonce: "01FJA8B4A7BM43YGWSG9GBV067", timestamp: "1634579353")
        vector.signature = "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE="
        let late = try daemon.post(vector)
        #expect(late.status == 401)
        #expect(late.text.contains("the timestamp is outside the time window"))
        vector.signature = "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOA="
        #expect(try daemon.post(vector).text.contains("the signature does not match"))
        #expect(try daemon.post(SignedCallback(Self.vectorBody, secret: "foo_secret1234")).status == 200)
        let line = try EventLine(awaitLines(1, in: home.eventsPath)[0])
        // The example that the documentation of the event's attributes shows.
        #expect(line["source"] == "//conversation.api.sinch.com/projects/e2df3a34-a71b-4448-9db5-a8d2baad28e4")
        #expect(line["type"] == "com.sinch.conversation.contact_create")
        #expect(line["subject"] == "01FJA8B466Y0R2GNXD78MD9SM1")
        #expect(line["time"] == "2021-10-18T17:49:13.813615Z")
        #expect(line["sequence"] == "0000000000000000001")
        #expect(line["sinchchannel"] == "SMS" && line["sinchcontact"] == "01FJA8B466Y0R2GNXD78MD9SM1")
        #expect(line.holds(Array(Self.vectorBody.utf8)))
    }

    @Test("the same event with a fresh nonce is stored again under the same id") func sameBodyTwice() throws {
        let daemon = try DaemonProcess()
        let first = try SignedCallback(#"{"message":{"id":"1"}}"#), second = try SignedCallback(first.body)
        #expect(try daemon.post(first).text.contains(#""stored","id":"\#(first.id)""#))
        #expect(try daemon.post(second).text.contains(#""stored","id":"\#(first.id)""#))
        #expect(try storedEvents(in: daemon.home).count == 2)
    }

    @Test("a nonce with another body is refused") func reusedNonce() throws {
        let daemon = try DaemonProcess()
        let first = try SignedCallback.unique()
        #expect(try daemon.post(first).status == 200)
        let answer = try daemon.post(SignedCallback("{}", nonce: first.nonce, timestamp: first.timestamp))
        #expect(answer.status == 409)
        #expect(answer.text.contains(#""status":"ALREADY_EXISTS""#))
        #expect(try daemon.post(SignedCallback("{}", nonce: first.nonce)).status == 409)
        #expect(try storedEvents(in: daemon.home).map(\.body) == [first.body])
    }

    @Test("a repeat is 409 where the endpoint says so") func refusedRepeat() throws {
        let daemon = try DaemonProcess(Settings(endpoint: ["repeats": "\"refuse\""]))
        let callback = try SignedCallback.unique()
        #expect(try daemon.post(callback).status == 200)
        let answer = try daemon.post(callback)
        #expect(answer.status == 409)
        #expect(answer.text.contains(#""status":"ALREADY_EXISTS""#))
        #expect(try storedEvents(in: daemon.home).count == 1)
    }

    @Test("what was captured at one endpoint is not new at another") func twoEndpoints() throws {
        let daemon = try DaemonProcess(Settings(paths: ["/one", "/two"]))
        let callback = try SignedCallback.unique()
        #expect(try daemon.post(callback, path: "/one").text.contains("stored"))
        #expect(try daemon.post(callback, path: "/two").text.contains("duplicate"))
        let other = try SignedCallback("{}", nonce: callback.nonce)
        #expect(try daemon.post(other, path: "/two").status == 409)
        #expect(try storedEvents(in: daemon.home).map(\.endpoint) == ["/one"])
    }

    @Test("the same callback at the same instant on many connections is stored once") func race() throws {
        let daemon = try DaemonProcess()
        for _ in 0..<20 {
            let callback = try SignedCallback.unique()
            let connections = try (0..<8).map { _ in try daemon.connect() }
            // All but the last byte first, so that the requests become whole within microseconds of each other.
            for connection in connections { try connection.send(callback.request().dropLast()) }
            for connection in connections { try connection.send([callback.body.last ?? 0]) }
            let answers = try connections.map { try $0.answer() }
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(answers.count { $0.text.contains(#""stored""#) } == 1)
        }
        #expect(try storedEvents(in: daemon.home).count == 20)
    }
}
