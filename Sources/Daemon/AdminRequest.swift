// A question to the admin listener and its answer, apart from the connection that it came by: commands that find no
// daemon put the same questions to the store itself.

import HTTP

/// What an operator asks.
public struct AdminRequest: Sendable {
    /// The methods that are understood.
    public enum Method: Sendable {
        /// Changes nothing.
        case get
        /// Changes something.
        case post
    }

    /// The method.
    public var method: Method
    /// The path, without the query, such as `/dead-letters/12`.
    public var path: String
    /// The query's names and values, decoded.
    public var query: [String: String]
    /// JSON, or nothing.
    public var body: [UInt8]
    /// The last event that the reader of a stream has, as it says when it comes again (WHATWG HTML §9.2.4).
    var lastEventID: String?

    /// A request for what is at `path`.
    public init(_ method: Method, path: String, query: [String: String] = [:], body: [UInt8] = []) {
        (self.method, self.path, self.query, self.body) = (method, path, query, body)
    }

    /// A request for `target`, a path with or without a query as it came over the wire.
    init(_ method: Method, target: String, body: [UInt8]) {
        self.method = method
        self.body = body
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(percentDecoded) ?? ""
        query = [:]
        guard parts.count > 1 else { return }
        for pair in parts[1].split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            query[percentDecoded(sides[0])] = sides.count > 1 ? percentDecoded(sides[1]) : ""
        }
    }
}

/// What an operator is told.
public struct AdminAnswer: Sendable {
    /// The status code of HTTP.
    public var status: Int
    /// The text.
    public var body: String
    /// The text's media type.
    var contentType: StaticString = "application/json"
    /// What follows instead of a text, for as long as somebody reads.
    var feed: EventFeed?

    init(_ status: Int, _ body: JSONOutput) {
        self.status = status
        self.body = body.text + "\n"
    }

    /// Rows, each as a JSON object on a line.
    init(lines: [JSONOutput]) {
        self.init(status: 200, text: lines.map { $0.text + "\n" }.joined(), contentType: "application/x-ndjson")
    }

    init(status: Int, text: String, contentType: StaticString) {
        (self.status, body, self.contentType) = (status, text, contentType)
    }

    /// A stream of events.
    init(_ feed: EventFeed) {
        self.init(status: 200, text: "", contentType: "text/event-stream")
        self.feed = feed
    }

    /// An error in the shape of all errors of hookd.
    static func error(_ status: Int, _ message: String) -> AdminAnswer {
        let error: JSONOutput = .object([
            ("code", .integer(status)), ("message", .string(message)),
            ("status", .string(Answers.statusWord(of: status))), ("details", .array([])),
        ])
        return AdminAnswer(status, .object([("error", error)]))
    }
}

extension AdminRequest {
    /// Path and query as they go over the wire.
    public var target: String {
        let pairs = query.sorted { $0.key < $1.key }.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }
        let path = path.split(separator: "/").map { "/" + percentEncoded(String($0)) }.joined()
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}

/// Text with its percent-encodings decoded; a percent sign that begins none stands for itself.
private func percentDecoded(_ text: Substring.UTF8View) -> String {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
        // UInt8(_:radix:) alone would take a sign, and a single digit.
        if byte == UInt8(ascii: "%"), rest.prefix(2).count == 2, rest.prefix(2).allSatisfy(isLetterOrDigit),
            let value = UInt8(String(Substring(rest.prefix(2))), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Text with all but letters, digits, `-`, `.`, `_` and `~` percent-encoded, as a value of a query.
public func percentEncoded(_ text: String) -> String {
    text.utf8.reduce(into: "") { encoded, byte in
        if isLetterOrDigit(byte) || "-._~".utf8.contains(byte) {
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            encoded += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
        }
    }
}
