// The keys of listeners, allow lists and rates: taken, refused, warned of.

import HTTP
import Server
import Testing

@testable import Daemon

@Suite("The keys of listeners and clients") struct ClientKeysTests {
    @Test("are taken") func taken() throws {
        let configuration = try ConfigurationText.whole(
            #"""
            {"listen": [
               "127.0.0.1:1",
               {"address": "127.0.0.1:2"},
               {"address": "[::]:3", "dual_stack": true, "proxy_protocol": ["10.0.0.0/8", "::ffff:192.0.2.1"]},
               {"address": "unix:/run/a", "mode": "0660",
                "forwarded": {"header": "forwarded", "trusted": ["unix"]}},
               {"address": "unix:/run/b", "proxy_protocol": ["unix"], "mode": "666",
                "forwarded": {"header": "x-forwarded-for", "trusted": ["10.0.0.1"]}}],
             "state_directory": "/s",
             "endpoints": {
               "/c": {"secrets": [{"env": "GOOD"}], "allow": ["192.0.2.1", "2001:db8::/32", "unix"],
                      "rate_limit": {"rate": 50, "burst": 1}},
               "/d": {"secrets": [{"env": "GOOD"}], "rate_limit": {"rate": 5}},
               "/e": {"secrets": [{"env": "GOOD"}]}},
             "limits": {"connections_per_address": 7, "connection_age": "2h", "minimum_rate": "64B",
                        "request_memory": "2MiB"}}
            """#
        ).load()
        let listen = configuration.listen
        #expect(
            listen.map(\.address.description) == [
                "127.0.0.1:1", "127.0.0.1:2", "[::]:3", "unix:/run/a", "unix:/run/b",
            ])
        #expect(listen.map(\.isDualStack) == [false, false, true, false, false])
        #expect(listen.map(\.unixMode) == [nil, nil, nil, 0o660, 0o666])
        #expect(listen.map { $0.proxyProtocol?.description } == [nil, nil, "10.0.0.0/8, 192.0.2.1", nil, "unix"])
        #expect(listen.map(\.forwarded?.header) == [nil, nil, nil, .forwarded, .xForwardedFor])
        #expect(listen.map { $0.forwarded?.trusted.description } == [nil, nil, nil, "unix", "10.0.0.1"])
        let endpoints = configuration.endpoints
        #expect(endpoints.map { $0.allow?.description } == ["192.0.2.1, 2001:db8::/32, unix", nil, nil])
        #expect(endpoints.map(\.rateLimit?.requestsPerSecond) == [50, 5, nil])
        #expect(endpoints.map(\.rateLimit?.burst) == [1, 10, nil])
        let limits = configuration.limits
        #expect(limits.connectionsPerAddress == 7)
        #expect(limits.connectionAge == .seconds(7200))
        #expect(limits.minimumBytesPerSecond == 64)
        #expect(limits.requestMemoryBytes == 2 << 20)
        #expect(configuration.warnings.filter { !$0.message.contains("no sink") } == [])
    }

    typealias Case = ConfigurationRefusalTests.Case

    static let listeners: [Case] = [
        .init(.listen("[{}]"), "listen[0].address", found: "nothing", "no address"),
        .init(.listen(#"[{"address": 1}]"#), "listen[0].address", found: "1", "a number"),
        .init(.listen(#"[{"address": "80"}]"#), "listen[0].address", found: "\"80\"", "no address"),
        .init(
            .listen(#"[{"adress": "[::]:1", "address": "[::]:1"}]"#), "listen[0].adress", found: "an unknown key",
            "a key misspelt beside the right one"),
        .init(
            .listen(#"["[::]:1", {"address": "[::]:1", "dual_stack": true}]"#), "listen[1].address",
            found: "\"[::]:1\"", "the same address in both forms"),
        .init(
            .listen(#"[{"address": "[::]:1", "dual_stack": true}, "0.0.0.0:1"]"#), "listen[1]",
            found: "\"0.0.0.0:1\"", "an address that is taken by both families"),
        .init(
            .listen(#"["127.0.0.1:1", {"address": "[::]:1", "dual_stack": true}]"#), "listen[1].address",
            found: "\"[::]:1\"", "the other way round"),
        .init(
            .listen(#"[{"address": "0.0.0.0:1", "dual_stack": true}]"#), "listen[0].dual_stack", found: "true", "IPv4"),
        .init(
            .listen(#"[{"address": "[::1]:1", "dual_stack": true}]"#), "listen[0].dual_stack", found: "true",
            "one address has one family"),
        .init(
            .listen(#"[{"address": "unix:/s", "dual_stack": true}]"#), "listen[0].dual_stack", found: "true", "unix"),
        .init(.listen(#"[{"address": "[::]:1", "dual_stack": 1}]"#), "listen[0].dual_stack", found: "1", "a number"),
        .init(
            .listen(#"[{"address": "[::]:1", "dual_stack": "true"}]"#), "listen[0].dual_stack", found: "\"true\"",
            "a text"),
        .init(.listen(#"[{"address": "[::]:1", "mode": "0660"}]"#), "listen[0].mode", found: "\"0660\"", "no file"),
        .init(.listen(#"[{"address": "unix:/s", "mode": 660}]"#), "listen[0].mode", found: "660", "decimal?"),
        .init(.listen(#"[{"address": "unix:/s", "mode": "0680"}]"#), "listen[0].mode", found: "\"0680\"", "not octal"),
        .init(.listen(#"[{"address": "unix:/s", "mode": "4660"}]"#), "listen[0].mode", found: "\"4660\"", "set-uid"),
        .init(.listen(#"[{"address": "unix:/s", "mode": "60"}]"#), "listen[0].mode", found: "\"60\"", "two digits"),
        .init(.listen(#"[{"address": "unix:/s", "mode": "0o660"}]"#), "listen[0].mode", found: "\"0o660\"", "Python"),
        .init(.listen(#"[{"address": "unix:/s", "mode": "u+rw"}]"#), "listen[0].mode", found: "\"u+rw\"", "letters"),
    ]

    static let proxies: [Case] = [
        .init(
            .listen(#"[{"address": "[::]:1", "proxy_protocol": true}]"#), "listen[0].proxy_protocol", found: "true",
            "from whom?"),
        .init(
            .listen(#"[{"address": "[::]:1", "proxy_protocol": []}]"#), "listen[0].proxy_protocol",
            found: "an empty list", "from nobody, or everybody?"),
        .init(
            .listen(#"[{"address": "[::]:1", "proxy_protocol": ["10.0.0.1/8"]}]"#), "listen[0].proxy_protocol[0]",
            found: "\"10.0.0.1/8\"", "bits behind the network"),
        .init(
            .listen(#"[{"address": "[::]:1", "proxy_protocol": ["unix"]}]"#), "listen[0].proxy_protocol",
            found: "a list", "nobody comes to a port by a Unix socket"),
        .init(
            .listen(#"[{"address": "unix:/s", "proxy_protocol": ["10.0.0.1"]}]"#), "listen[0].proxy_protocol",
            found: "a list", "nobody comes to a Unix socket from an address"),
        .init(
            .listen(#"[{"address": "[::]:1", "proxy_protocol": ["::1", "0::1"]}]"#), "listen[0].proxy_protocol[1]",
            found: "\"0::1\"", "the same twice"),
        .init(
            .listen(#"[{"address": "[::]:1", "forwarded": {"trusted": ["::1"]}}]"#), "listen[0].forwarded.header",
            found: "nothing", "which one? no guess"),
        .init(
            .listen(#"[{"address": "[::]:1", "forwarded": {"header": "forwarded"}}]"#), "listen[0].forwarded.trusted",
            found: "nothing", "by whom?"),
        .init(
            .listen(#"[{"address": "[::]:1", "forwarded": {"header": "x-real-ip", "trusted": ["::1"]}}]"#),
            "listen[0].forwarded.header", found: "\"x-real-ip\"", "a header without a list"),
        .init(
            .listen(#"[{"address": "[::]:1", "forwarded": {"header": "forwarded", "trusted": []}}]"#),
            "listen[0].forwarded.trusted", found: "an empty list", "nobody"),
        .init(
            .listen(#"[{"address": "[::]:1", "forwarded": {"header": "forwarded", "trusted": ["unix"]}}]"#),
            "listen[0].forwarded.trusted", found: "a list", "nobody comes to a port by a Unix socket"),
        .init(
            .listen(#"[{"address": "unix:/s", "forwarded": {"header": "forwarded", "trusted": ["::1"]}}]"#),
            "listen[0].forwarded.trusted", found: "a list", "nobody comes to a Unix socket from an address"),
    ]

    static let clients: [Case] = [
        .init(.endpointKeys(#""allow": []"#), "endpoints./c.allow", found: "an empty list", "nobody, or everybody?"),
        .init(.endpointKeys(#""allow": "unix""#), "endpoints./c.allow", found: "\"unix\"", "a text"),
        .init(.endpointKeys(#""allow": null"#), "endpoints./c.allow", found: "null", "nobody, or everybody?"),
        .init(.endpointKeys(#""allow": [{}]"#), "endpoints./c.allow[0]", found: "an empty object", "an object"),
        .init(.endpointKeys(#""allow": ["*"]"#), "endpoints./c.allow[0]", found: "\"*\"", "no network"),
        .init(.endpointKeys(#""allow": ["::1", "a"]"#), "endpoints./c.allow[1]", found: "\"a\"", "a name"),
        .init(
            .endpointKeys(#""allow": ["10.1.0.0/8"]"#), "endpoints./c.allow[0]", found: "\"10.1.0.0/8\"", "host bits"),
        .init(.endpointKeys(#""rate_limit": 50"#), "endpoints./c.rate_limit", found: "50", "a number"),
        .init(.endpointKeys(#""rate_limit": {}"#), "endpoints./c.rate_limit.rate", found: "nothing", "no rate"),
        .init(.endpointKeys(#""rate_limit": {"rate": 0}"#), "endpoints./c.rate_limit.rate", found: "0", "nothing"),
        .init(
            .endpointKeys(#""rate_limit": {"rate": 1, "burst": 0}"#), "endpoints./c.rate_limit.burst", found: "0",
            "nothing"),
        .init(
            .endpointKeys(#""rate_limit": {"rate": "50/s"}"#), "endpoints./c.rate_limit.rate", found: "\"50/s\"",
            "a text"),
        .init(
            .limits(#""connections_per_address": 0"#), "limits.connections_per_address", found: "0", "nobody at all"),
        .init(.limits(#""connection_age": "0s""#), "limits.connection_age", found: "\"0s\"", "too old at once"),
        .init(.limits(#""minimum_rate": "0B""#), "limits.minimum_rate", found: "\"0B\"", "to be left out"),
        .init(.limits(#""minimum_rate": 256"#), "limits.minimum_rate", found: "256", "no unit"),
        .init(.limits(#""request_memory": "1KiB""#), "limits.request_memory", found: "\"1KiB\"", "out of bounds"),
        .init(
            .limits(#""request_memory": "1MiB""#), "limits.request_memory", found: "1MiB",
            "no room for a body and its headers"),
        .init(
            .limits(#""body": "64MiB""#), "limits.request_memory", found: "16MiB", "no room for so large a body"),
    ]

    @Test("are refused with their path", arguments: listeners + proxies + clients) func refused(_ c: Case) {
        let problems = c.text.problems()
        #expect(problems.map(\.path) == [c.path])
        #expect(problems.map(\.found) == [c.found])
    }

    @Test("are told how they were probably meant") func hints() throws {
        func expected(_ text: ConfigurationText) -> String { text.problems().map(\.expected).joined(separator: "; ") }
        #expect(expected(.endpointKeys(#""allow": ["unx"]"#)).hasSuffix(#"or "unix" (did you mean "unix"?)"#))
        #expect(
            expected(.endpointKeys(#""allow": ["192.0.2.9/24"]"#))
                == #"the network itself, "192.0.2.0/24", or one address without a slash"#)
        #expect(expected(.endpointKeys(#""alow": ["::1"]"#)).hasSuffix("(did you mean `allow`?)"))
        #expect(expected(.limits(#""conection_age": "1h""#)).hasSuffix("(did you mean `connection_age`?)"))
        #expect(
            expected(.listen(#"[{"address": "[::]:1", "forwarded": {"header": "fowarded", "trusted": ["::1"]}}]"#))
                == #"one of "x-forwarded-for", "forwarded" (did you mean "forwarded"?)"#)
        #expect(
            expected(.listen(#"[{"address": "unix:/s", "mode": "999"}]"#))
                == #"permissions in three octal digits, a zero before them or not, such as "0660""#)
        #expect(
            expected(.limits(#""request_memory": "1MiB""#)) == "room for one request of `body` 1MiB and `headers` 32KiB"
        )
    }

    @Test("are warned of where they are probably not meant") func warnings() throws {
        func warnings(_ text: ConfigurationText) throws -> [String] {
            try text.load().warnings.map { "\($0.path) \($0.message.prefix(22))" }
        }
        let everybody = #"[{"address": "0.0.0.0:1", "proxy_protocol": ["0.0.0.0/0"]}]"#
        #expect(try warnings(.listen(everybody)) == ["listen[0].proxy_protocol every address is on th"])
        func unix(_ keys: String) -> ConfigurationText {
            .whole(
                #"""
                {"listen": [{"address": "unix:/s"\#(keys)}], "state_directory": "/s",
                 "sinks": {"o": {"type": "stdout"}},
                 "endpoints": {"/c": {"secrets": [{"env": "GOOD"}], "sinks": ["o"], "rate_limit": {"rate": 5}}}}
                """#)
        }
        #expect(try warnings(unix("")) == ["endpoints./c.rate_limit clients that come by a"])
        #expect(try warnings(unix(#", "proxy_protocol": ["unix"]"#)) == [])
        #expect(try warnings(unix(#", "forwarded": {"header": "forwarded", "trusted": ["unix"]}"#)) == [])
    }
}
