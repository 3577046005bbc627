// Who the client is behind proxies: never whom the client itself names.

import HTTP
import Testing

@testable import Server

@Suite("The client behind proxies") struct ForwardedSettingsTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let peer: String, fields: [String], client: String, why: String
        var testDescription: String { "\(why): \(peer) \(fields)" }
        init(_ peer: String, _ fields: String..., client: String, _ why: String) {
            (self.peer, self.fields, self.client, self.why) = (peer, fields, client, why)
        }
    }

    /// Trusted are 127.0.0.1, 10.0.0.0/8, 2001:db8:f::/48 and unix.
    static let lists: [Case] = [
        .init("127.0.0.1", "192.0.2.1", client: "192.0.2.1", "one proxy"),
        .init("unix", "192.0.2.1", client: "192.0.2.1", "a proxy on a Unix socket"),
        .init("::ffff:127.0.0.1", "192.0.2.1", client: "192.0.2.1", "a proxy on a dual-stack socket"),
        .init("127.0.0.1", "192.0.2.1:4711", client: "192.0.2.1:4711", "with its port"),
        .init("127.0.0.1", "::ffff:192.0.2.1", client: "192.0.2.1", "v4-mapped"),
        .init("127.0.0.1", "2001:db8::1", client: "2001:db8::1", "IPv6"),
        .init("192.0.2.9", "192.0.2.1", client: "192.0.2.9:5", "somebody who is no proxy: what it says is nothing"),
        .init("127.0.0.1", client: "127.0.0.1:5", "a proxy that says nothing"),
        .init("127.0.0.1", "192.0.2.1, 10.0.0.1", client: "192.0.2.1", "two proxies"),
        .init("127.0.0.1", "192.0.2.1, 10.0.0.1, 2001:db8:f::2", client: "192.0.2.1", "three proxies"),
        .init("127.0.0.1", "192.0.2.1", "10.0.0.1", client: "192.0.2.1", "two proxies, two lines"),
        .init(
            "127.0.0.1", "192.0.2.1", "192.0.2.2", client: "192.0.2.2", "a line of the client's own, and the proxy's"),
        .init("127.0.0.1", "10.0.0.7, 192.0.2.2", client: "192.0.2.2", "a trusted address of the client's invention"),
        .init("127.0.0.1", "127.0.0.1, 192.0.2.2, 10.0.0.1", client: "192.0.2.2", "the same behind two proxies"),
        .init("127.0.0.1", "10.0.0.2, 10.0.0.1", client: "10.0.0.2", "all trusted: the leftmost"),
        .init("127.0.0.1", "192.0.2.1, unknown", client: "127.0.0.1:5", "a client without a name: nothing left of it"),
        .init("127.0.0.1", "192.0.2.1, 10.0.0.300", client: "127.0.0.1:5", "no address: nothing left of it"),
        .init("127.0.0.1", "192.0.2.1, rubbish, 10.0.0.1", client: "10.0.0.1", "rubbish: the last one that is good"),
        .init("127.0.0.1", "192.0.2.1, , 10.0.0.1", client: "10.0.0.1", "nothing between two commas is nobody"),
        .init("127.0.0.1", "", client: "127.0.0.1:5", "an empty field"),
        .init("127.0.0.1", "evil, 192.0.2.1", client: "192.0.2.1", "rubbish of the client's own is not looked at"),
        .init("127.0.0.1", "[192.0.2.1]", client: "127.0.0.1:5", "IPv4 in brackets"),
        .init("unix", "[]", client: "unix", "brackets around nothing"),
        .init("unknown", "192.0.2.1", client: "unknown", "a connection that is gone"),
    ]

    static let parameters: [Case] = [
        .init("127.0.0.1", "for=192.0.2.1", client: "192.0.2.1", "one proxy"),
        .init("127.0.0.1", #"for="[2001:db8::1]:4711""#, client: "[2001:db8::1]:4711", "IPv6"),
        .init("127.0.0.1", "for=192.0.2.1, for=10.0.0.1;by=10.0.0.2", client: "192.0.2.1", "two proxies"),
        .init("127.0.0.1", "for=192.0.2.1, for=_gazonk", client: "127.0.0.1:5", "a name of the proxy's own"),
        .init("127.0.0.1", "for=192.0.2.1, proto=https", client: "127.0.0.1:5", "a proxy that tells other things"),
        .init("127.0.0.1", #"for="10.0.0.1, for=192.0.2.2"#, client: "192.0.2.2", "the client's quote without an end"),
        .init("127.0.0.1", #"for="\[2001:db8::1]""#, client: "127.0.0.1:5", "a quoted bracket"),
        .init("192.0.2.9", "for=192.0.2.1", client: "192.0.2.9:5", "somebody who is no proxy"),
    ]

    @Test("that write X-Forwarded-For", arguments: lists) func namesInLists(_ c: Case) throws {
        try check(c, .xForwardedFor, "X-Forwarded-For", other: "Forwarded: for=203.0.113.9")
    }

    @Test("that write Forwarded", arguments: parameters) func namesInParameters(_ c: Case) throws {
        try check(c, .forwarded, "Forwarded", other: "X-Forwarded-For: 203.0.113.9")
    }

    /// - Parameter other: the field that is not the configured one, which changes nothing.
    private func check(_ c: Case, _ header: ForwardedHeader, _ name: String, other: String) throws {
        var trusted = AddressList()
        for text in ["127.0.0.1", "10.0.0.0/8", "2001:db8:f::/48", "unix"] { try trusted.insert(text: text) }
        let peer: ClientAddress =
            switch c.peer {
            case "unix": .unix
            case "unknown": .unknown
            default: .ip(try #require(IPAddress(text: c.peer)), port: 5)
            }
        let lines = c.fields.map { "\(name): \($0)" } + [other]
        let head = Array(("GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n").utf8)
        var parser = RequestParser(limits: RequestLimits(bodyBytes: 1, headBytes: 4096, fieldCount: 10))
        guard case .complete = try parser.parse(head.span) else {
            Issue.record("no head")
            return
        }
        let settings = ForwardedSettings(header: header, trusted: trusted)
        let client = head.withUnsafeBufferPointer { settings.client(behind: peer, fields: parser.fields, $0) }
        #expect(client.description == c.client)
    }
}
