// The rules for attributes: what is taken from where, and what is left out.

import Events
import Testing

@Suite("Attributes") struct AttributeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let body: String, name: String, value: String?, why: String
        var testDescription: String { why }
        init(_ body: String, _ name: String, _ value: String?, _ why: String) {
            (self.body, self.name, self.value, self.why) = (body, name, value, why)
        }
    }

    private static let type = "com.sinch.conversation."
    private static let longest = String(repeating: "é", count: 512)

    static let triggers: [Case] = [
        .init(#"{"message":5,"event":{}}"#, "type", type + "event_inbound", "a key with a number is no trigger"),
        .init(#"{"message":null,"event":{}}"#, "type", type + "event_inbound", "a key with null is no trigger"),
        .init(#"{"message":[],"event":{}}"#, "type", type + "event_inbound", "a key with a list is no trigger"),
        .init(#"{"message":{},"message":0}"#, "type", type + "unknown", "of repeated keys the last counts"),
        .init(#"{"event":{},"message":{}}"#, "type", type + "message_inbound", "of several the first in the table"),
        .init(#"{"Message":{}}"#, "type", type + "unknown", "keys have a case"),
        .init(#"{"messages":{}}"#, "type", type + "unknown", "not a prefix of the key"),
        .init(#"{"trigger":"EVENT_INBOUND"}"#, "type", type + "unknown", "the body has no field for its trigger"),
        .init(
            #"{"channel_metadata":{},"event":{}}"#, "type", type + "event_inbound", "unknown keys do not hurt"),
        .init(
            #"{"duplicated_identities_notification":{"duplicated_identities":[{"channel":"SMS"}]}}"#, "sinchchannel",
            "SMS", "the second spelling of the duplication trigger"),
        .init(
            #"{"duplicated_identities":[{"channel":"SMS","identity":"+46"}]}"#, "subject", "SMS:+46",
            "the third spelling, a list"),
        .init(
            #"{"duplicated_identities":[]}"#, "type", type + "contact_identities_duplication", "an empty list too"),
        .init(
            #"{"contact_delete_notification":{"contact_id":"c"}}"#, "sinchcontact", "c",
            "a deleted contact by its id alone"),
    ]

    static let ids: [Case] = [
        .init(#"{"message":{"id":7}}"#, "sinchmessage", nil, "a number is no id"),
        .init(#"{"message":{"id":{"id":"x"}}}"#, "sinchmessage", nil, "an object is no id"),
        .init(#"{"message":{"id":""}}"#, "sinchmessage", nil, "an empty id is none"),
        .init(#"{"message":{"id":"a","id":"b"}}"#, "sinchmessage", "b", "of repeated ids the last counts"),
        .init(#"{"message":{"id":"a","id":null}}"#, "sinchmessage", nil, "also where the last is none"),
        .init(#"{"message":{"x":{"id":"deep"},"id":"a"}}"#, "sinchmessage", "a", "ids further inside do not count"),
        .init(#"{"message":{"i\u0064":"\u0061\/\"\\"}}"#, "sinchmessage", #"a/"\"#, "escapes are resolved"),
        .init(#"{"message":{"id":"\ud83d\ude00"}}"#, "sinchmessage", "😀", "a surrogate pair is resolved"),
        .init(
            #"{"message":{"id":"\u00A0\u07fF\u0800\ud7ff\ue000\ufffd\ud800\udc00\uDBFF\uDFFD"}}"#, "sinchmessage",
            "\u{A0}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFD}", "at the borders of each length of UTF-8"),
        .init(#"{"message":{"id":"a\ud83d"}}"#, "sinchmessage", nil, "half of a pair is no text"),
        .init(#"{"event":{"id":"e"}}"#, "sinchmessage", nil, "the id of an event is not a message's"),
        .init(#"{"event":{"status":"DELIVERED"}}"#, "sinchstatus", nil, "only reports have a delivery status"),
        .init(#"{"opt_in_notification":{"status":"X"}}"#, "sinchstatus", nil, "an opt-in's status is another thing"),
        .init(
            #"{"message":{"channel_identity":{"identity":"i"},"channel":"SMS"}}"#, "subject", "SMS:i",
            "channel and identity from different places"),
        .init(#"{"message":{"id":"m","channel":"SMS"}}"#, "subject", "m", "no identity: the message orders it"),
        .init(
            #"{"channel_event_notification":{"channel_event":{"channel":"SMS"}}}"#, "subject", nil,
            "nothing to order by"),
        .init(
            #"{"contact_update_notification":{"contact":{"channel_identities":[{"channel":"A"},{"channel":"A"}]}}}"#,
            "sinchchannel", "A", "identities that agree"),
        .init(
            #"{"contact_update_notification":{"contact":{"channel_identities":[{"channel":"A"},{"channel":"B"}]}}}"#,
            "sinchchannel", nil, "identities that do not agree"),
        .init(
            #"{"contact_update_notification":{"contact":{"channel_identities":[{"channel":"A"},7]}}}"#,
            "sinchchannel", nil, "identities of which one is none"),
        .init(#"{"correlation_id":{},"event":{}}"#, "sinchcorrelation", nil, "an object is no correlation id"),
    ]

    static let source: [Case] = [
        .init("{}", "source", "/callbacks", "neither project nor app"),
        .init("nonsense", "source", "/callbacks", "not JSON"),
        .init(#"{"app_id":{},"project_id":[]}"#, "source", "/callbacks", "project and app of a wrong type"),
        .init(
            #"{"project_id":"a/b?c#d%é"}"#, "source", "//conversation.api.sinch.com/projects/a%2Fb%3Fc%23d%25%C3%A9",
            "what would be syntax is encoded"),
        .init(
            #"{"project_id":"\#(String(repeating: "/", count: 400))"}"#, "source", "/callbacks",
            "too long once it is encoded"),
        .init(#"{"project_id":"p\u0000","app_id":"a"}"#, "source", "//conversation.api.sinch.com/apps/a", "a bad part"),
    ]

    static let times: [Case] = [
        .init(
            #"{"event_time":"2024-02-29T23:59:60Z","accepted_time":"2020-01-01T00:00:00Z"}"#, "time",
            "2024-02-29T23:59:60Z", "the channel's time first"),
        .init(
            #"{"event_time":"yesterday","accepted_time":"2020-01-01T00:00:00.123456789Z"}"#, "time",
            "2020-01-01T00:00:00.123456789Z", "else when Sinch took it"),
        .init(
            #"{"event_time":"2024-02-30T00:00:00Z","accepted_time":1}"#, "time", "2021-10-18T17:49:14.001Z",
            "else when hookd did"),
    ]

    static let unfit: [Case] = [
        .init(#"{"message":{"id":"a\u001b[31mb"}}"#, "sinchmessage", nil, "an escape sequence for terminals"),
        .init(#"{"message":{"id":"a\r\nce-id: x"}}"#, "sinchmessage", nil, "a header smuggled in"),
        .init(#"{"message":{"id":"a\u0000"}}"#, "sinchmessage", nil, "NUL"),
        .init("{\"message\":{\"id\":\"a\u{7F}\"}}", "sinchmessage", nil, "DEL"),
        .init("{\"message\":{\"id\":\"a\u{9B}31m\"}}", "sinchmessage", nil, "a C1 control, as one character"),
        .init("{\"message\":{\"id\":\"a\u{A0}b\"}}", "sinchmessage", "a\u{A0}b", "the first behind C1"),
        .init(#"{"message":{"id":"\ufffe"}}"#, "sinchmessage", nil, "a noncharacter"),
        .init(#"{"message":{"id":"\ufdd0"}}"#, "sinchmessage", nil, "a noncharacter of the Arabic block"),
        .init(#"{"message":{"id":"\ufdef"}}"#, "sinchmessage", nil, "the last of them"),
        .init(#"{"message":{"id":"\ud83f\udfff"}}"#, "sinchmessage", nil, "a noncharacter of another plane"),
        .init(
            #"{"message":{"id":"\ufffd\ufdcf\ufdf0"}}"#, "sinchmessage", "\u{FFFD}\u{FDCF}\u{FDF0}", "their neighbours"),
        .init(#"{"message":{"id":"a\u2028b"}}"#, "sinchmessage", "a\u{2028}b", "a line separator is no control"),
        .init(#"{"message":{"id":"\#(longest)"}}"#, "sinchmessage", longest, "1 KiB"),
        .init(#"{"message":{"id":"\#(longest)x"}}"#, "sinchmessage", nil, "one byte more"),
        .init(#"{"message":{"id":"\#(longest)\u0078"}}"#, "sinchmessage", nil, "one byte more, by an escape"),
        .init(
            #"{"message":{"id":"m","channel":"SMS","channel_identity":"\#(longest)"}}"#, "subject", "m",
            "channel and identity together too long"),
        .init(
            #"{"message":{"conversation_id":"\u0007","contact_id":"c"}}"#, "subject", "c", "the subject is the next one"
        ),
    ]

    @Test("name the trigger", arguments: triggers) func ofTriggers(_ c: Case) throws { try check(c) }
    @Test("hold the ids", arguments: ids) func ofIDs(_ c: Case) throws { try check(c) }
    @Test("have a source", arguments: source) func ofSource(_ c: Case) throws { try check(c) }
    @Test("have a time", arguments: times) func ofTime(_ c: Case) throws { try check(c) }
    @Test("are left out where CloudEvents forbids them", arguments: unfit) func areFit(_ c: Case) throws {
        try check(c)
    }

    private func check(_ c: Case) throws {
        let event = try Event(c.body)
        #expect(try event.attributes()[c.name] == c.value)
        try event.expectSoundLine()
    }

    @Test("stand in the order of the line") func areOrdered() throws {
        let body = """
            {"project_id":"p","correlation_id":"k","message_delivery_report":{"status":"READ","message_id":"m",\
            "contact_id":"c","conversation_id":"v","channel_identity":{"channel":"SMS","identity":"i"}}}
            """
        let names = try Event(body).orderedAttributes().map(\.name)
        #expect(
            names == [
                "specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence",
                "datacontenttype", "endpoint", "sinchmessage", "sinchcontact", "sinchconversation", "sinchchannel",
                "sinchstatus", "sinchcorrelation",
            ])
    }

    struct Endpoint: Sendable { let path: String, source: String, endpoint: String? }

    @Test(
        "hold any endpoint",
        arguments: [
            Endpoint(path: "/a%20b/c", source: "/a%20b/c", endpoint: "/a%20b/c"),
            Endpoint(path: "/ä \"", source: "/%C3%A4%20%22", endpoint: "/ä \""),
            Endpoint(path: "hook", source: "/hook", endpoint: "hook"),
            Endpoint(path: "", source: "/", endpoint: nil),
            Endpoint(path: "/" + String(repeating: "x", count: 1024), source: "/", endpoint: nil),
        ]) func ofEndpoint(_ c: Endpoint) throws
    {
        let attributes = try Event("{}").attributes(endpoint: Array(c.path.utf8))
        #expect(attributes["source"] == c.source)
        #expect(attributes["endpoint"] == c.endpoint)
    }

    struct Client: CustomTestStringConvertible, Sendable {
        let bytes: [UInt8], text: String?, why: String
        var testDescription: String { why }
        init(_ bytes: [UInt8], _ text: String?, _ why: String) {
            (self.bytes, self.text, self.why) = (bytes, text, why)
        }
    }

    static let clients: [Client] = [
        .init([], nil, "not known"),
        .init([192, 0, 2, 7], "192.0.2.7", "four bytes"),
        .init([0, 0, 0, 0], "0.0.0.0", "zeros are an address"),
        .init([255, 255, 255, 255], "255.255.255.255", "the longest of four bytes"),
        .init([0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1], "2001:db8::1", "the zeros are short"),
        .init(
            [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], "2001:db8:0:1:1:1:1:1",
            "one group of zeros is written out (RFC 5952 §4.2.2)"),
        .init(
            [UInt8](repeating: 0xAB, count: 16), "abab:abab:abab:abab:abab:abab:abab:abab", "lower case, the longest"),
        .init([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7], "::ffff:192.0.2.7", "IPv4 in IPv6"),
        .init([UInt8](repeating: 0, count: 16), "::", "nothing but zeros"),
        .init([1, 2, 3], nil, "no address"),
        .init([UInt8](repeating: 1, count: 17), nil, "no address either"),
    ]

    @Test("hold the client's address", arguments: clients) func ofClient(_ c: Client) throws {
        var event = try Event("{}")
        event.client = c.bytes
        #expect(try event.attributes()["clientaddress"] == c.text)
        try event.expectSoundLine()
    }

    @Test("hold each event's own address") func ofOtherClients() throws {
        let encoder = try CloudEventEncoder()
        for client in [[192, 0, 2, 7], [192, 0, 2, 8], [], [192, 0, 2, 8]] as [[UInt8]] {
            var event = try Event(Array("{}".utf8), encoder: encoder)
            event.client = client
            let expected = client.isEmpty ? nil : client.map(String.init).joined(separator: ".")
            #expect(try event.attributes()["clientaddress"] == expected)
        }
    }

    @Test("are the facts that filters see") func areFacts() throws {
        let body = """
            {"project_id":"p","app_id":"a","correlation_id":"k","message_delivery_report":{"status":"READ",\
            "message_id":"m","contact_id":"c","conversation_id":"v","channel_identity":{"channel":"SMS"}}}
            """
        let facts = try Event(body).facts()
        #expect(facts.type == "com.sinch.conversation.message_delivery")
        #expect(facts.source == "//conversation.api.sinch.com/projects/p/apps/a")
        #expect([facts.project, facts.app, facts.subject, facts.message] == ["p", "a", "v", "m"])
        #expect([facts.contact, facts.conversation, facts.channel] == ["c", "v", "SMS"])
        #expect([facts.status, facts.correlation, facts.time] == ["READ", "k", "2021-10-18T17:49:14.001Z"])
        #expect(!facts.hasOtherTriggers)
        #expect(try Event(#"{"event":{},"message":{}}"#).facts().hasOtherTriggers)
        #expect(try Event("{}").facts().subject == nil)
    }
}
