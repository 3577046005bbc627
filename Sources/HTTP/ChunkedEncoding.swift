// The chunked transfer coding, as it is written (RFC 9112 §7.1): for bodies whose length is not known when they begin.

extension [UInt8] {
    /// Behind the last chunk: a chunk of no bytes, and no trailer.
    public static let lastChunk: StaticString = "0\r\n\r\n"

    /// Appends `data` as a chunk. Nothing is appended for no data: that would be the end of the body.
    public mutating func append(chunk data: [UInt8]) {
        guard !data.isEmpty else { return }
        reserveCapacity(count + data.count + 20)  // the size has 16 digits at most, the two line ends four bytes
        append(contentsOf: String(data.count, radix: 16).utf8)
        append("\r\n")
        append(contentsOf: data)
        append("\r\n")
    }
}
