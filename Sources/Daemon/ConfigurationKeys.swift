// Every key of the configuration, once: name, bounds, default, meaning.

/// What a repeat of a stored callback is answered.
public enum Repeats: String, CaseIterable, Sendable {
    /// 200: hookd holds the event.
    case acknowledge
    /// 409.
    case refuse
}

/// What becomes of a genuine callback that is outside the time window and was never seen.
public enum Late: String, CaseIterable, Sendable {
    /// 401, and it is kept apart for the operator.
    case quarantine
    /// It is stored as an event, if it is not older than the late window.
    case accept
    /// 401, and it is not kept.
    case refuse
}

/// The least severe messages that are logged, by the names of swift-log.
public enum LogLevel: String, CaseIterable, Sendable {
    /// All there is.
    case trace
    /// For finding a fault.
    case debug
    /// What happens.
    case info
    /// What is unusual.
    case notice
    /// What could become a failure.
    case warning
    /// What failed.
    case error
    /// What stops the daemon.
    case critical
}

/// How a line of the log is written.
public enum LogFormat: String, CaseIterable, Sendable {
    /// For people: time, level, message, `key=value`.
    case text
    /// For programs: a JSON object.
    case json
    /// For systemd's journal: fields, without a line.
    case journal
}

/// The keys of the file.
enum TopKeys {
    static let schema = Entry(
        "$schema", .string(), expected: "the address of a JSON Schema",
        "Where editors find the schema; hookd ignores it."
    )
    static let listen = Entry(
        "listen", .list(of: .stringOrObject(.listener)), required: true,
        expected: "a list of addresses such as [\"127.0.0.1:8080\"]",
        "Where to listen: host:port, [v6]:port, unix:/path, systemd or systemd:NAME (sockets that systemd hands over),"
            + " or an object with such an `address`. Port 0 takes any that is free.")
    static let stateDirectory = Entry(
        "state_directory", .path, expected: "a directory that hookd may write to, such as \"/var/lib/hookd\"",
        "Where events, nonces and cursors are kept. Without it $STATE_DIRECTORY, as systemd sets it.")
    static let endpoints = Entry(
        "endpoints", .map(of: .object(.endpoint), keys: "^/"), required: true,
        expected: "an object such as {\"/callbacks\": {\"secrets\": [{\"env\": \"SINCH_SECRET\"}]}}",
        "The paths where callbacks are taken, and what is expected there.")
    static let sinks = Entry(
        "sinks",
        .map(
            of: .variants(key: "type", shapes: ["stdout": .stdoutSink, "file": .fileSink, "forward": .forwardSink]),
            keys: "^[A-Za-z0-9_-]{1,64}$", mayBeEmpty: true),
        expected: "an object such as {\"journal\": {\"type\": \"stdout\"}}",
        "Where events go, by names that endpoints refer to.")
    static let limits = Entry(
        "limits", .object(.limits), hasDefaults: true, expected: Shape.limits.expected,
        "What a client may ask of the daemon.")
    static let retention = Entry(
        "retention", .object(.retention), hasDefaults: true, expected: Shape.retention.expected,
        "How long events are kept. What a sink has yet to take is kept longer.")
    static let admin = Entry(
        "admin", .object(.admin), hasDefaults: true, expected: Shape.admin.expected,
        "Where health, metrics and operator commands are answered.")
    static let log = Entry(
        "log", .object(.log), hasDefaults: true, expected: Shape.log.expected, "What is logged, and how.")
}

/// The keys of an endpoint.
enum EndpointKeys {
    static let secrets = Entry(
        "secrets", .list(of: .object(.secret)), required: true,
        expected: "a list of at least one secret such as [{\"env\": \"SINCH_SECRET\"}]",
        "The webhook's secrets. All are accepted, so that a new one can be added before the old one is removed.")
    /// At most an hour: nonces are kept in memory for as long as their window, ~32 bytes each, so an hour both
    /// ways at 1,000 callbacks a second is 230 MB.
    static let tolerance = Setting(
        "tolerance", DurationKind(bounds: .seconds(1)...(.seconds(3600)), wholeSeconds: true), default: .seconds(300),
        "How far the signed timestamp may be from the clock, in both directions.")
    static let repeats = Setting(
        "repeats", ChoiceKind<Repeats>(), default: .acknowledge,
        "What a repeat of a stored callback is answered: acknowledge (200) or refuse (409).")
    static let late = Setting(
        "late", ChoiceKind<Late>(), default: .quarantine,
        "What becomes of a genuine callback outside the time window that was never seen: quarantine (401, kept apart "
            + "for the operator), accept (200, if not older than late_window), refuse (401).")
    /// At most a month: events are kept for at least as long.
    static let lateWindow = Setting(
        "late_window", DurationKind(bounds: .seconds(1)...(.seconds(31 * 86_400)), wholeSeconds: true),
        default: .seconds(48 * 3600), "How old a late callback may be to be accepted.")
    static let sinks = Entry(
        "sinks", .list(of: .string(), mayBeEmpty: true), expected: "a list of names of sinks such as [\"journal\"]",
        "The sinks that get this endpoint's events.")
}

/// The keys of a secret.
enum SecretKeys {
    static let environment = Entry(
        "env", .string(pattern: "^[A-Za-z_][A-Za-z0-9_]*$"), expected: "the name of an environment variable",
        "An environment variable that holds it.")
    static let file = Entry(
        "file", .path, expected: "the path of a file", "A file that holds it. One newline at its end is not part.")
    static let credential = Entry(
        "credential", .string(pattern: "^[^/]+$"), expected: "the name of a credential: a file name without a slash",
        "A file in $CREDENTIALS_DIRECTORY, where systemd puts what LoadCredential= names.")
    static let until = Entry(
        "until", .string(pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
        expected: "a time in UTC such as \"2026-12-01T00:00:00Z\"",
        "When it stops being accepted.")
    /// The places that a secret may come from.
    static let sources = [environment, file, credential]
}

/// The keys of sinks.
enum SinkKeys {
    static let type = Entry(
        "type", .string(), required: true, expected: "one of \"stdout\", \"file\", \"forward\"", "The kind of sink.")
    static let path = Entry(
        "path", .path, required: true, expected: "the path of a file to append to",
        "The file. A relative path starts at the directory of the configuration file.")
    static let url = Entry(
        "url", .url, required: true, expected: "an http or https URL",
        "Where each event is sent with POST.")
    static let timeout = Setting(
        "timeout", DurationKind(bounds: .milliseconds(10)...(.seconds(600))), default: .seconds(15),
        "How long one attempt may take.")
    static let retry = Entry(
        "retry", .object(.retry), hasDefaults: true, expected: Shape.retry.expected,
        "How long to wait after a failed attempt.")
    static let retryInitial = Setting(
        "initial", DurationKind(bounds: .milliseconds(10)...(.seconds(3600))), default: .seconds(1),
        "The wait after the first failed attempt; it doubles with each.")
    static let retryMaximum = Setting(
        "maximum", DurationKind(bounds: .milliseconds(10)...(.seconds(86_400))), default: .seconds(60),
        "The longest wait between two attempts.")
}

/// The keys of `limits`.
enum LimitKeys {
    static let body = Setting(
        "body", SizeKind(bounds: 1...67_108_864), default: 1_048_576, "The largest body of a request.")
    static let headers = Setting(
        "headers", SizeKind(bounds: 256...1_048_576), default: 32_768, "The largest head of a request.")
    static let headerCount = Setting(
        "header_count", CountKind(bounds: 1...1000), default: 100, "The most header fields of a request.")
    static let connections = Setting(
        "connections", CountKind(bounds: 1...1_000_000), default: 10_000, "The most connections at the same time.")
    static let headerTimeout = Setting(
        "header_timeout", timeout, default: .seconds(10), "How long the head of a request may take in all.")
    static let bodyTimeout = Setting(
        "body_timeout", timeout, default: .seconds(30), "How long the body of a request may take in all.")
    static let idleTimeout = Setting(
        "idle_timeout", timeout, default: .seconds(75), "How long a connection may wait for its next request.")
    static let drainTimeout = Setting(
        "drain_timeout", timeout, default: .seconds(20), "How long a stop waits for requests that have begun.")
    static let nonces = Setting(
        "nonces", CountKind(bounds: 1...268_435_456), default: 16_777_216,
        "The most nonces held in memory, ~32 bytes each. More callbacks than that in their time windows get 503.")

    static let connectionsPerAddress = OptionalSetting(
        "connections_per_address", CountKind(bounds: 1...1_000_000), example: 100,
        "The most connections at the same time of one IPv4 address or one IPv6 /64. Without it any number.")
    static let connectionAge = Setting(
        "connection_age", DurationKind(bounds: .milliseconds(10)...(.seconds(604_800))), default: .seconds(3600),
        "How long a connection is used. The next answer after that says Connection: close, and the client comes anew.")
    static let minimumRate = OptionalSetting(
        "minimum_rate", SizeKind(bounds: 1...1_048_576), example: 256,
        "How much of a head or body has to arrive in a second, on average. What is slower after five seconds is"
            + " answered 408. Without it any rate that is done before the timeouts.")
    static let requestMemory = Setting(
        "request_memory", SizeKind(bounds: 65_536...(1 << 40)), default: 16_777_216,
        "The most bytes of requests in memory, all connections together. What is beyond is answered 503.")

    private static let timeout = DurationKind(bounds: .milliseconds(10)...(.seconds(3600)))
}

/// The keys of `retention`.
enum RetentionKeys {
    static let age = Setting(
        "age", DurationKind(bounds: .seconds(60)...(.seconds(3650 * 86_400)), wholeSeconds: true),
        default: .seconds(7 * 86_400), "How old an event may become.")
    static let size = OptionalSetting(
        "size", SizeKind(bounds: 1_048_576...(1 << 50)), example: 10_000_000_000,
        "How large the store may become; the oldest events go first. Without it age alone decides.")
    static let reserve = OptionalSetting(
        "reserve", SizeKind(bounds: 1_048_576...(1 << 50)), example: 1_000_000_000,
        "How much room is left on the disk: with less, callbacks are answered 503. Without it 32MiB, less on a small"
            + " disk.")
    static let quarantine = Setting(
        "quarantine", CountKind(bounds: 1...1_000_000), default: 10_000,
        "The most callbacks in quarantine; the oldest make room.")
    static let quarantineSize = Setting(
        "quarantine_size", SizeKind(bounds: 1_048_576...(1 << 40)), default: 67_108_864,
        "The most bytes of callbacks in quarantine; the oldest make room.")
}

/// The keys of `log`.
enum LogKeys {
    static let level = Setting(
        "level", ChoiceKind<LogLevel>(), default: .info, "The least severe messages that are logged.")
    static let format = OptionalSetting(
        "format", ChoiceKind<LogFormat>(), example: .text,
        "How it is written: text, json or journal. Without it journal where systemd connects stderr to its journal,"
            + " else text.")
}

extension Shape {
    static let top = Shape(
        expected: "an object with the keys of a configuration",
        keys: [
            TopKeys.schema, TopKeys.listen, TopKeys.stateDirectory, TopKeys.endpoints, TopKeys.sinks, TopKeys.limits,
            TopKeys.retention, TopKeys.admin, TopKeys.log,
        ])
    static let endpoint = Shape(
        expected: "an object such as {\"secrets\": [{\"env\": \"SINCH_SECRET\"}], \"sinks\": [\"journal\"]}",
        keys: [
            EndpointKeys.secrets, EndpointKeys.tolerance, EndpointKeys.repeats, EndpointKeys.late,
            EndpointKeys.lateWindow, ClientKeys.allow, ClientKeys.rateLimit, EndpointKeys.sinks,
        ])
    static let secret = Shape(
        expected: "an object such as {\"env\": \"SINCH_SECRET\"}: where the secret is, never the secret",
        keys: SecretKeys.sources + [SecretKeys.until], oneOf: SecretKeys.sources.map(\.name))
    static let retry = Shape(
        expected: "an object such as {\"initial\": \"1s\", \"maximum\": \"60s\"}",
        keys: [SinkKeys.retryInitial, SinkKeys.retryMaximum])
    static let limits = Shape(
        expected: "an object such as {\"body\": \"1MiB\"}",
        keys: [
            LimitKeys.body, LimitKeys.headers, LimitKeys.headerCount, LimitKeys.connections,
            LimitKeys.connectionsPerAddress, LimitKeys.connectionAge, LimitKeys.headerTimeout, LimitKeys.bodyTimeout,
            LimitKeys.idleTimeout, LimitKeys.drainTimeout, LimitKeys.minimumRate, LimitKeys.requestMemory,
            LimitKeys.nonces,
        ])
    static let retention = Shape(
        expected: "an object such as {\"age\": \"7d\", \"size\": \"10GB\"}",
        keys: [
            RetentionKeys.age, RetentionKeys.size, RetentionKeys.reserve, RetentionKeys.quarantine,
            RetentionKeys.quarantineSize,
        ])
    static let log = Shape(
        expected: "an object such as {\"level\": \"info\"}", keys: [LogKeys.level, LogKeys.format])
}
