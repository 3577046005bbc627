// PROXY protocol headers, as haproxy and nginx send them and as nobody should: whole, with a request behind them,
// and after each of their bytes.

import Testing

@testable import Server

@Suite("A PROXY protocol header") struct ProxyProtocolTests {
    enum Verdict: Equatable, Sendable {
        /// The header is whole; the client as text, or `socket` where the socket's address counts.
        case taken(String)
        case refused(ProxyProtocolError)
        case incomplete
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let bytes: [UInt8], verdict: Verdict, why: String
        var testDescription: String { why }
        /// A line of version 1, one byte a scalar.
        init(_ line: String, _ verdict: Verdict, _ why: String) {
            bytes = line.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            (self.verdict, self.why) = (verdict, why)
        }
        /// A header of version 2.
        init(
            v2 command: UInt8, _ family: UInt8, _ block: [UInt8], length: Int? = nil, _ verdict: Verdict, _ why: String
        ) {
            let length = length ?? block.count
            bytes =
                [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a] + Array("QUIT\n".utf8)
                + [command, family, UInt8(length >> 8), UInt8(length & 255)] + block
            (self.verdict, self.why) = (verdict, why)
        }
    }

    static let v4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x67, 0x01, 0xbb]
    static let v6: [UInt8] =
        [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 9, count: 16)
        + [0x12, 0x67, 0x01, 0xbb]
    static let mapped: [UInt8] =
        [UInt8](repeating: 0, count: 10) + [255, 255, 10, 1, 2, 3] + [UInt8](repeating: 9, count: 16) + [0, 7, 0, 8]

    static let lines: [Case] = [
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n", .taken("192.0.2.1:4711"), "IPv4"),
        .init("PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", .taken("[2001:db8::1]:4711"), "IPv6"),
        .init("PROXY TCP6 ::ffff:10.1.2.3 ::ffff:10.1.2.4 7 8\r\n", .taken("10.1.2.3:7"), "from a dual-stack proxy"),
        .init("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", .taken("255.255.255.255:65535"), "long"),
        .init("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", .taken("0.0.0.0"), "port 0"),
        .init("PROXY UNKNOWN\r\n", .taken("socket"), "unknown"),
        .init("PROXY UNKNOWN ffff::1 what ever\r\n", .taken("socket"), "unknown, and what is to be ignored"),
        .init("PROXY UNKNOWN" + String(repeating: " ", count: 92) + "\r\n", .taken("socket"), "107 bytes"),
        .init("PROXY UNKNOWN" + String(repeating: " ", count: 93) + "\r\n", .refused(.lineTooLong), "108 bytes"),
        .init("PROXY UNKNOWN" + String(repeating: " ", count: 94), .refused(.lineTooLong), "107 bytes and no end"),
        .init("PROXY UNKNOWN" + String(repeating: " ", count: 93), .incomplete, "106 bytes and no end"),
        .init("PROXY UNKNOWN\n", .refused(.lineMalformed), "a bare LF"),
        .init("PROXY UNKNOWN\r \n", .refused(.lineMalformed), "a bare CR"),
        .init("PROXY UNKNOWNS\r\n", .refused(.lineMalformed), "no such family"),
        .init("PROXY TCP5 192.0.2.1 198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "no such family"),
        .init("PROXY UDP4 192.0.2.1 198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "datagrams"),
        .init("PROXY tcp4 192.0.2.1 198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "in lower case"),
        .init("PROXY  TCP4 192.0.2.1 198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "two spaces"),
        .init("PROXY TCP4\t192.0.2.1 198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "a tab"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 \r\n", .refused(.lineMalformed), "a space at the end"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 5\r\n", .refused(.lineMalformed), "a word too many"),
        .init("PROXY TCP4 192.0.2.1  198.51.100.2 4711 443\r\n", .refused(.lineMalformed), "two spaces inside"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n", .refused(.addressMalformed), "a word too few"),
        .init("PROXY TCP4\r\n", .refused(.addressMalformed), "no address"),
        .init("PROXY \r\n", .refused(.lineMalformed), "no family"),
        .init("PROXY\r\n", .refused(.noHeader), "no space"),
        .init("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", .refused(.addressMalformed), "the other family"),
        .init("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", .refused(.addressMalformed), "the other family"),
        .init("PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n", .refused(.addressMalformed), "two families"),
        .init("PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n", .refused(.addressMalformed), "a zero in front"),
        .init("PROXY TCP4 192.0.2.1 198.51.100 1 2\r\n", .refused(.addressMalformed), "the proxy's address is none"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n", .refused(.addressMalformed), "no such port"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n", .refused(.addressMalformed), "no such port"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", .refused(.addressMalformed), "a zero in front of a port"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n", .refused(.addressMalformed), "a sign"),
        .init("PROXY TCP4 192.0.2.1\0 198.51.100.2 1 2\r\n", .refused(.addressMalformed), "a NUL"),
        .init("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r", .incomplete, "all but the LF"),
        .init("", .incomplete, "nothing yet"),
        .init("POST / HTTP/1.1\r\n", .refused(.noHeader), "a request without a header: it begins with P as well"),
        .init("GET / HTTP/1.1\r\n", .refused(.noHeader), "a request without a header"),
        .init("\u{16}\u{03}\u{01}", .refused(.noHeader), "a TLS hello without a header"),
        .init("\r\nPROXY UNKNOWN\r\n", .refused(.noHeader), "an empty line before it"),
    ]

    static let blocks: [Case] = [
        .init(v2: 0x21, 0x11, v4, .taken("192.0.2.1:4711"), "IPv4"),
        .init(v2: 0x21, 0x21, v6, .taken("[2001:db8::1]:4711"), "IPv6"),
        .init(v2: 0x21, 0x21, mapped, .taken("10.1.2.3:7"), "v4-mapped"),
        .init(v2: 0x21, 0x31, [UInt8](repeating: 0x61, count: 216), .taken("unix"), "a Unix socket"),
        .init(v2: 0x21, 0x00, [], .taken("socket"), "an unknown family"),
        .init(v2: 0x21, 0x00, [1, 2, 3], .taken("socket"), "an unknown family, and what is to be ignored"),
        .init(v2: 0x20, 0x00, [], .taken("socket"), "a health check"),
        .init(v2: 0x20, 0x11, v4, .taken("socket"), "a health check with addresses"),
        .init(v2: 0x20, 0xff, [1, 2], .taken("socket"), "a health check of any family"),
        .init(v2: 0x21, 0x11, v4 + [0x04, 0, 1, 0], .taken("192.0.2.1:4711"), "padding"),
        .init(v2: 0x21, 0x11, v4 + [0x03, 0, 4, 1, 2, 3, 4, 0x20, 0, 0], .taken("192.0.2.1:4711"), "two extensions"),
        .init(
            v2: 0x21, 0x11, v4 + [0x30, 0x0f, 0xf1] + [UInt8](repeating: 0, count: 4081), .taken("192.0.2.1:4711"),
            "4096 bytes"),
        .init(v2: 0x21, 0x11, [], length: 4097, .refused(.blockTooLong(bytes: 4097)), "4097 bytes"),
        .init(v2: 0x20, 0x00, [], length: 65_535, .refused(.blockTooLong(bytes: 65_535)), "a health check of 64 KiB"),
        .init(v2: 0x21, 0x11, Array(v4.dropLast()), .refused(.blockTooShort), "a byte too few"),
        .init(v2: 0x21, 0x21, v4, .refused(.blockTooShort), "IPv4 addresses for IPv6"),
        .init(v2: 0x21, 0x31, v6, .refused(.blockTooShort), "half a path"),
        .init(v2: 0x21, 0x11, v4, length: 13, .incomplete, "a byte is still to come"),
        .init(v2: 0x21, 0x11, v4 + [0x04, 0], .refused(.extensionMalformed), "half the length of an extension"),
        .init(v2: 0x21, 0x11, v4 + [0x04, 0, 2, 0], .refused(.extensionMalformed), "an extension beyond the end"),
        .init(v2: 0x21, 0x12, v4, .refused(.familyUnsupported), "datagrams"),
        .init(v2: 0x21, 0x10, v4, .refused(.familyUnsupported), "IPv4 over nothing"),
        .init(v2: 0x21, 0x01, v4, .refused(.familyUnsupported), "a stream of nothing"),
        .init(v2: 0x21, 0x41, v4, .refused(.familyUnsupported), "no such family"),
        .init(v2: 0x22, 0x11, v4, .refused(.commandUnknown), "no such command"),
        .init(v2: 0x11, 0x11, v4, .refused(.versionUnknown), "version 1 in binary"),
        .init(v2: 0x31, 0x11, v4, .refused(.versionUnknown), "version 3"),
    ]

    @Test("of version 1", arguments: lines) func version1(_ c: Case) { check(c) }

    @Test("of version 2", arguments: blocks) func version2(_ c: Case) { check(c) }

    /// Whole, with a request behind it, and after each of its bytes: an early verdict is the same as the late one.
    private func check(_ c: Case) {
        #expect(verdict(c.bytes) == c.verdict)
        if case .taken = c.verdict {
            #expect(verdict(c.bytes + Array("POST / HTTP/1.1\r\n".utf8), headerBytes: c.bytes.count) == c.verdict)
        }
        for count in 0..<c.bytes.count {
            let found = verdict(Array(c.bytes.prefix(count)))
            guard found != .incomplete else { continue }
            #expect(found == c.verdict, "after \(count) bytes")
            if case .taken = found { Issue.record("taken after \(count) of \(c.bytes.count) bytes") }
            return
        }
    }

    private func verdict(_ bytes: [UInt8], headerBytes: Int? = nil) -> Verdict {
        do throws(ProxyProtocolError) {
            switch try parse(bytes) {
            case .incomplete: return .incomplete
            case .complete(let byteCount, let source):
                #expect(byteCount == headerBytes ?? bytes.count)
                return .taken(source?.description ?? "socket")
            }
        } catch {
            #expect(!error.description.isEmpty)
            return .refused(error)
        }
    }

    private func parse(_ bytes: [UInt8]) throws(ProxyProtocolError) -> ProxyProtocol.Result {
        let result = bytes.withUnsafeBufferPointer { bytes in
            Result { () throws(ProxyProtocolError) in try ProxyProtocol.parse(bytes) }
        }
        return try result.get()
    }

    @Test("that was damaged at random never goes beyond its bytes") func random() {
        var state: UInt64 = 0x5eed_0f_9a71
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        let starts = (Self.lines + Self.blocks).map(\.bytes).filter { !$0.isEmpty }
        var completeCount = 0
        for _ in 0..<50_000 {
            var bytes = starts[next() % starts.count]
            for _ in 0..<next() % 4 { bytes[next() % bytes.count] = UInt8(next() & 255) }
            bytes = Array(bytes.prefix(next() % (bytes.count + 1)))
            if case .success(.complete(let byteCount, _)) = Result(catching: { try parse(bytes) }) {
                completeCount += 1
                #expect((1...bytes.count).contains(byteCount))
            }
        }
        #expect((100...49_900).contains(completeCount), "some are headers, and some are none")
    }
}
