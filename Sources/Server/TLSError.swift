// Why TLS cannot be had with given settings: each certificate or key that cannot be used, and what to do.

import Glibc

/// Everything that is wrong with settings of TLS.
public struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong; never empty.
    public var problems: [TLSProblem]

    /// One line for each problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// A certificate, key or list of issuers that cannot be used.
public struct TLSProblem: Equatable, Sendable, CustomStringConvertible {
    /// A part of the settings.
    public enum Part: Equatable, Sendable {
        /// The certificates of the identity of this number, from 0.
        case certificate(Int)
        /// The key of the identity of this number, from 0.
        case key(Int)
        /// The issuers of clients' certificates.
        case clientIssuers
        /// None: OpenSSL could not be set up, or there is no identity.
        case whole
    }

    /// The part that is wrong.
    public var part: Part
    /// Where it came from.
    public var source: String
    /// What is wrong with it. Completes "found (the source), which …".
    public var reason: String
    /// What should be there. Completes "expected …".
    public var expected: String

    /// `SOURCE REASON; expected EXPECTED.`
    public var description: String {
        "\(source.isEmpty ? "TLS" : source) \(reason); expected \(expected)."
    }
}

/// `seconds` since 1970 as an RFC 3339 time in UTC.
func utcText(ofSeconds seconds: Int64) -> String {
    var time = time_t(seconds)
    var fields = tm()
    guard gmtime_r(&time, &fields) != nil else { return "a day beyond the calendar" }
    return textFromC(capacity: 32) { _ = strftime($0, $1, "%Y-%m-%dT%H:%M:%SZ", &fields) }
}

/// The text that `fill` writes, with a terminating NUL, to a place of `capacity` bytes.
func textFromC(capacity: Int, _ fill: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
        guard let start = buffer.baseAddress else { return "" }
        start.pointee = 0
        fill(start, capacity)
        return String(cString: start)
    }
}
