// The keys that say how clients come to the daemon and which of them may: listeners, proxies, allow lists, rates.

import HTTP
import Server

/// The keys of a listener that is written as an object.
enum ListenerKeys {
    static let address = Entry(
        "address", .string(), required: true,
        expected: "host:port, [v6]:port, unix:/path or systemd:NAME, such as \"[::]:8080\"",
        "Where to listen.")
    static let dualStack = Setting(
        "dual_stack", FlagKind(), default: false,
        "Whether [::] takes connections over IPv4 as well. Only with [::].")
    static let mode = OptionalSetting(
        "mode", FileModeKind(), example: 0o660,
        "The permissions of a Unix socket: who may write to it may connect. Without it the umask decides.")
    static let tls = Entry(
        "tls", .object(.tls), expected: Shape.tls.expected, "The certificates that make the listener speak HTTPS.")
    static let proxyProtocol = Entry(
        "proxy_protocol", .list(of: .string()), expected: "a list of proxies such as [\"10.0.0.0/8\", \"unix\"]",
        "The proxies whose connections begin with a PROXY protocol header, version 1 or 2, which names the client.")
    static let forwarded = Entry(
        "forwarded", .object(.forwarded), expected: Shape.forwarded.expected,
        "The proxies that name their client in a header field.")
}

/// The keys of `forwarded`.
enum ForwardedKeys {
    static let header = OptionalSetting(
        "header", ChoiceKind<ForwardedHeader>(), required: true, example: .xForwardedFor,
        "The header field that the proxies write: x-forwarded-for or forwarded (RFC 7239). The other is not looked at.")
    static let trusted = Entry(
        "trusted", .list(of: .string()), required: true,
        expected: "a list of proxies such as [\"127.0.0.1\", \"::1\", \"unix\"]",
        "The proxies whose word is taken. The client is the last address in the field that is none of theirs.")
}

/// The keys of an endpoint that concern its clients.
enum ClientKeys {
    static let allow = Entry(
        "allow", .list(of: .string()), expected: "a list of addresses and networks such as [\"192.0.2.0/24\", \"::1\"]",
        "The clients whose callbacks are taken: addresses, networks, \"unix\". Others are answered 403. Without it all."
    )
    static let rateLimit = Entry(
        "rate_limit", .object(.rateLimit), expected: Shape.rateLimit.expected,
        "How many requests each client may make. What is beyond is answered 429, which may lose the callback.")
}

/// The keys of `rate_limit`.
enum RateLimitKeys {
    static let rate = OptionalSetting(
        "rate", CountKind(bounds: 1...1_000_000), required: true, example: 50,
        "The requests a second of one IPv4 address or one IPv6 /64, in the long run.")
    static let burst = OptionalSetting(
        "burst", CountKind(bounds: 1...1_000_000), example: 100,
        "The requests that may come at once. Without it twice the rate.")
}

extension Shape {
    static let listener = Shape(
        expected: "an object such as {\"address\": \"[::]:8080\", \"dual_stack\": true}",
        keys: [
            ListenerKeys.address, ListenerKeys.dualStack, ListenerKeys.mode,
            ListenerKeys.tls, ListenerKeys.proxyProtocol, ListenerKeys.forwarded,
        ])
    static let forwarded = Shape(
        expected: "an object such as {\"header\": \"x-forwarded-for\", \"trusted\": [\"127.0.0.1\"]}",
        keys: [ForwardedKeys.header, ForwardedKeys.trusted])
    static let rateLimit = Shape(
        expected: "an object such as {\"rate\": 50, \"burst\": 100}", keys: [RateLimitKeys.rate, RateLimitKeys.burst])
}
