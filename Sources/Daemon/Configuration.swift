// The configuration as the rest of the daemon uses it: checked, with defaults filled in and secrets fetched.
// What its keys are stands in ConfigurationKeys.swift, how they are read in ConfigurationReading.swift.

import Delivery
import Glibc
import Server

/// A whole, checked configuration. There is no way to have one with an endpoint that does not verify.
public struct Configuration: Sendable {
    /// The file that it was read from, as it was named.
    public var file: String
    /// Where to listen; at least one address.
    public var listen: [Listener]
    /// The directory of events, nonces and cursors.
    public var stateDirectory: String
    /// The endpoints in the order of the file; at least one.
    public var endpoints: [Endpoint]
    /// The sinks in the order of the file.
    public var sinks: [Sink]
    /// What a client may ask of the daemon.
    public var limits: Limits
    /// How long events are kept.
    public var retention: Retention
    /// Where operators ask.
    public var admin: Admin
    /// What is logged, and how.
    public var log: Log
    /// What works and is probably not meant.
    public var warnings: [ConfigurationWarning]
    /// What it was read from.
    var document = ConfigurationDocument()
    /// Where relative paths in it start.
    var directory = "/"
    /// The files that it names to be read.
    var namedFiles: [NamedFile] = []

    /// An address to listen on, and how clients come there.
    public struct Listener: Hashable, Sendable {
        /// The address.
        public var address: ListenAddress
        /// Whether `[::]` takes connections over IPv4 as well.
        public var isDualStack = false
        /// The permissions of a Unix socket; nil for those that the umask leaves.
        public var unixMode: mode_t?
        /// Where its certificates and keys are; nil for a listener without encryption.
        public var tls: TLS?
        /// The proxies whose connections begin with a PROXY protocol header.
        public var proxyProtocol: AddressList?
        /// The proxies that name their client in a header field, and in which.
        public var forwarded: ForwardedSettings?

        /// An address alone.
        public init(_ address: ListenAddress) {
            self.address = address
        }

        /// Whether clients that come here have no address to be told apart by.
        var hasUnnamedClients: Bool {
            guard case .unix = address else { return false }
            return proxyProtocol == nil && forwarded == nil
        }
    }

    /// How many requests a client may make.
    public struct RateLimit: Hashable, Sendable {
        /// In the long run.
        public var requestsPerSecond: Int
        /// At once.
        public var burst: Int
    }

    /// A path where callbacks are taken.
    public struct Endpoint: Sendable {
        /// The path, in the form that requests are compared in.
        public var path: String
        /// The secrets that a signature may be made with; at least one.
        public var secrets: [Secret]
        /// How far the signed timestamp may be from the clock, in both directions; whole seconds.
        public var tolerance: Duration
        /// What a repeat of a stored callback is answered.
        public var repeats: Repeats
        /// What becomes of a genuine callback that is outside the time window and was never seen.
        public var late: Late
        /// How old a late callback may be to be accepted; whole seconds.
        public var lateWindow: Duration
        /// The clients whose callbacks are taken; nil for all.
        public var allow: AddressList?
        /// How many requests each client may make; nil for any number.
        public var rateLimit: RateLimit?
        /// The names of the sinks that get its events; all of them are in `Configuration.sinks`.
        public var sinks: [String]
    }

    /// A place where events go.
    public struct Sink: Sendable {
        /// The name that endpoints refer to: 1 to 64 letters, digits, `-` and `_`.
        public var name: String
        /// Its type, and what that type needs.
        public var kind: SinkKind
        /// Which events it gets.
        public var choice = EventChoice()
        /// Of the endpoints that name it, those whose events it gets; nil for all.
        public var endpoints: [String]?
    }

    /// The types of sinks.
    public enum SinkKind: Sendable {
        /// The daemon's standard output.
        case stdout
        /// A file that is appended to.
        case file(File)
        /// Another HTTP server.
        case forward(Forward)
    }

    /// What a file sink needs to know.
    public struct File: Sendable {
        /// Its absolute path.
        public var path: String
        /// When it is full; nil where it is not rotated by hookd.
        public var rotation: FileRotation?
        /// How its lines become durable.
        public var sync = FileKeys.sync.fallback
    }

    /// What a client may ask of the daemon.
    public struct Limits: Sendable {
        /// The largest body of a request.
        public var bodyLimitBytes = LimitKeys.body.fallback
        /// The largest head of a request.
        public var headerLimitBytes = LimitKeys.headers.fallback
        /// The most header fields of a request.
        public var headerCount = LimitKeys.headerCount.fallback
        /// The most connections at the same time.
        public var connections = LimitKeys.connections.fallback
        /// How long the head of a request may take in all.
        public var headerTimeout = LimitKeys.headerTimeout.fallback
        /// How long the body of a request may take in all.
        public var bodyTimeout = LimitKeys.bodyTimeout.fallback
        /// How long a connection may wait for its next request.
        public var idleTimeout = LimitKeys.idleTimeout.fallback
        /// How long a stop waits for requests that have begun.
        public var drainTimeout = LimitKeys.drainTimeout.fallback
        /// The most nonces held in memory.
        public var nonces = LimitKeys.nonces.fallback
        /// The most connections of one IPv4 address or IPv6 /64; nil for any number.
        public var connectionsPerAddress: Int?
        /// How old a connection may be to be given another request.
        public var connectionAge = LimitKeys.connectionAge.fallback
        /// How fast a head or body has to arrive on average, after five seconds; nil for any rate.
        public var minimumBytesPerSecond: Int?
        /// The most bytes of requests in memory, all connections together.
        public var requestMemoryBytes = LimitKeys.requestMemory.fallback

        /// The defaults.
        public init() {}
    }

    /// Where operators ask, and what they must show.
    public struct Admin: Sendable {
        /// The shortest token, in bytes: 16 random hexadecimal digits are 64 bits.
        static let leastTokenBytes = 16

        /// The address; nil for a Unix socket in the runtime or state directory. A TCP address comes with a token.
        public var listen: ListenAddress?
        /// What every request must show; nil where whoever can connect may ask.
        public var token: Secret?

        /// The defaults.
        public init() {}
    }

    /// How long events are kept, and how much of what is kept beside them.
    public struct Retention: Sendable {
        /// How old an event may become; whole seconds.
        public var age = RetentionKeys.age.fallback
        /// How large the store may become; nil for any size.
        public var sizeBytes: Int?
        /// How much room is left on the disk; nil for what suits it.
        public var reserveBytes: Int?
        /// The most callbacks in quarantine.
        public var quarantineCount = RetentionKeys.quarantine.fallback
        /// The most bytes of callbacks in quarantine.
        public var quarantineBytes = RetentionKeys.quarantineSize.fallback

        /// The defaults.
        public init() {}
    }

    /// What is logged, and how.
    public struct Log: Sendable {
        /// The least severe messages that are logged.
        public var level = LogKeys.level.fallback
        /// How it is written; nil for what suits stderr.
        public var format: LogFormat?

        /// The defaults.
        public init() {}
    }
}

extension Configuration {
    /// The most bytes of a configuration file: nobody writes more by hand, and naming the wrong file does no harm.
    static let fileLimitBytes = 1 << 20

    /// Reads the configuration file at `path`, and the secrets that it names.
    ///
    /// Nothing is created, and nothing but the file and the secrets is looked at; `validateEnvironment()` tells
    /// whether this machine can run it.
    ///
    /// - Parameters:
    ///   - environment: the environment variables that `env`, `$STATE_DIRECTORY` and `$CREDENTIALS_DIRECTORY` mean.
    ///   - nowSeconds: the time to judge `until` by, in seconds since 1970 (UTC); nil for the clock's.
    /// - Throws: everything that is wrong with it, at once.
    public static func load(
        path: String, environment: [String: String], nowSeconds: Int64? = nil
    ) throws(ConfigurationErrors) -> Configuration {
        let file: SmallFile
        do throws(SmallFileError) {
            file = try SmallFile(path: path, limitBytes: fileLimitBytes)
        } catch {
            let found = "a file that \(error.reason)"
            throw ConfigurationErrors(problems: [
                ConfigurationProblem(
                    file: path, line: nil, path: "", found: found, expected: "a configuration in JSON")
            ])
        }
        let reading = ConfigurationReading(
            file: path, environment: environment, nowSeconds: nowSeconds ?? Int64(time(nil)))
        return try reading.configuration(from: file.bytes)
    }
}
