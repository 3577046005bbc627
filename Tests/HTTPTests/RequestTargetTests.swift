// Which path a target names. Two ways to read one path would be two ways around whatever guards it.

import HTTP
import Testing

@Suite("The path of a target") struct RequestTargetTests {
    static let paths: [(target: String, path: String, why: String)] = [
        ("/callbacks", "/callbacks", "origin-form"),
        ("/callbacks?a=b", "/callbacks", "without the query (RFC 3986 §3.4)"),
        ("/callbacks?", "/callbacks", "without an empty query"),
        ("/a?b?c/d", "/a", "a second question mark belongs to the query"),
        ("/", "/", "the root"),
        ("//a/b", "//a/b", "an origin-form never has an authority (RFC 9112 §3.2.1)"),
        ("http://a/callbacks?x", "/callbacks", "absolute-form"),
        ("HTTPS://a:8443/callbacks", "/callbacks", "in any case, with a port"),
        ("http://a", "", "without a path"),
        ("http://a?/callbacks", "", "a query behind the authority is no path"),
        ("https://u:p@a/callbacks", "/callbacks", "with user information"),
        ("http://a//b", "//b", "two slashes stay two"),
        ("*", "", "asterisk-form"),
        ("a:443", "", "authority-form"),
        ("", "", "nothing"),
    ]

    @Test("lies between authority and query", arguments: paths)
    func lies(_ target: String, _ expected: String, _ why: String) {
        let bytes = Array("POST \(target) HTTP/1.1".utf8)
        let found = path(ofTarget: 5..<5 + target.utf8.count, in: bytes.span)
        #expect(String(decoding: bytes[found], as: UTF8.self) == expected)
    }

    static let comparisons: [(path: String, expected: String, isSame: Bool, why: String)] = [
        ("/callbacks", "/callbacks", true, "equal"),
        ("/%63allbacks", "/callbacks", true, "an encoded letter means the letter (RFC 3986 §6.2.2.2)"),
        ("/%2d%2E%5f%7E%30", "/-._~0", true, "every kind of unreserved character, digits in any case"),
        ("/a%2fb", "/a/b", false, "an encoded slash is no slash (RFC 3986 §2.2)"),
        ("/a%2Fb", "/a%2Fb", true, "but is what it is"),
        ("/%2563allbacks", "/callbacks", false, "nothing is decoded twice"),
        ("/%2563", "/%63", false, "nor is a percent sign"),
        ("/a%20b", "/a b", false, "a space is reserved to its encoding"),
        ("/a%00", "/a", false, "a NUL does not end a path"),
        ("/callbacks/", "/callbacks", false, "a slash at the end makes another path"),
        ("/callbacks", "/callbacks/", false, "and so does one missing"),
        ("/Callbacks", "/callbacks", false, "case matters (RFC 3986 §6.2.2.1)"),
        ("/x/../callbacks", "/callbacks", false, "dot segments are not resolved"),
        ("/./callbacks", "/callbacks", false, "not these either"),
        ("/%2e/callbacks", "/callbacks", false, "nor in disguise"),
        ("//callbacks", "/callbacks", false, "slashes are not merged"),
        ("/callback", "/callbacks", false, "the beginning of it"),
        ("/callbackss", "/callbacks", false, "more than it"),
        ("/callback%", "/callbacks", false, "a percent sign alone"),
        ("/callback%7", "/callbacks", false, "half an encoding"),
        ("/callback%7g", "/callbacks", false, "no hexadecimal digit"),
        ("/callback%+3", "/callbacks", false, "a sign is none"),
        ("/callbacks;v=1", "/callbacks", false, "a parameter makes another path"),
        ("", "/callbacks", false, "nothing"),
        ("", "", true, "nothing is nothing"),
    ]

    @Test("is compared after decoding what needs no encoding", arguments: comparisons)
    func compares(_ path: String, _ expected: String, _ isSame: Bool, _ why: String) throws {
        let bytes = Array(path.utf8)
        let memory = try GuardedBytes(capacity: 64)
        let found = memory.with(bytes) {
            isPath(0..<bytes.count, Array(expected.utf8), in: UnsafeBufferPointer($0).span)
        }
        #expect(found == isSame)
    }
}
