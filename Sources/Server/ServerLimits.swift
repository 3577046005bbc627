// How much the server takes and how long it waits.

import HTTP

/// The bounds of the server, all told for the whole process.
public struct ServerLimits: Sendable {
    /// How large a request may be.
    public var request = RequestLimits()
    /// The most connections at once; further ones wait in the kernel.
    public var connections = 10_000
    /// How long a head may take from its first byte to its last, and a new connection to send anything.
    public var headerTimeout = Duration.seconds(10)
    /// How long a body may take from the end of the head.
    public var bodyTimeout = Duration.seconds(30)
    /// How long a connection may stay open between two requests.
    public var idleTimeout = Duration.seconds(75)
    /// How long the handler may take to answer; after that the server says 503 itself.
    public var answerTimeout = Duration.seconds(5)
    /// The most connections at once of one address (`IPAddress.limitKey`); nil for any number.
    public var connectionsPerAddress: Int?
    /// How old a connection may be to be given another request.
    public var connectionAge = Duration.seconds(3600)
    /// How many bytes of a head or body have to arrive in a second, on average after five seconds; 0 for any number.
    public var minimumBytesPerSecond = 0
    /// The most bytes of requests in memory, all connections together.
    public var requestMemoryBytes = 32 << 20

    /// The defaults.
    public init() {}
}

extension Duration {
    /// The duration in nanoseconds, at most about 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole + attoseconds / 1_000_000_000
    }
}
