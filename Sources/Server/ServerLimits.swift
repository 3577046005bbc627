// How much the server takes and how long it waits.

import HTTP

/// The bounds of the server, all told for the whole process.
public struct ServerLimits: Sendable {
    /// How large a request may be.
    public var request = RequestLimits()
    /// The most connections at once; further ones wait in the kernel.
    public var connections = 10_000
    /// The most connections of one client: of an IPv4 address, or of the /64 network of an IPv6 address. Nil for as
    /// many as `connections`, as befits a server behind a proxy.
    public var connectionsPerAddress: Int?
    /// How long a connection must have waited for its next request before it may be ended for another that wants in.
    public var leastIdleTime = Duration.seconds(1)
    /// How many bytes of requests that have not come whole are kept at once; a request beyond it is answered 503.
    public var requestMemoryBytes = 16 << 20
    /// How long a head may take from its first byte to its last, and a new connection to send anything.
    public var headerTimeout = Duration.seconds(10)
    /// How long a body may take from the end of the head.
    public var bodyTimeout = Duration.seconds(30)
    /// How long a connection may stay open between two requests.
    public var idleTimeout = Duration.seconds(75)
    /// How long a connection may serve; the answer that is sent then is its last.
    public var connectionAge = Duration.seconds(3600)
    /// How fast a head or a body must come on average, once `rateGrace` is over; 0 for as slow as the timeouts allow.
    public var minimumBytesPerSecond = 0
    /// For how long a head or a body may come at any rate.
    public var rateGrace = Duration.seconds(5)
    /// How long the handler may take to answer; after that the server says 503 itself.
    public var answerTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}
}

extension Int64 {
    /// This moment on the monotonic clock, in nanoseconds, and `duration` later.
    func advanced(by duration: Duration) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(duration.nanoseconds)
        return overflow ? .max : sum
    }
}

extension Duration {
    /// The duration in nanoseconds, at most about 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole + attoseconds / 1_000_000_000
    }
}
