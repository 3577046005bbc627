// An IPv4 or IPv6 address: its text, its bytes, and how much of it tells one client from another.

import CLinux
import Glibc

/// An IPv4 or IPv6 address, without a port and without a scope.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2), as a dual-stack socket
/// shows its IPv4 clients, is the IPv4 address: a rule for one is a rule for the other.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Whether the address has 4 bytes and not 16.
    public let isIPv4: Bool
    /// The address from the highest bit on, so that a prefix of either family is the same number of bits; the rest of
    /// an IPv4 address is zero.
    let bits: UInt128

    /// How many bits an address of this family has.
    var bitCount: Int { isIPv4 ? 32 : 128 }

    /// What stands before an IPv4 address that is written as an IPv6 one.
    private static let mappedPrefix: UInt128 = 0xffff

    /// - Parameter bits: left-aligned; what is behind the bits of the family must be zero.
    init(bits: UInt128, isIPv4: Bool) {
        self.bits = bits
        self.isIPv4 = isIPv4
    }

    /// An IPv6 address as it came, and an IPv4 address where it is one in disguise.
    private init(ipv6 bits: UInt128) {
        let isMapped = bits >> 32 == Self.mappedPrefix
        self.init(bits: isMapped ? bits << 96 : bits, isIPv4: isMapped)
    }

    /// An address from its 4 or 16 bytes in network order; nil for any other number.
    public init?(bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4:
            let value = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
            self.init(bits: UInt128(value) << 96, isIPv4: true)
        case 16:
            self.init(ipv6: UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self)))
        default: return nil
        }
    }

    /// The address of a socket; nil for another family.
    public init?(_ storage: sockaddr_storage) {
        let offset: Int
        let count: Int
        switch Int32(storage.ss_family) {
        case AF_INET:
            offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 4
            count = 4
        case AF_INET6:
            offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
            count = 16
        default: return nil
        }
        let address = withUnsafeBytes(of: storage) {
            IPAddress(bytes: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
        }
        guard let address else { return nil }
        self = address
    }

    /// An address from its text: four decimal numbers without leading zeros, or what RFC 4291 §2.2 allows, without
    /// brackets and scope. Nil for anything else.
    public init?(text: String) {
        var text = text
        let address = text.withUTF8 { bytes in
            IPAddress(text: bytes, isIPv4: !bytes.contains(UInt8(ascii: ":")))
        }
        guard let address else { return nil }
        self = address
    }

    /// An address of one family from its text. Allocates nothing.
    init?(text: UnsafeBufferPointer<UInt8>, isIPv4: Bool) {
        // inet_pton(3) wants a NUL behind it; one within would hide what follows.
        var terminated = InlineArray<46, CChar>(repeating: 0)
        guard text.count < terminated.count, !text.contains(0) else { return nil }
        for (index, byte) in text.enumerated() { terminated[index] = CChar(bitPattern: byte) }
        let parsed = terminated.span.withUnsafeBufferPointer { terminated -> IPAddress? in
            guard let start = terminated.baseAddress else { return nil }
            var bytes: UInt128 = 0
            return withUnsafeMutableBytes(of: &bytes) { bytes in
                guard inet_pton(isIPv4 ? AF_INET : AF_INET6, start, bytes.baseAddress) == 1 else { return nil }
                return IPAddress(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<(isIPv4 ? 4 : 16)]))
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Calls `body` with the 4 or 16 bytes of the address in network order.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeBytes(of: bits.bigEndian) {
            try body(UnsafeRawBufferPointer(rebasing: $0[..<(isIPv4 ? 4 : 16)]))
        }
    }

    /// The address in its usual form: IPv6 as RFC 5952 recommends.
    public var description: String {
        var text = [CChar](repeating: 0, count: 46)
        let isWritten = withBytes {
            inet_ntop(isIPv4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) != nil
        }
        guard isWritten else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What limits count by: an IPv4 address, and the /64 of an IPv6 one, for whoever has one address of such a
    /// network usually has all of them (RFC 6177).
    public var limitKey: IPAddress { isIPv4 ? self : masked(toBits: 64) }

    /// The address with all but its first `count` bits zero.
    func masked(toBits count: Int) -> IPAddress {
        IPAddress(bits: bits & Self.mask(count), isIPv4: isIPv4)
    }

    /// A mask of the first `count` of 128 bits.
    static func mask(_ count: Int) -> UInt128 { ~0 << UInt128(128 - count) }

    /// The address as an IPv6 one of 128 bits, whatever it is.
    var bitsAsIPv6: UInt128 { isIPv4 ? Self.mappedPrefix << 32 | bits >> 96 : bits }
}
