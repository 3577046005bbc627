// Single values of the configuration: durations, sizes, times, addresses, URLs, paths, names.

import Server
import Testing

@testable import Daemon

@Suite struct ValueTests {
    @Test(
        arguments: [
            ("250ms", .milliseconds(250)), ("1s", .seconds(1)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
            ("7d", .seconds(604_800)), ("0s", .zero), ("007s", .seconds(7)),
            ("9223372036854775807ms", .milliseconds(Int64.max)), ("9223372036854775808ms", nil),
            ("9223372036854776s", nil), ("5", nil), ("", nil), ("s", nil), ("5 m", nil), (" 5m", nil), ("5m ", nil),
            ("-5m", nil), ("+5m", nil), ("1.5h", nil), ("5M", nil), ("5min", nil), ("1m30s", nil), ("٥m", nil),
        ] as [(String, Duration?)])
    func durations(_ text: String, _ duration: Duration?) {
        #expect(Duration(text: text) == duration)
    }

    @Test(
        arguments: [
            ("1B", 1), ("64KiB", 65_536), ("1KB", 1000), ("3MB", 3_000_000), ("1MiB", 1_048_576),
            ("10GB", 10_000_000_000), ("2GiB", 2_147_483_648), ("8589934591GiB", 9_223_372_035_781_033_984),
            ("8589934592GiB", nil), ("1048576", nil), ("1 MiB", nil), ("1mib", nil), ("1K", nil), ("1kB", nil),
            ("-1B", nil), ("0x10B", nil), ("", nil), ("MiB", nil),
        ] as [(String, Int?)])
    func sizes(_ text: String, _ bytes: Int?) {
        #expect(ByteSize.bytes(fromText: text) == bytes)
    }

    @Test(arguments: ["250ms", "1s", "90s", "5m", "2h", "1d", "0s", "1500ms"])
    func durationsAreWrittenAsTheyAreRead(_ text: String) {
        #expect(Duration(text: text)?.text == text)
    }

    @Test(arguments: ["0B", "1B", "1000B", "1KiB", "1025B", "32KiB", "1MB", "64MiB", "3GB", "2GiB"])
    func sizesAreWrittenAsTheyAreRead(_ text: String) {
        let expected = text == "1000B" ? "1KB" : text
        #expect(ByteSize.bytes(fromText: text).map(ByteSize.text(ofBytes:)) == expected)
    }

    /// Seconds as `date -u -d TEXT +%s` gives them.
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-12-01T00:00:00Z", 1_796_083_200), ("2000-02-29T23:59:59Z", 951_868_799),
        ("1969-12-31T23:59:59Z", -1), ("2100-03-01T00:00:00Z", 4_107_542_400),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func times(_ text: String, _ seconds: Int64) {
        #expect(UTCTimestamp.seconds(fromText: text) == seconds)
        #expect(UTCTimestamp.text(ofSeconds: seconds) == text)
    }

    @Test(arguments: [
        "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-12-31T23:59:60Z",
        "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:00+00:00", "2026-01-01", "+026-01-01T00:00:00Z", "",
    ])
    func timesThatAreNone(_ text: String) {
        #expect(UTCTimestamp.seconds(fromText: text) == nil)
    }

    @Test(arguments: [
        (1_795_459_200_123_999, "2026-11-23T18:40:00.123Z"), (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ])
    func timesOfLogLines(_ microseconds: Int64, _ text: String) {
        #expect(UTCTimestamp.text(ofMicroseconds: microseconds) == text)
    }

    @Test(
        arguments: [
            ("127.0.0.1:8080", .tcp(host: "127.0.0.1", port: 8080)), ("[::1]:0", .tcp(host: "::1", port: 0)),
            ("localhost:65535", .tcp(host: "localhost", port: 65_535)),
            ("unix:/run/h.sock", .unix(path: "/run/h.sock")), ("systemd", .systemd(name: nil)),
            ("systemd:web", .systemd(name: "web")), ("systemd:hookd.socket", .systemd(name: "hookd.socket")),
            ("unix:/" + String(repeating: "x", count: 106), .unix(path: "/" + String(repeating: "x", count: 106))),
        ] as [(String, ListenAddress)])
    func addresses(_ text: String, _ address: ListenAddress) throws {
        #expect(try ListenAddress(text: text) == address)
        #expect(address.description == text)
    }

    @Test(
        arguments: [
            ("127.0.0.1", .noPort), ("", .noPort), ("localhost", .noPort), ("127.0.0.1:", .badPort),
            ("127.0.0.1:65536", .badPort), ("127.0.0.1:-1", .badPort), ("127.0.0.1:+1", .badPort),
            ("127.0.0.1:http", .badPort), ("127.0.0.1:000080", .badPort), (":80", .noHost), ("*:80", .noHost),
            ("::1:80", .noBrackets), ("[127.0.0.1]:80", .badHost), ("[::g]:80", .badHost), ("[]:80", .badHost),
            ("127.1:80", .badHost), ("256.0.0.1:80", .badHost), ("010.0.0.1:80", .badHost), ("0x7f000001:80", .badHost),
            ("a b:80", .badHost), ("-a:80", .badHost), ("a..b:80", .badHost), ("höst:80", .badHost),
            ("unix:h.sock", .relativeUnixPath), ("unix:", .relativeUnixPath), ("unix:@name", .relativeUnixPath),
            ("unix:/run/", .relativeUnixPath),
            ("unix:/" + String(repeating: "x", count: 107), .longUnixPath(bytes: 108)),
            ("systemd:", .badDescriptorName), ("systemd:a:b", .badDescriptorName), ("systemd:a b", .badDescriptorName),
            ("systemd:" + String(repeating: "x", count: 256), .badDescriptorName), ("systemdx", .noPort),
        ] as [(String, ListenAddressError)])
    func addressesThatAreNone(_ text: String, _ error: ListenAddressError) {
        #expect(throws: error) { try ListenAddress(text: text) }
    }

    @Test(arguments: [
        "http://x", "https://crm.example.com/sinch", "HTTPS://x:443/", "http://127.0.0.1:8081/a?b=c%20d",
        "http://[::1]/x", "http://[::1]:81", "https://x/@a:b", "http://under_score/",
    ])
    func urls(_ text: String) throws {
        #expect(try ForwardURL(text: text).text == text)
    }

    @Test(
        arguments: [
            ("", .badScheme), ("crm.example.com", .badScheme), ("ftp://x", .badScheme),
            ("file:///etc/passwd", .badScheme),
            ("http:/x", .badScheme), ("http//x", .badScheme), ("xhttp://x", .badScheme), ("http://", .badHost),
            ("http:///x", .badHost), ("http://?x", .badHost), ("http://x:0/", .badHost), ("http://x:65536/", .badHost),
            ("http://x:/", .badHost), ("http://::1/", .badHost), ("http://[::1]x/", .badHost),
            ("http://127.1/", .badHost),
            ("http://a@b/", .userInformation), ("http://a:b@c/", .userInformation), ("http://x/#f", .fragment),
            ("http://x/a b", .badCharacter), (" http://x", .badCharacter), ("http://x/\n", .badCharacter),
            ("http://höst/", .badCharacter), ("http://x\\@y/", .badCharacter),
            ("http://x/" + String(repeating: "a", count: 2048), .tooLong),
        ] as [(String, ForwardURLError)])
    func urlsThatAreNone(_ text: String, _ error: ForwardURLError) {
        #expect(throws: error) { try ForwardURL(text: text) }
    }

    @Test(arguments: ["/", "/callbacks", "/a/b-c._~", "/a%20b", "/a%2Fb", "/a%2fb", "/a//b", "/!$&'()*+,;=:@", "/..."])
    func endpointPaths(_ path: String) throws {
        try checkEndpointPath(path)
    }

    @Test(
        arguments: [
            ("", .noSlash), ("callbacks", .noSlash), ("*", .noSlash), ("http://x/", .noSlash),
            ("/a?b", .queryOrFragment),
            ("/a#b", .queryOrFragment), ("/a b", .badCharacter), ("/a\nb", .badCharacter), ("/ä", .badCharacter),
            ("/{id}", .badCharacter), ("/a%", .badPercent), ("/a%2", .badPercent), ("/a%zz", .badPercent),
            ("/%7E", .needlessPercent), ("/%61", .needlessPercent), ("/%2e%2e", .needlessPercent), ("/.", .dotSegment),
            ("/a/..", .dotSegment), ("/../a", .dotSegment), ("/" + String(repeating: "a", count: 512), .tooLong),
        ] as [(String, EndpointPathError)])
    func endpointPathsThatAreNone(_ path: String, _ error: EndpointPathError) {
        #expect(throws: error) { try checkEndpointPath(path) }
    }

    @Test(
        arguments: [
            ("tolerence", "tolerance"), ("tolernace", "tolerance"), ("Sinks", "sinks"), ("sink", "sinks"),
            ("secret", "secrets"), ("retries", nil), ("x", nil), ("", nil), (String(repeating: "s", count: 65), nil),
        ] as [(String, String?)])
    func nearestNames(_ name: String, _ nearest: String?) {
        #expect(nearestName(to: name, among: ["secrets", "tolerance", "repeats", "late", "sinks"]) == nearest)
    }
}
