// A callback's body on its way to an event. Any bytes become one sound line.

import Events
import Samples

extension FuzzTarget {
    /// The body of a genuine callback.
    static let events = FuzzTarget(
        name: "events", longestInputBytes: 4096,
        run: { input in
            let encoder = try CloudEventEncoder()
            let body = Array(input)
            let line = line(of: body, encoder)
            try expect(line.last == 0x0a && line.starts(with: Array(#"{"specversion":"1.0""#.utf8)), "no line")
            try expect(line.dropLast().allSatisfy { $0 != 0x0a && $0 != 0x0d }, "more than one line")
            // What was read before leaves no trace.
            _ = Self.line(of: other, encoder)
            try expect(Self.line(of: body, encoder) == line, "another line the second time")
            // The line is JSON by the rules that bodies are judged by, unless its data is one level too deep for them.
            if body.count(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") }) < 500 {
                try expect(type(of: line, encoder) != "com.sinch.conversation.invalid_json", "the line is no JSON")
            }
            try expect(data(in: line, of: body), "the line does not carry the body")
        },
        seeds: { Sample.all.map(\.body).filter { $0.count <= 4096 } })

    private static let other = Array(#"{"message":{"id":"other"},"event_time":"2021-10-18T17:49:13.813615Z"}"#.utf8)
    private static let id = [UInt8](repeating: 0xab, count: 16)
    private static let endpoint = Array("/callbacks".utf8)
    private static let client: [UInt8] = [192, 0, 2, 1]

    private static func line(of body: [UInt8], _ encoder: CloudEventEncoder) -> [UInt8] {
        var output: [UInt8] = []
        encoder.appendLine(
            id: id.span, sequence: 42, recordedAt: 1_634_579_354_027_999, receivedAt: 1_634_579_354_001_000,
            endpoint: endpoint.span, client: client.span, body: body.span, to: &output)
        return output
    }

    private static func type(of body: [UInt8], _ encoder: CloudEventEncoder) -> String? {
        encoder.attributes(
            id: id.span, sequence: 42, recordedAt: 0, receivedAt: 0, endpoint: endpoint.span, client: client.span,
            body: body.span
        ).first { $0.name == "type" }?.value
    }

    /// Whether the line ends in the body without its line breaks, or in its base64.
    private static func data(in line: [UInt8], of body: [UInt8]) -> Bool {
        let plain = body.filter { $0 != 0x0a && $0 != 0x0d }
        if line.suffix(plain.count + 9) == Array(#""data":"#.utf8) + plain + Array("}\n".utf8) { return true }
        let base64 = (body.count + 2) / 3 * 4
        let start = line.count - base64 - 3
        let key = Array(#""data_base64":""#.utf8)
        return start >= key.count && line[start - key.count..<start].elementsEqual(key)
    }
}
