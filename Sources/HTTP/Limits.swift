// How large a request may be.

/// The bounds of a request, all in force while it is read.
public struct RequestLimits: Sendable {
    /// The largest body, in bytes, without chunked framing.
    public var bodyBytes: Int
    /// The largest head, in bytes: request line, header fields and the empty line behind them. Also the bound on
    /// everything else around a body: chunk extensions and trailers.
    public var headBytes: Int
    /// The most header fields.
    public var fieldCount: Int

    /// 1 MiB of body, 32 KiB of head and 100 fields, unless said otherwise.
    public init(bodyBytes: Int = 1 << 20, headBytes: Int = 32 << 10, fieldCount: Int = 100) {
        self.bodyBytes = bodyBytes
        self.headBytes = headBytes
        self.fieldCount = fieldCount
    }
}
