// What a forward sink has to be told. Every setting that is not here is not a matter of choice.

import Store

/// Bytes that no description, dump or mirror shows.
public struct HiddenBytes: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    /// Hides `bytes`.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nothing of the bytes.
    public var description: String { "(not shown)" }
    /// Nothing of the bytes.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// How events become HTTP requests.
public enum EventMode: String, Sendable, CaseIterable {
    /// The body is the callback, byte for byte, and the attributes are headers.
    case binary
    /// The body is the event as a JSON object.
    case structured
}

/// Which events keep their order where several are under way.
public enum EventOrder: String, Sendable, CaseIterable {
    /// Those of one conversation; of one contact, channel identity or message where there is none.
    case conversation
    /// Those of one contact; as `conversation` where there is none.
    case contact
    /// None.
    case none
}

/// The versions of HTTP.
public enum HTTPVersion: String, Sendable, CaseIterable {
    /// HTTP/1.1.
    case http1 = "1.1"
    /// HTTP/2 over TLS where the target offers it (ALPN), else HTTP/1.1.
    case http2 = "2"
}

/// What a forward sink has to be told.
public struct ForwardSettings: Sendable {
    /// Several events in one request, as a JSON list.
    public struct Batch: Sendable {
        /// The most events.
        public var events: Int
        /// The most bytes, about.
        public var bytes: Int
        /// How long events wait for others, in microseconds.
        public var waitMicroseconds: Int64

        /// A batch; see the properties.
        public init(events: Int = 100, bytes: Int = 1 << 20, waitMicroseconds: Int64 = 0) {
            (self.events, self.bytes, self.waitMicroseconds) = (events, bytes, waitMicroseconds)
        }
    }

    /// How the target proves who it is, and how we do. Both are always asked for what they can prove.
    public struct TLS: Sendable {
        /// A file of certificates that the target's must lead to, in PEM; nil for those of the system.
        public var authorityPath: String?
        /// What the target's public key must be besides: `sha256//` and the hash in base64, several with `;` between.
        public var pin: String?
        /// Our own certificate, in PEM.
        public var certificatePath: String?
        /// The key of our certificate, in PEM.
        public var key: HiddenBytes?

        /// The authorities of the system, and no certificate of our own.
        public init() {}
    }

    /// Where events are sent: an http or https URL.
    public var url: String
    /// What the target sees in `User-Agent`, such as `hookd/1.0`.
    public var userAgent: String
    /// How long an attempt may take, from the name's resolution to the end of the answer.
    public var timeoutMilliseconds = 15_000
    /// How much of that may go by until the connection is there.
    public var connectTimeoutMilliseconds = 5000
    /// How long to wait after a failed attempt.
    public var retry = RetryPolicy()
    /// How often an event is sent that the target refuses, before it goes to the dead letters.
    public var attempts = 10
    /// How many requests may be under way.
    public var concurrency = 1
    /// Which events keep their order where several requests are under way.
    public var order = EventOrder.conversation
    /// How an event becomes a request; without meaning where there is a batch.
    public var mode = EventMode.binary
    /// Several events in one request; nil for one.
    public var batch: Batch?
    /// Further headers, names and values checked already.
    public var headers: [(name: String, value: String)] = []
    /// The whole value of `Authorization`.
    public var authorization: HiddenBytes?
    /// The secrets to sign requests with as Standard Webhooks has it; none for no signature.
    public var signingSecrets: [HiddenBytes] = []
    /// The URL of a proxy; nil for none, whatever the environment says.
    public var proxy: String?
    /// How the two ends prove who they are.
    public var tls = TLS()
    /// The version of HTTP.
    public var version = HTTPVersion.http1
    /// Which addresses may be connected to.
    public var addresses = AddressPolicy()

    /// The defaults.
    public init(url: String, userAgent: String) {
        (self.url, self.userAgent) = (url, userAgent)
    }
}
