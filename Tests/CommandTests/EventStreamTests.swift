// Server-sent events as they come over the wire, whole and cut anywhere.

import Testing

@testable import hookd

@Suite("Server-sent events") struct EventStreamTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let events: [SentEvent]
        let why: String
        var testDescription: String { why }
    }

    private static func event(_ sequence: Int64?, _ type: String = "", _ data: String = "") -> SentEvent {
        SentEvent(sequence: sequence, type: type, data: Array(data.utf8))
    }

    static let cases: [Case] = [
        Case(
            text: "id: 0000000000000000042\nevent: t\ndata: {\"a\":1}\n\n", events: [event(42, "t", #"{"a":1}"#)],
            why: "an event"),
        Case(
            text: "id:1\ndata:x\n\nid:2\ndata: y: z\n\n", events: [event(1, "", "x"), event(2, "", "y: z")],
            why: "two"),
        Case(text: ":\n\n: hello\n\nretry: 2000\n\n", events: [], why: "comments, and what concerns browsers"),
        Case(text: "id: 7\n\n", events: [event(7)], why: "how far the stream is"),
        Case(text: "event: end\nid: 9\n\n", events: [event(9, "end")], why: "its end"),
        Case(text: "id: 1\ndata: cut", events: [], why: "what is not whole is none"),
        Case(text: "id: x\ndata: y\n\n", events: [event(nil, "", "y")], why: "an id that is no number"),
        Case(text: "data\n\n\n\n", events: [], why: "fields without a value, and empty lines"),
    ]

    @Test("are put together, however they were cut", arguments: cases, [1, 2, 7, 1000])
    func parses(_ c: Case, _ size: Int) {
        var parser = SentEventParser()
        var events: [SentEvent] = []
        let bytes = Array(c.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { parser.append($0) }
            events += parser.take()
        }
        #expect(events == c.events)
        #expect(parser.take().isEmpty)
    }
}
