// What a forward sink needs to know, as configured.

import Delivery

extension Configuration {
    /// What a forward sink needs to know.
    public struct Forward: Sendable {
        /// Where events are sent.
        public var url: ForwardURL
        /// How long one attempt may take.
        public var timeout = SinkKeys.timeout.fallback
        /// How much of that may go by until the connection is there.
        public var connectTimeout = ForwardKeys.connectTimeout.fallback
        /// The wait after the first failed attempt.
        public var retryInitial = SinkKeys.retryInitial.fallback
        /// The longest wait between two attempts; never shorter than `retryInitial`.
        public var retryMaximum = SinkKeys.retryMaximum.fallback
        /// How often an event is sent that the target refuses.
        public var maxAttempts = ForwardKeys.maxAttempts.fallback
        /// How many requests may be under way.
        public var concurrency = ForwardKeys.concurrency.fallback
        /// Which events keep their order where several requests are under way.
        public var orderBy = ForwardKeys.orderBy.fallback
        /// How an event becomes a request.
        public var mode = ForwardKeys.mode.fallback
        /// Several events in one request; nil for one.
        public var batch: Batch?
        /// The version of HTTP.
        public var httpVersion = ForwardKeys.httpVersion.fallback
        /// Further headers.
        public var headers: [(name: String, value: String)] = []
        /// The whole value of `Authorization`.
        public var authorization: Secret?
        /// The secrets that requests are signed with, decoded.
        public var signingSecrets: [Secret] = []
        /// The proxy to send through.
        public var proxy: ForwardURL?
        /// The file of authorities that the target's certificate must lead to.
        public var tlsAuthorityPath: String?
        /// What the target's public key must be, as libcurl wants it.
        public var tlsPin: String?
        /// Our own certificate.
        public var tlsCertificatePath: String?
        /// The key of our certificate.
        public var tlsKey: Secret?
        /// Whether loopback and private addresses may be connected to.
        public var allowPrivate = ForwardKeys.allowPrivate.fallback
        /// Networks that are never connected to.
        public var deny: [AddressNetwork] = []

        /// The defaults.
        init(url: ForwardURL) { self.url = url }
    }

    /// Several events in one request.
    public struct Batch: Sendable {
        /// The most events.
        public var events: Int
        /// About the most bytes.
        public var bytes: Int
        /// How long events wait for others.
        public var wait: Duration
    }
}

extension ForwardSettings {
    /// The settings of a sink that is configured so.
    init(_ forward: Configuration.Forward) {
        self.init(url: forward.url.text, userAgent: "hookd/\(hookdVersion)")
        timeoutMilliseconds = Int(forward.timeout / .milliseconds(1))
        connectTimeoutMilliseconds = Int(forward.connectTimeout / .milliseconds(1))
        retry = RetryPolicy(
            initialMicroseconds: Int64(forward.retryInitial / .microseconds(1)),
            maximumMicroseconds: Int64(forward.retryMaximum / .microseconds(1)))
        attempts = forward.maxAttempts
        concurrency = forward.concurrency
        order = forward.orderBy
        mode = forward.mode
        batch = forward.batch.map {
            Batch(events: $0.events, bytes: $0.bytes, waitMicroseconds: Int64($0.wait / .microseconds(1)))
        }
        version = forward.httpVersion
        headers = forward.headers
        authorization = forward.authorization.map { HiddenBytes($0) }
        signingSecrets = forward.signingSecrets.map { HiddenBytes($0) }
        proxy = forward.proxy?.text
        tls.authorityPath = forward.tlsAuthorityPath
        tls.pin = forward.tlsPin
        tls.certificatePath = forward.tlsCertificatePath
        tls.key = forward.tlsKey.map { HiddenBytes($0) }
        addresses.allowsPrivate = forward.allowPrivate
        addresses.denied = forward.deny
    }
}

extension HiddenBytes {
    fileprivate init(_ secret: Secret) { self.init(secret.withBytes { $0 }) }
}
