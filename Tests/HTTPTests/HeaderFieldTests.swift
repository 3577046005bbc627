// Header fields: their syntax, and the line ends that two readers could see differently.

import HTTP
import Testing

@Suite("Header fields (RFC 9112 §5)") struct HeaderFieldTests {
    static let plain = HeadVerdict.taken("post / 1.1 none keep")

    static let syntax: [HeadCase] = [
        .post("X:y", plain, "no white space, RFC 9112 §5.1"),
        .post("X: \t y \t", plain, "white space around a value is no part of it"),
        .post("X:", plain, "an empty value, RFC 9110 §5.5"),
        .post("X: a\tb\"c\u{80}\u{ff}", plain, "a tab, quotes, obs-text, RFC 9110 §5.5"),
        .post("!#$%&'*+-.^_`|~09aZ: y", plain, "every kind of tchar in a name"),
        .post("X: a: b", plain, "a colon in a value"),
        .post("X: y\r\nX: z", plain, "the same name twice"),
        .post("X : y", .refused(.fieldNameInvalid), "white space before the colon: must be 400, RFC 9112 §5.1"),
        .post("X\t: y", .refused(.fieldNameInvalid), "a tab before the colon"),
        .post("A B: y", .refused(.fieldNameInvalid), "a space in a name"),
        .post("A(B): y", .refused(.fieldNameInvalid), "a separator in a name"),
        .post("\u{c4}: y", .refused(.fieldNameInvalid), "a name that is not ASCII"),
        .post("A\u{0}B: y", .refused(.fieldNameInvalid), "a NUL in a name"),
        .post("A\rB: y", .refused(.fieldNameInvalid), "a bare CR in a name"),
        .post(": y", .refused(.fieldNameInvalid), "no name"),
        .post("X", .refused(.fieldNameInvalid), "no colon"),
        .post("X: a\u{1b}[31m", .refused(.fieldValueInvalid), "a terminal's escape"),
        .post("X: a\u{7f}", .refused(.fieldValueInvalid), "DEL"),
        .post("X: a\u{8}", .refused(.fieldValueInvalid), "a backspace"),
        .post("X: a\u{b}b", .refused(.fieldValueInvalid), "a vertical tab is no white space"),
    ]

    static let lineEnds: [HeadCase] = [
        .post("X: a\u{0}b", .refused(.lineEndInvalid), "B17: a NUL in a value, RFC 9110 §5.5"),
        .post("X: a\rb", .refused(.lineEndInvalid), "B17: a bare CR, RFC 9112 §2.2"),
        .post("X: a\r\r\nY: b", .refused(.lineEndInvalid), "B17: a CR too many"),
        .post("X: a\nY: b", .refused(.lineEndInvalid), "B17: a bare LF between fields"),
        .post("X: a\n\rY: b", .refused(.lineEndInvalid), "B17: LF CR"),
        .post("X: a\r\n b", .refused(.fieldFolded), "B17: obs-fold, RFC 9112 §5.2"),
        .post("X: a\r\n\tb", .refused(.fieldFolded), "B17: obs-fold with a tab"),
        .post("X: a\r\n \r\nY: b", .refused(.fieldFolded), "B17: a line of white space only"),
        .fields(" Host: a", .refused(.fieldFolded), "B17: white space before the first field, RFC 9112 §2.2"),
        .init("GET / HTTP/1.1\nHost: a\n\n", .refused(.lineEndInvalid), "B17: bare LF throughout"),
        .init("GET / HTTP/1.1\nHost: a\r\n\r\n", .refused(.lineEndInvalid), "B17: bare LF behind the request line"),
        .init("GET / HTTP/1.1\r\nHost: a\n\r\n", .refused(.lineEndInvalid), "B17: bare LF behind a field"),
        .init("GET / HTTP/1.1\r\nHost: a\r\n\n", .refused(.lineEndInvalid), "B17: bare LF for the empty line"),
        .init(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", .refused(.fieldNameInvalid), "B17: a CR before the empty line"),
        .init("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(.requestLineInvalid), "a bare LF in front"),
        .init("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(.requestLineInvalid), "a bare CR in front"),
        .init("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .taken("get / 1.1 none keep"), "one empty line, RFC 9112 §2.2"),
        .init("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(.requestLineInvalid), "two are too many"),
        .init("\r\n\r\n\r\n", .refused(.requestLineInvalid), "nothing but empty lines"),
    ]

    static let hosts: [HeadCase] = [
        .fields("Host: a:8080", plain, "with a port"),
        .fields("hOST: [::1]:80", plain, "an IPv6 address; names in any case, RFC 9110 §5.1"),
        .fields("Host:", plain, "empty, as for a target without authority, RFC 9112 §3.2"),
        .fields("X: y", .refused(.hostInvalid), "none: must be 400, RFC 9112 §3.2"),
        .fields("Hosts: a", .refused(.hostInvalid), "a longer name"),
        .fields("Host: a\r\nHost: a", .refused(.hostInvalid), "twice: must be 400, RFC 9112 §3.2"),
        .fields("Host: a\r\nX: y\r\nhost: b", .refused(.hostInvalid), "two different ones"),
        .fields("Host: a b", .refused(.hostInvalid), "a space"),
        .fields("Host: a\tb", .refused(.hostInvalid), "a tab"),
        .fields("Host: a,b", .refused(.hostInvalid), "a list"),
        .fields("Host: a/b", .refused(.hostInvalid), "a path"),
        .fields("Host: u@a", .refused(.hostInvalid), "user information"),
        .fields("Host: a?b", .refused(.hostInvalid), "a query"),
        .fields("Host: a#b", .refused(.hostInvalid), "a fragment"),
        .fields("Host: a\\b", .refused(.hostInvalid), "a backslash"),
        .fields("Host: \u{e9}", .refused(.hostInvalid), "not ASCII"),
        .init("GET / HTTP/1.0\r\n\r\n", .taken("get / 1.0 none close"), "1.0 needs none, RFC 9112 §3.2"),
        .init("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .refused(.hostInvalid), "but never takes two"),
    ]

    @Test("syntax", arguments: syntax) func checkSyntax(_ c: HeadCase) throws { try c.check() }
    @Test("line ends", arguments: lineEnds) func checkLineEnds(_ c: HeadCase) throws { try c.check() }
    @Test("Host", arguments: hosts) func checkHost(_ c: HeadCase) throws { try c.check() }

    @Test("are found where they lie, in order, without the white space around their values") func ranges() throws {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nX-One:  two three\t\r\nempty:\r\nspace: \t \r\n\r\n"
        let bytes = Array(head.utf8)
        var parser = RequestParser(limits: RequestLimits())
        // Twice: the second head's fields must not be added to the first one's.
        for _ in 0..<2 { _ = try parser.parse(bytes.span) }
        let fields = parser.fields.map { field in
            [field.name, field.value].map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        #expect(fields == [["Host", "a"], ["X-One", "two three"], ["empty", ""], ["space", ""]])
    }
}
