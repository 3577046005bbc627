// Header lines are the attributes and nothing else, and what orders an event is what its subject says.

import Events
import Samples
import Testing

@Suite("Header lines") struct HeaderLineTests {
    private static let bodies =
        Sample.all.map(\.body) + ["{}", "no JSON", #"{"message":{"id":"m é%\" "}}"#].map { Array($0.utf8) }

    @Test("say what the attributes say", arguments: bodies.indices) func lines(index: Int) throws {
        let body = Self.bodies[index]
        let encoder = try CloudEventEncoder()
        let (id, endpoint, client) = ([UInt8](repeating: 7, count: 16), Array("/a b".utf8), [10, 0, 0, 1] as [UInt8])
        let attributes = encoder.attributes(
            id: id.span, sequence: 9, recordedAt: 1, receivedAt: 2, endpoint: endpoint.span, client: client.span,
            body: body.span)
        var output: [UInt8] = []
        encoder.appendHeaderLines(
            id: id.span, sequence: 9, recordedAt: 1, receivedAt: 2, endpoint: endpoint.span, client: client.span,
            body: body.span, to: &output)
        let expected = attributes.map { name, value in
            let header = name == "datacontenttype" ? "Content-Type" : "ce-" + name
            return header + ": " + percentEncodedHeaderValue(value) + "\0"
        }
        #expect(String(decoding: output, as: UTF8.self) == expected.joined())
    }

    @Test("the number that orders an event is that of its subject, or of its contact") func orderNumbers() throws {
        let encoder = try CloudEventEncoder()
        func number(_ body: String, byContact: Bool = false) -> UInt64? {
            encoder.orderNumber(body: Array(body.utf8).span, byContact: byContact)
        }
        func message(_ conversation: String, _ contact: String) -> String {
            #"{"message":{"id":"m","conversation_id":"\#(conversation)","contact_id":"\#(contact)"}}"#
        }
        #expect(number(message("c1", "p1")) == number(message("c1", "p2")))
        #expect(number(message("c1", "p1")) != number(message("c2", "p1")))
        #expect(number(message("c1", "p1"), byContact: true) == number(message("c2", "p1"), byContact: true))
        #expect(number(message("c1", "p1"), byContact: true) != number(message("c1", "p2"), byContact: true))
        #expect(number(message("c1", ""), byContact: true) == number(message("c1", "")), "no contact")
        #expect(number("{}") == nil && number("{}", byContact: true) == nil)
    }
}
