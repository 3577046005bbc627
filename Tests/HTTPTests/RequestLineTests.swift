// Request lines: methods, the four forms of a target, and versions.

import HTTP
import Testing

@Suite("A request line (RFC 9112 §3)") struct RequestLineTests {
    static let methods: [HeadCase] = [
        .line("POST / HTTP/1.1", .taken("post / 1.1 none keep"), "what callbacks come by"),
        .line("GET / HTTP/1.1", .taken("get / 1.1 none keep"), "RFC 9110 §9.3.1"),
        .line("HEAD / HTTP/1.1", .taken("head / 1.1 none keep"), "RFC 9110 §9.3.2"),
        .line("OPTIONS / HTTP/1.1", .taken("options / 1.1 none keep"), "RFC 9110 §9.3.7"),
        .line("TRACE / HTTP/1.1", .taken("trace / 1.1 none keep"), "RFC 9110 §9.3.8"),
        .line("PUT / HTTP/1.1", .taken("other / 1.1 none keep"), "a method without a name of its own here"),
        .line("post / HTTP/1.1", .taken("other / 1.1 none keep"), "methods are case-sensitive, RFC 9110 §9.1"),
        .line("POSTS / HTTP/1.1", .taken("other / 1.1 none keep"), "a longer word is another word"),
        .line(
            "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1", .taken("other / 1.1 none keep"), "every kind of tchar, RFC 9110 §5.6.2"),
        .line("\(String(repeating: "M", count: 32)) / HTTP/1.1", .taken("other / 1.1 none keep"), "32 bytes"),
        .line("\(String(repeating: "M", count: 33)) / HTTP/1.1", .refused(.methodTooLong), "33: RFC 9110 §15.6.2"),
        .line("G(T / HTTP/1.1", .refused(.requestLineInvalid), "a separator in a token, RFC 9110 §5.6.2"),
        .line("GÉT / HTTP/1.1", .refused(.requestLineInvalid), "not ASCII"),
        .line("GE\u{0}T / HTTP/1.1", .refused(.requestLineInvalid), "a NUL"),
        .line("GET: / HTTP/1.1", .refused(.requestLineInvalid), "a colon"),
        .line(" GET / HTTP/1.1", .refused(.requestLineInvalid), "a space in front"),
        .line(" / HTTP/1.1", .refused(.requestLineInvalid), "no method"),
    ]

    static let spacing: [HeadCase] = [
        .line("GET  / HTTP/1.1", .refused(.requestLineInvalid), "two spaces: RFC 9112 §3 has one"),
        .line("GET /  HTTP/1.1", .refused(.requestLineInvalid), "two spaces behind the target"),
        .line("GET / HTTP/1.1 ", .refused(.requestLineInvalid), "a space at the end"),
        .line("GET\t/ HTTP/1.1", .refused(.requestLineInvalid), "a tab is no space here"),
        .line("GET /\tHTTP/1.1", .refused(.requestLineInvalid), "nor here"),
        .line("GET /\u{b}HTTP/1.1", .refused(.requestLineInvalid), "nor is a vertical tab"),
        .line("GET/ HTTP/1.1", .refused(.requestLineInvalid), "no space"),
        .line("GET /HTTP/1.1", .refused(.requestLineInvalid), "no space behind the target"),
        .line("GET /a b HTTP/1.1", .refused(.requestLineInvalid), "a space in the target, RFC 9112 §3.2"),
        .line("GET", .refused(.requestLineInvalid), "a method alone"),
        .line("GET ", .refused(.requestLineInvalid), "and a space"),
        .line("GET /", .refused(.requestLineInvalid), "HTTP/0.9"),
        .line("GET  HTTP/1.1", .refused(.targetInvalid), "no target"),
    ]

    static let targets: [HeadCase] = [
        .line("POST /callbacks?a=b&c HTTP/1.1", .taken("post /callbacks?a=b&c 1.1 none keep"), "origin-form, §3.2.1"),
        .line("POST //x/../%41 HTTP/1.1", .taken("post //x/../%41 1.1 none keep"), "nothing is resolved or decoded"),
        .line("POST /%zz HTTP/1.1", .refused(.targetInvalid), "no hexadecimal digits, RFC 3986 §2.1"),
        .line("POST http://a/x HTTP/1.1", .taken("post http://a/x 1.1 none keep"), "absolute-form, §3.2.2"),
        .line("POST HTTPS://A:443/ HTTP/1.1", .taken("post HTTPS://A:443/ 1.1 none keep"), "schemes in any case"),
        .line("POST http://a HTTP/1.1", .taken("post http://a 1.1 none keep"), "an empty path, RFC 9110 §4.2.3"),
        .line("OPTIONS * HTTP/1.1", .taken("options * 1.1 none keep"), "asterisk-form, §3.2.4"),
        .line("CONNECT a:443 HTTP/1.1", .taken("connect a:443 1.1 none keep"), "authority-form, §3.2.3"),
        .line("GET * HTTP/1.1", .refused(.targetInvalid), "the asterisk is for OPTIONS only, §3.2.4"),
        .line("OPTIONS ** HTTP/1.1", .refused(.targetInvalid), "one asterisk"),
        .line("GET a:443 HTTP/1.1", .refused(.targetInvalid), "authority-form is for CONNECT only, §3.2.3"),
        .line("GET callbacks HTTP/1.1", .refused(.targetInvalid), "no form at all"),
        .line("GET ?a HTTP/1.1", .refused(.targetInvalid), "a query without a path"),
        .line("GET ftp://a/ HTTP/1.1", .refused(.targetInvalid), "another scheme"),
        .line("GET http:/a HTTP/1.1", .refused(.targetInvalid), "one slash"),
        .line("GET http:///x HTTP/1.1", .refused(.targetInvalid), "no host: must be rejected, RFC 9110 §4.2.1"),
        .line("GET http:// HTTP/1.1", .refused(.targetInvalid), "nothing behind the scheme"),
        .line("GET https://?x HTTP/1.1", .refused(.targetInvalid), "a query where the host should be"),
        .line("GET http://:80/ HTTP/1.1", .refused(.targetInvalid), "a port without a host"),
        .line("GET /a#b HTTP/1.1", .refused(.targetInvalid), "a fragment is never sent, §3.2.1"),
        .line("GET /\u{e9} HTTP/1.1", .refused(.targetInvalid), "not ASCII, RFC 3986 §2"),
        .line("GET /\u{7f} HTTP/1.1", .refused(.targetInvalid), "a control character, RFC 3986 §2"),
        .line("GET /\u{1b}[31m HTTP/1.1", .refused(.targetInvalid), "a terminal's escape"),
        .line("GET /\u{0} HTTP/1.1", .refused(.targetInvalid), "a NUL"),
        .line("GET /a\rb HTTP/1.1", .refused(.targetInvalid), "a bare CR, RFC 9112 §2.2"),
        .line("CONNECT a\u{0}:443 HTTP/1.1", .refused(.targetInvalid), "CONNECT is looked at, too"),
    ]

    static let versions: [HeadCase] = [
        .line("GET / HTTP/1.0", .taken("get / 1.0 none close"), "1.0 closes, RFC 9112 §9.3"),
        .line("GET / HTTP/1.2", .refused(.versionNotSupported), "no such version"),
        .line("GET / HTTP/2.0", .refused(.versionNotSupported), "another major version, RFC 9110 §15.6.6"),
        .line("GET / HTTP/0.9", .refused(.versionNotSupported), "an older one"),
        .line("GET / http/1.1", .refused(.requestLineInvalid), "case-sensitive, RFC 9112 §2.3"),
        .line("GET / HTTP/1,1", .refused(.requestLineInvalid), "a comma"),
        .line("GET / HTTP/11", .refused(.requestLineInvalid), "no dot"),
        .line("GET / HTTP/1.", .refused(.requestLineInvalid), "no minor version"),
        .line("GET / HTTP/1.10", .refused(.requestLineInvalid), "two digits"),
        .line("GET / HTTP/01.1", .refused(.requestLineInvalid), "a leading zero"),
        .line("GET / HTTP/a.1", .refused(.requestLineInvalid), "a letter"),
        .line("GET / HTTP/1./", .refused(.requestLineInvalid), "the character before 0"),
        .line("GET / HTTP/1.:", .refused(.requestLineInvalid), "the character behind 9"),
        .line("GET / HTTPS1.1", .refused(.requestLineInvalid), "no slash"),
        .line("GET / ICY/1.1", .refused(.requestLineInvalid), "another protocol"),
        .line("GET / HTTP/1.1\r", .refused(.requestLineInvalid), "a CR too many"),
    ]

    @Test("method", arguments: methods) func checkMethod(_ c: HeadCase) throws { try c.check() }
    @Test("spacing", arguments: spacing) func checkSpacing(_ c: HeadCase) throws { try c.check() }
    @Test("target", arguments: targets) func checkTarget(_ c: HeadCase) throws { try c.check() }
    @Test("version", arguments: versions) func checkVersion(_ c: HeadCase) throws { try c.check() }
}
