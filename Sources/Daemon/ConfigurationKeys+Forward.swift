// The keys of a forward sink. Those that other sinks have as well stand in ConfigurationKeys.swift.

import Delivery

/// The keys of a forward sink.
enum ForwardKeys {
    static let connectTimeout = Setting(
        "connect_timeout", DurationKind(bounds: .milliseconds(10)...(.seconds(600))), default: .seconds(5),
        "How much of an attempt's time may go by until the connection is there.")
    static let maxAttempts = Setting(
        "max_attempts", CountKind(bounds: 1...1000), default: 10,
        "How often an event is sent that the target refuses, before it goes to the dead letters.")
    static let concurrency = Setting(
        "concurrency", CountKind(bounds: 1...256), default: 1,
        "How many requests may be under way. With more than one, only events of one `order_by` keep their order.")
    static let orderBy = Setting(
        "order_by", ChoiceKind<EventOrder>(), default: .conversation,
        "Which events keep their order where several requests are under way.")
    static let mode = Setting(
        "mode", ChoiceKind<EventMode>(), default: .binary,
        "How an event becomes a request: its attributes as headers and the callback as it came, or all as one JSON "
            + "object.")
    static let httpVersion = Setting(
        "http_version", ChoiceKind<HTTPVersion>(), default: .http1,
        "The version of HTTP; 2 over TLS, where the target offers it.")
    static let batch = Entry(
        "batch", .object(.batch), expected: Shape.batch.expected, "Several events in one request, as a JSON list.")
    static let headers = Entry(
        "headers", .map(of: .hidden, mayBeEmpty: true), expected: "an object such as {\"X-Tenant\": \"acme\"}",
        "Further headers of every request.")
    static let authorization = Entry(
        "authorization", .object(.secretSource), expected: Shape.secretSource.expected,
        "Where the whole value of the Authorization header is, such as `Bearer abc`.")
    static let sign = Entry(
        "sign", .object(.sign), expected: Shape.sign.expected,
        "Signs every request as Standard Webhooks has it: webhook-id, webhook-timestamp, webhook-signature.")
    static let signSecrets = Entry(
        "secrets", .list(of: .object(.secretSource)), required: true,
        expected: "a list of at least one secret such as [{\"file\": \"signing-secret\"}]",
        "The secrets, `whsec_` and base64, or the bytes themselves. Every one of them signs.")
    static let proxy = Entry(
        "proxy", .url, expected: "an http or https URL",
        "The proxy to send through. Proxies named by environment variables are never used.")
    static let tls = Entry(
        "tls", .object(.forwardTLS), expected: Shape.forwardTLS.expected,
        "How the target proves who it is, and how we do.")
    static let tlsAuthority = Entry(
        "ca", .path, expected: "the path of a file of certificates in PEM",
        "The authorities that the target's certificate must lead to, instead of the system's.")
    static let tlsPin = Entry(
        "pin", .string(pattern: "^sha256//"),
        expected: "\"sha256//\" and the base64 of 32 bytes, several with ; between",
        "The hash of the target's public key. It must be right besides the certificate.")
    static let tlsCertificate = Entry(
        "certificate", .path, expected: "the path of a certificate in PEM", "Our own certificate.")
    static let tlsKey = Entry(
        "key", .object(.secretSource), expected: Shape.secretSource.expected, "Where the key of our certificate is.")
    static let allowPrivate = Setting(
        "allow_private", FlagKind(), default: true, "Whether loopback and private addresses may be connected to.")
    static let deny = Entry(
        "deny", .list(of: .string(), mayBeEmpty: true),
        expected: "a list of networks such as [\"10.0.0.0/8\", \"fd00::/8\"]",
        "Networks that are never connected to, whatever name leads there.")
}

/// The keys of `batch`.
enum BatchKeys {
    static let events = Setting(
        "events", CountKind(bounds: 1...10_000), default: 100, "The most events in a request.")
    static let bytes = Setting(
        "bytes", SizeKind(bounds: 1024...67_108_864), default: 1_048_576,
        "About the most bytes in a request; an event that is larger has one of its own.")
    static let wait = Setting(
        "wait", DurationKind(bounds: .zero...(.seconds(60))), default: .zero,
        "How long events wait for others to share a request with.")
}

extension Shape {
    static let forwardSink = Shape(
        expected: "an object such as {\"type\": \"forward\", \"url\": \"https://crm.example.com/sinch\"}",
        keys: [
            SinkKeys.type, SinkKeys.url, SinkKeys.timeout, ForwardKeys.connectTimeout, SinkKeys.retry,
            ForwardKeys.maxAttempts, ForwardKeys.concurrency, ForwardKeys.orderBy, ForwardKeys.mode,
            ForwardKeys.batch, ForwardKeys.httpVersion, ForwardKeys.headers, ForwardKeys.authorization,
            ForwardKeys.sign, ForwardKeys.proxy, ForwardKeys.tls, ForwardKeys.allowPrivate, ForwardKeys.deny,
        ] + ChoiceKeys.all)
    static let batch = Shape(
        expected: "an object such as {\"events\": 100}", keys: [BatchKeys.events, BatchKeys.bytes, BatchKeys.wait])
    static let sign = Shape(
        expected: "an object such as {\"secrets\": [{\"file\": \"signing-secret\"}]}", keys: [ForwardKeys.signSecrets])
    static let forwardTLS = Shape(
        expected: "an object such as {\"ca\": \"internal-ca.pem\"}",
        keys: [ForwardKeys.tlsAuthority, ForwardKeys.tlsPin, ForwardKeys.tlsCertificate, ForwardKeys.tlsKey],
        together: [ForwardKeys.tlsCertificate.name, ForwardKeys.tlsKey.name])
    static let secretSource = Shape(
        expected: "an object such as {\"file\": \"secret\"}: where the secret is, never the secret",
        keys: SecretKeys.sources, oneOf: SecretKeys.sources.map(\.name))
}
