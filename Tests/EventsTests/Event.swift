// A body on its way through the encoder, and what must hold of every line.

import Events
import Foundation
import Testing

/// A body as it was stored. The other values are the same for all.
struct Event {
    static let endpoint = Array("/callbacks".utf8)
    static let id: [UInt8] = [
        0x4d, 0x6e, 0xd0, 0xc4, 0xc0, 0xa1, 0xf5, 0x9a, 0x3a, 0x41, 0xb6, 0xbe, 0x20, 0x2f, 0x26, 0x0e,
    ]
    /// 2021-10-18T17:49:14.027Z, and 999 microseconds that are cut.
    static let recordedAt: Int64 = 1_634_579_354_027_999
    static let receivedAt: Int64 = 1_634_579_354_001_000

    let body: [UInt8]
    /// 4 or 16 bytes, or none.
    var client: [UInt8] = []
    let encoder: CloudEventEncoder

    init(_ body: [UInt8], encoder: CloudEventEncoder? = nil) throws {
        self.body = body
        self.encoder = try encoder ?? CloudEventEncoder()
    }

    init(_ body: String) throws {
        try self.init(Array(body.utf8))
    }

    func appendLine(to output: inout [UInt8]) {
        encoder.appendLine(
            id: Self.id.span, sequence: 42, recordedAt: Self.recordedAt, receivedAt: Self.receivedAt,
            endpoint: Self.endpoint.span, client: client.span, body: body.span, to: &output)
    }

    func line() -> [UInt8] {
        var output: [UInt8] = []
        appendLine(to: &output)
        return output
    }

    func orderedAttributes(endpoint: [UInt8] = Self.endpoint) -> [(name: String, value: String)] {
        encoder.attributes(
            id: Self.id.span, sequence: 42, recordedAt: Self.recordedAt, receivedAt: Self.receivedAt,
            endpoint: endpoint.span, client: client.span, body: body.span)
    }

    func attributes(endpoint: [UInt8] = Self.endpoint) throws -> [String: String] {
        try Dictionary(orderedAttributes(endpoint: endpoint).map { ($0.name, $0.value) }) { _, again in
            throw Failure("attribute twice: \(again)")
        }
    }

    func facts() -> EventFacts {
        encoder.facts(receivedAt: Self.receivedAt, endpoint: Self.endpoint.span, body: body.span)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// One line, valid JSON, the attributes of `attributes()`, and data that is the body.
    func expectSoundLine(sourceLocation: SourceLocation = #_sourceLocation) throws {
        if let fault = faultOfLine() {
            Issue.record("\(fault)\n\(String(decoding: line(), as: UTF8.self))", sourceLocation: sourceLocation)
        }
    }

    /// What is wrong with the line; nil where nothing is.
    ///
    /// Foundation reads JSON more kindly than RFC 8259, a comma before a closing brace for one: what is refused has its
    /// own table in JSONTextTests.
    func faultOfLine() -> String? {
        let line = line()
        guard line.last == UInt8(ascii: "\n"), !line.dropLast().contains(where: { $0 == 10 || $0 == 13 }) else {
            return "not exactly one line"
        }
        guard let parsed = try? JSONSerialization.jsonObject(with: Data(line)), let object = parsed as? [String: Any]
        else { return foundationReads(body) || isBase64(line) ? "not a JSON object" : nil }
        var expected = orderedAttributes().reduce(into: [String: String]()) { $0[$1.name] = $1.value }
        for (name, value) in object where name != "data" && name != "data_base64" {
            guard let value = value as? String, let other = expected.removeValue(forKey: name),
                withoutMark(value) == withoutMark(other)
            else { return "another \(name)" }
        }
        guard expected.isEmpty else { return "without \(expected)" }
        return faultOfData(object)
    }

    /// Foundation takes U+FEFF at the beginning of a string for a byte order mark, and drops it.
    private func withoutMark(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.drop { $0 == "\u{FEFF}" }))
    }

    private func isBase64(_ line: [UInt8]) -> Bool { line.firstRange(of: Array("\"data_base64\":".utf8)) != nil }

    /// Foundation refuses numbers that RFC 8259 allows, such as 1e1018. Of a body with one it can judge no line.
    private func foundationReads(_ body: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)) != nil
    }

    private func faultOfData(_ object: [String: Any]) -> String? {
        if let base64 = object["data_base64"] {
            guard object["data"] == nil else { return "data twice" }
            guard (base64 as? String).flatMap({ Data(base64Encoded: $0) }) == Data(body) else {
                return "data is not the body"
            }
            return nil
        }
        guard let data = object["data"],
            let whole = try? JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)
        else { return "data that cannot be read" }
        return isSame(data, whole) ? nil : "data is not the body"
    }

    /// Key by key: two dictionaries that Foundation made of the same text are not always equal by its own `isEqual`.
    private func isSame(_ value: Any, _ other: Any) -> Bool {
        switch (value, other) {
        case (let value as [String: Any], let other as [String: Any]):
            value.count == other.count
                && value.allSatisfy { key, value in other[key].map { isSame(value, $0) } ?? false }
        case (let value as [Any], let other as [Any]):
            value.count == other.count && zip(value, other).allSatisfy { isSame($0, $1) }
        default: (value as? NSObject)?.isEqual(other) == true
        }
    }
}
