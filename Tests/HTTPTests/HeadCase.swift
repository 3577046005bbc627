// How the tables of heads are checked: each head whole, each with the next request behind it, and each growing byte by
// byte at the edge of a guard page, as a slow sender's does.

import HTTP
import Testing

/// What becomes of a head.
enum HeadVerdict: Equatable, Sendable {
    /// `METHOD target 1.minor framing keep|close`, and `100` where the client waits for it.
    case taken(String)
    case refused(RequestError)
    case incomplete
}

/// A head, what is to become of it, and why.
struct HeadCase: CustomTestStringConvertible, Sendable {
    let bytes: [UInt8]
    let verdict: HeadVerdict
    let why: String
    var limits = RequestLimits(bodyBytes: 1024, headBytes: 512, fieldCount: 10)

    var testDescription: String { "\(why): \(String(decoding: bytes.prefix(120), as: UTF8.self).debugDescription)" }

    /// The whole head; each scalar of `head` is one byte.
    init(_ head: String, _ verdict: HeadVerdict, _ why: String) {
        bytes = head.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        self.verdict = verdict
        self.why = why
    }

    /// A request line, with a harmless field behind it.
    static func line(_ line: String, _ verdict: HeadVerdict, _ why: String) -> HeadCase {
        HeadCase("\(line)\r\nHost: a\r\n\r\n", verdict, why)
    }

    /// Fields of a POST, `Host` included.
    static func fields(_ fields: String, _ verdict: HeadVerdict, _ why: String) -> HeadCase {
        HeadCase("POST / HTTP/1.1\r\n\(fields)\r\n\r\n", verdict, why)
    }

    /// Fields of a POST behind a harmless `Host`.
    static func post(_ fields: String, _ verdict: HeadVerdict, _ why: String) -> HeadCase {
        .fields("Host: a\r\n\(fields)", verdict, why)
    }

    /// The same under other limits.
    func with(_ limits: RequestLimits) -> HeadCase {
        var other = self
        other.limits = limits
        return other
    }

    func check() throws {
        var parser = RequestParser(limits: limits)
        #expect(Self.verdict(of: &parser, bytes.span, scanned: 0).verdict == verdict)
        if case .taken = verdict {
            let pipelined = bytes + Array("GET /next HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
            #expect(Self.verdict(of: &parser, pipelined.span, scanned: 0).verdict == verdict, "with another behind it")
        }
        let problem = try growing()
        #expect(problem == nil, "growing byte by byte")
    }

    /// Parses the head after each of its bytes. Nil if the same becomes of it, else what went wrong.
    private func growing() throws -> String? {
        var parser = RequestParser(limits: limits)
        let memory = try GuardedBytes(capacity: bytes.count)
        var scanned = 0
        for count in 0...bytes.count {
            let found = memory.with(bytes.prefix(count)) {
                Self.verdict(of: &parser, UnsafeBufferPointer($0).span, scanned: scanned)
            }
            switch (found.verdict, verdict) {
            case (.incomplete, _) where count < bytes.count || verdict == .incomplete:
                guard (0...count).contains(found.scanned) else { return "scanned \(found.scanned) of \(count)" }
                scanned = found.scanned
            case (.taken, .taken):
                if found.verdict == verdict, count == bytes.count { return nil }
                return "\(found.verdict) after \(count) bytes"
            case (.refused(let found), .refused(let expected)):
                return found == expected ? nil : "\(found) after \(count) bytes"
            default:
                return "\(found.verdict) after \(count) bytes"
            }
        }
        return verdict == .incomplete ? nil : "incomplete at the end"
    }

    private static func verdict(
        of parser: inout RequestParser, _ bytes: Span<UInt8>, scanned: Int
    ) -> (verdict: HeadVerdict, scanned: Int) {
        do throws(RequestError) {
            switch try parser.parse(bytes, scanned: scanned) {
            case .incomplete(let scanned): return (.incomplete, scanned)
            case .complete(let head): return (.taken(summary(of: head, bytes)), 0)
            }
        } catch {
            return (.refused(error), 0)
        }
    }

    private static func summary(of head: RequestHead, _ bytes: Span<UInt8>) -> String {
        let target = String(decoding: head.target.map { bytes[$0] }, as: UTF8.self)
        let end = head.isPersistent ? "keep" : "close"
        return "\(head.method) \(target) 1.\(head.minorVersion) \(head.framing) \(end)"
            + (head.expectsContinue ? " 100" : "")
    }
}
