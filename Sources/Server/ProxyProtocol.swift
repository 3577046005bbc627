// The header by which a TCP proxy says whose connection it passes on: the PROXY protocol, versions 1 and 2
// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). Pure: bytes in, an address out. Whoever sends it can
// name any address, so it is expected from configured proxies only, and from those always.

import Glibc

/// A parser of PROXY protocol headers.
enum ProxyProtocol {
    /// What became of the bytes at the beginning of a connection.
    enum Result: Equatable, Sendable {
        /// The header goes on behind these bytes.
        case incomplete
        /// The header is whole and takes so many bytes; what follows is the client's. Without a source the connection
        /// is the proxy's own, such as its health check, or its client has no address: the socket's counts.
        case complete(byteCount: Int, source: ClientAddress?)
    }

    /// The longest header of version 1 with its line end (§2.1).
    static let lineLimitBytes = 107
    /// The longest header of version 2 that is taken, without its first 16 bytes: addresses, and what a proxy tells of
    /// its TLS connection. A header is sent before anything is known of the sender, so it gets no 64 KiB.
    static let blockLimitBytes = 4096

    private static let signature: InlineArray<12, UInt8> = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]
    private static let lineStart: InlineArray<6, UInt8> = [0x50, 0x52, 0x4f, 0x58, 0x59, 0x20]  // "PROXY "
    private static let fixedBytes = 16

    /// Parses the header that `bytes` begins with.
    ///
    /// - Parameter bytes: what has arrived on the connection, from its first byte.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProxyProtocolError) -> Result {
        if begins(bytes, with: signature.span) {
            return bytes.count < fixedBytes ? .incomplete : try parseBlock(bytes)
        }
        guard begins(bytes, with: lineStart.span) else { throw .noHeader }
        return bytes.count < lineStart.count ? .incomplete : try parseLine(bytes)
    }

    /// Whether `bytes` is `start` with something behind it, or a beginning of it.
    private static func begins(_ bytes: UnsafeBufferPointer<UInt8>, with start: Span<UInt8>) -> Bool {
        for index in 0..<min(bytes.count, start.count) where bytes[index] != start[index] { return false }
        return true
    }

    // MARK: Version 1

    private static func parseLine(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProxyProtocolError) -> Result {
        // Whatever it says, it must not hold another line end than its own.
        let line = bytes.prefix(lineLimitBytes)
        guard let end = line.firstIndex(where: { $0 == 0x0d || $0 == 0x0a }) else {
            if bytes.count >= lineLimitBytes { throw .lineTooLong }
            return .incomplete
        }
        guard line[end] == 0x0d else { throw .lineMalformed }
        guard end + 1 < lineLimitBytes else { throw .lineTooLong }
        guard end + 1 < line.endIndex else { return .incomplete }
        guard line[end + 1] == 0x0a else { throw .lineMalformed }
        return .complete(byteCount: end + 2, source: try source(ofLine: bytes, lineStart.count..<end))
    }

    private static func source(
        ofLine bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) throws(ProxyProtocolError) -> ClientAddress? {
        var rest = range
        let family = word(&rest, in: bytes)
        // What an unknown connection's line says besides is to be ignored.
        if isEqual(bytes, family, "UNKNOWN") { return nil }
        let isIPv4 = isEqual(bytes, family, "TCP4")
        guard isIPv4 || isEqual(bytes, family, "TCP6") else { throw .lineMalformed }
        let source = word(&rest, in: bytes)
        let destination = word(&rest, in: bytes)
        let sourcePort = word(&rest, in: bytes)
        let destinationPort = word(&rest, in: bytes)
        guard destinationPort.upperBound == range.upperBound else { throw .lineMalformed }
        guard let address = IPAddress(text: UnsafeBufferPointer(rebasing: bytes[source]), isIPv4: isIPv4),
            IPAddress(text: UnsafeBufferPointer(rebasing: bytes[destination]), isIPv4: isIPv4) != nil,
            let port = port(bytes, sourcePort), self.port(bytes, destinationPort) != nil
        else { throw .addressMalformed }
        return .ip(address, port: port)
    }

    /// Takes what is before the next space, and the space; one word and no space at the end.
    private static func word(_ rest: inout Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        let end = bytes[rest].firstIndex(of: 0x20) ?? rest.upperBound
        defer { rest = min(end + 1, rest.upperBound)..<rest.upperBound }
        return rest.lowerBound..<end
    }

    private static func isEqual(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        bytes[range].elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A port in decimal digits, without zeros in front.
    private static func port(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UInt16? {
        guard (1...5).contains(range.count), range.count == 1 || bytes[range.lowerBound] != UInt8(ascii: "0") else {
            return nil
        }
        var value = 0
        for index in range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
        }
        return UInt16(exactly: value)
    }

    // MARK: Version 2

    private static func parseBlock(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProxyProtocolError) -> Result {
        guard bytes[12] >> 4 == 2 else { throw .versionUnknown }
        let isLocal = bytes[12] & 15 == 0
        guard isLocal || bytes[12] & 15 == 1 else { throw .commandUnknown }
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard length <= blockLimitBytes else { throw .blockTooLong(bytes: length) }
        let end = fixedBytes + length
        // The proxy's own connection: all else is to be ignored, the family included (§2.2).
        if isLocal { return bytes.count < end ? .incomplete : .complete(byteCount: end, source: nil) }
        let addressBytes: Int
        switch bytes[13] {
        case 0x00: addressBytes = 0  // a family that the protocol has no number for
        case 0x11: addressBytes = 12  // two addresses and two ports
        case 0x21: addressBytes = 36
        case 0x31: addressBytes = 216  // two paths
        default: throw .familyUnsupported
        }
        guard length >= addressBytes else { throw .blockTooShort }
        guard bytes.count >= end else { return .incomplete }
        guard bytes[13] != 0 else { return .complete(byteCount: end, source: nil) }
        try checkExtensions(bytes, fixedBytes + addressBytes..<end)
        return .complete(byteCount: end, source: try source(ofBlock: bytes))
    }

    private static func source(
        ofBlock bytes: UnsafeBufferPointer<UInt8>
    ) throws(ProxyProtocolError) -> ClientAddress {
        if bytes[13] == 0x31 { return .unix }
        let addressBytes = bytes[13] == 0x11 ? 4 : 16
        let raw = UnsafeRawBufferPointer(bytes)
        let address = UnsafeRawBufferPointer(rebasing: raw[fixedBytes..<fixedBytes + addressBytes])
        guard let address = IPAddress(bytes: address) else { throw .blockTooShort }
        let portStart = fixedBytes + 2 * addressBytes
        return .ip(address, port: UInt16(bytes[portStart]) << 8 | UInt16(bytes[portStart + 1]))
    }

    /// What may follow the addresses: a type, two bytes of length, a value. Its meaning is not looked at.
    private static func checkExtensions(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) throws(ProxyProtocolError) {
        var position = range.lowerBound
        while position < range.upperBound {
            guard position + 3 <= range.upperBound else { throw .extensionMalformed }
            position += 3 + (Int(bytes[position + 1]) << 8 | Int(bytes[position + 2]))
            guard position <= range.upperBound else { throw .extensionMalformed }
        }
    }
}

/// Why the beginning of a connection is no PROXY protocol header. The end of it is not known, so the connection is
/// of no further use.
enum ProxyProtocolError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection begins with something else.
    case noHeader
    /// A line of version 1 without its end.
    case lineTooLong
    /// A line of version 1 with other words than the protocol's.
    case lineMalformed
    /// An address or port in a line of version 1 that is none.
    case addressMalformed
    /// The signature of version 2, and another number.
    case versionUnknown
    /// Neither the proxy's own connection nor a client's.
    case commandUnknown
    /// Datagrams, or a family that the protocol does not have.
    case familyUnsupported
    /// Longer than any proxy has reason for.
    case blockTooLong(bytes: Int)
    /// Shorter than the addresses that it announces.
    case blockTooShort
    /// An extension that goes beyond the header.
    case extensionMalformed

    /// What was wrong, as a part of a sentence.
    var description: String {
        switch self {
        case .noHeader: "the connection begins without a PROXY protocol header. Does the proxy send one?"
        case .lineTooLong: "a PROXY protocol line of more than \(ProxyProtocol.lineLimitBytes) bytes"
        case .lineMalformed: "a malformed PROXY protocol line"
        case .addressMalformed: "a PROXY protocol line with a malformed address or port"
        case .versionUnknown: "a PROXY protocol header of an unknown version"
        case .commandUnknown: "a PROXY protocol header with an unknown command"
        case .familyUnsupported: "a PROXY protocol header of another family than TCP over IPv4 or IPv6, or Unix sockets"
        case .blockTooLong(let bytes):
            "a PROXY protocol header of \(bytes) bytes, more than \(ProxyProtocol.blockLimitBytes)"
        case .blockTooShort: "a PROXY protocol header that is shorter than its addresses"
        case .extensionMalformed: "a PROXY protocol header with a malformed extension"
        }
    }
}
