// Lines: the exact form, and bodies that are odd.

import Events
import Foundation
import Samples
import Testing

@Suite("A line") struct CloudEventLineTests {
    /// The body of Sinch's own signed vector.
    static let contactCreate = """
        {"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4",\
        "contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":\
        "SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":\
        "new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}
        """

    @Test("is exactly this") func isExact() throws {
        let expected = """
            {"specversion":"1.0","id":"4d6ed0c4c0a1f59a3a41b6be202f260e",\
            "source":"//conversation.api.sinch.com/projects/e2df3a34-a71b-4448-9db5-a8d2baad28e4",\
            "type":"com.sinch.conversation.contact_create","subject":"01FJA8B466Y0R2GNXD78MD9SM1",\
            "time":"2021-10-18T17:49:13.813615Z","recordedtime":"2021-10-18T17:49:14.027Z",\
            "sequence":"0000000000000000042","datacontenttype":"application/json","endpoint":"/callbacks",\
            "sinchcontact":"01FJA8B466Y0R2GNXD78MD9SM1","sinchchannel":"SMS","data":\(Self.contactCreate)}

            """
        #expect(try String(decoding: Event(Self.contactCreate).line(), as: UTF8.self) == expected)
    }

    @Test("is appended to what is there, and an encoder remembers nothing") func isAppended() throws {
        let encoder = try CloudEventEncoder()
        let first = try Event(Array(Self.contactCreate.utf8), encoder: encoder)
        let second = try Event(Array("{}".utf8), encoder: encoder)
        let (one, two) = (first.line(), second.line())
        #expect(two == (try Event("{}").line()))
        #expect(first.line() == one)
        var output = one
        second.appendLine(to: &output)
        #expect(output == one + two)
    }

    /// How `data` must stand in the line.
    enum Data: Sendable {
        case asIs, text(String), base64
    }

    struct Odd: CustomTestStringConvertible, Sendable {
        let body: [UInt8], type: String, data: Data, why: String
        var testDescription: String { why }

        init(_ body: String, _ type: String, _ data: Data, _ why: String) {
            self.init(Array(body.utf8), type, data, why)
        }
        init(_ body: [UInt8], _ type: String, _ data: Data, _ why: String) {
            (self.body, self.type, self.data, self.why) = (body, type, data, why)
        }
    }

    static let odd: [Odd] = [
        .init("{ \"event\" :\t{ \"id\":\"e\" }  }", "event_inbound", .asIs, "odd spacing stays"),
        .init(#"{"z":1,"event":{},"a":2}"#, "event_inbound", .asIs, "the order of keys stays"),
        .init(#"{"\u0065vent":{"contact_id":"\u0041"}}"#, "event_inbound", .asIs, "escapes stay, also in keys"),
        .init(#"{"event":{},"event":{}}"#, "event_inbound", .asIs, "repeated keys stay"),
        .init(#"{"n":123456789012345678901234567890}"#, "unknown", .asIs, "an integer beyond 64 bits stays"),
        .init(#"[-0,1E+2,1.50,0.1e-7]"#, "unknown", .asIs, "numbers keep their spelling"),
        .init(#"{"a":"\/\"\\\b\f\n\r\t\u00e9"}"#, "unknown", .asIs, "every escape"),
        .init(#"{"a":"\ud83d\ude00"}"#, "unknown", .asIs, "a surrogate pair is a character"),
        .init("{}\n", "unknown", .text("{}"), "the trailing newline goes"),
        .init("{\r\n \"a\":\r1,\n\n\"b\":[\n]}\r\n", "unknown", .text(#"{ "a":1,"b":[]}"#), "line breaks go"),
        .init("\u{2028}".quoted, "unknown", .asIs, "a line separator is no line break in JSON"),
        .init("\u{7F}\u{85}".quoted, "unknown", .asIs, "DEL and C1 need no escape in JSON"),
        .init("5", "unknown", .asIs, "a number alone is JSON"),
        .init("null", "unknown", .asIs, "null alone is JSON"),
        .init(#""text""#, "unknown", .asIs, "a string alone is JSON"),
        .init(#"[{"event":{}}]"#, "unknown", .asIs, "only the top of an object names a trigger"),
        .init(nested(500), "unknown", .asIs, "as deep as is taken"),
        .init(nested(501), "invalid_json", .base64, "one deeper"),
        .init(nested(2000), "invalid_json", .base64, "far deeper"),
        .init(String(repeating: "[", count: 100_000), "invalid_json", .base64, "deep and never closed"),
        .init("", "invalid_json", .base64, "nothing"),
        .init(" \n", "invalid_json", .base64, "white space alone"),
        .init("{}{}", "invalid_json", .base64, "two values"),
        .init("{} x", "invalid_json", .base64, "something behind the value"),
        .init(#"{"a":1,}"#, "invalid_json", .base64, "a comma too many"),
        .init(#"{"a":"b"#, "invalid_json", .base64, "cut off in a string"),
        .init("{\"a\":\"b\nc\"}", "invalid_json", .base64, "a line feed in a string"),
        .init("{\"a\":\"b\0\"}", "invalid_json", .base64, "a NUL in a string"),
        .init("{}\0", "invalid_json", .base64, "a NUL behind the value"),
        .init("\u{FEFF}{}", "invalid_json", .base64, "a byte order mark, which inside a line is no JSON"),
        .init([0x22, 0xFF, 0x22], "invalid_json", .base64, "a byte that UTF-8 never has"),
        .init([0x22, 0xC0, 0xAF, 0x22], "invalid_json", .base64, "an overlong slash"),
        .init([0x22, 0xED, 0xA0, 0x80, 0x22], "invalid_json", .base64, "a surrogate in UTF-8"),
        .init("from=sinch&text=hi", "invalid_json", .base64, "a form"),
        .init(#"{"event":{"contact_id":"c"},"t":"\ud83d"}"#, "event_inbound", .base64, "half of a surrogate pair"),
        .init(#"{"event":{},"t":"\ude00\ud83d"}"#, "event_inbound", .base64, "halves in the wrong order"),
        .init(#"{"event":{},"\ud83d\n":0}"#, "event_inbound", .base64, "half of a pair in a key"),
    ]

    static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    @Test("holds odd bodies unchanged", arguments: odd) func holdsOddBodies(_ c: Odd) throws {
        let event = try Event(c.body)
        try event.expectSoundLine()
        let line = String(decoding: event.line(), as: UTF8.self)
        #expect(line.contains("\"type\":\"com.sinch.conversation.\(c.type)\""))
        switch c.data {
        case .asIs: #expect(line.hasSuffix(",\"data\":" + String(decoding: c.body, as: UTF8.self) + "}\n"))
        case .text(let text): #expect(line.hasSuffix(",\"data\":\(text)}\n"))
        case .base64:
            #expect(line.hasSuffix(",\"data_base64\":\"\(Foundation.Data(c.body).base64EncodedString())\"}\n"))
        }
        let isJSON = c.type != "invalid_json"
        #expect(line.contains("\"datacontenttype\":\"application/\(isJSON ? "json" : "octet-stream")\""))
    }

    /// Foundation refuses to read 1e400, so the line is compared as text.
    @Test("keeps a number that no Double holds") func keepsHugeNumbers() throws {
        let line = try String(decoding: Event("[1e400,\n-1E-400]").line(), as: UTF8.self)
        #expect(line.hasSuffix("\"data\":[1e400,-1E-400]}\n"))
        #expect(line.contains("com.sinch.conversation.unknown"))
    }

    @Test("holds a large body") func holdsLargeBodies() throws {
        let text = String(repeating: "0123456789é\\n", count: 200_000)
        let event = try Event(#"{"message":{"id":"m","contact_message":{"text_message":{"text":"\#(text)"}}}}"#)
        try event.expectSoundLine()
        #expect(event.facts().message == "m")
    }
}

extension String {
    fileprivate var quoted: String { "\"\(self)\"" }
}
