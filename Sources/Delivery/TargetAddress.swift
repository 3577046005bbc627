// The address that a forward sink is about to connect to, and the ranges that matter. Some addresses are never
// connected to, whatever name leads there: they belong to the machine's own network (link-local) or to a cloud's
// metadata service, which hands out credentials to whoever asks.

import Glibc

/// An address that libcurl is about to connect to: 4 bytes for IPv4, 16 for IPv6, in network order.
struct TargetAddress: Equatable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The address in a `sockaddr` of `length` bytes; nil for a family that is neither IPv4 nor IPv6.
    init?(_ address: UnsafeRawPointer, family: Int32, length: Int) {
        switch family {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let address = address.loadUnaligned(as: sockaddr_in.self)
            bytes = withUnsafeBytes(of: address.sin_addr) { Array($0) }
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let address = address.loadUnaligned(as: sockaddr_in6.self)
            bytes = withUnsafeBytes(of: address.sin6_addr) { Array($0) }
        default:
            return nil
        }
    }

    /// The address that inet_pton(3) reads: four decimal numbers, or an IPv6 address.
    init?(text: String) {
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// The IPv4 address that an IPv6 address leads to: mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), through
    /// NAT64 (RFC 6052 §2.1), or 6to4 (RFC 3056 §2). Nil for others.
    var embedded: TargetAddress? {
        guard bytes.count == 16 else { return nil }
        if bytes[0] == 0x20, bytes[1] == 0x02 { return TargetAddress(bytes: Array(bytes[2..<6])) }
        let zero = [UInt8](repeating: 0, count: 8)
        let middle = Array(bytes[8..<12])
        let isMapped = bytes.starts(with: zero) && (middle == [0, 0, 0xFF, 0xFF] || middle == [0, 0, 0, 0])
        let isTranslated = bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B] + zero)
        // :: and ::1 are addresses of their own.
        guard isMapped || isTranslated, bytes[..<15] != ArraySlice([UInt8](repeating: 0, count: 15)) else { return nil }
        return TargetAddress(bytes: Array(bytes[12...]))
    }

    /// Whether hookd never connects to it.
    var isForbidden: Bool { Self.forbidden.contains { $0.contains(self) } }

    /// Whether it is of this machine or of a network that is not the Internet.
    var isPrivate: Bool { Self.privateNetworks.contains { $0.contains(self) } }

    private static let forbidden = [
        AddressNetwork([0, 0, 0, 0], 8),  // "this network" (RFC 1122 §3.2.1.3); Linux takes 0.0.0.0 for loopback
        AddressNetwork([169, 254, 0, 0], 16),  // link-local (RFC 3927), and the metadata services of most clouds
        AddressNetwork(ipv6([]), 128),  // ::, which Linux takes for the loopback address
        AddressNetwork(ipv6([0xFE, 0x80]), 10),  // link-local (RFC 4291 §2.5.6)
        AddressNetwork([0xFD, 0x00, 0x0E, 0xC2] + [UInt8](repeating: 0, count: 10) + [0x02, 0x54], 128),  // AWS
    ]

    private static let privateNetworks = [
        AddressNetwork([127, 0, 0, 0], 8), AddressNetwork([10, 0, 0, 0], 8), AddressNetwork([172, 16, 0, 0], 12),
        AddressNetwork([192, 168, 0, 0], 16),  // RFC 1918
        AddressNetwork([100, 64, 0, 0], 10),  // shared by customers of a provider (RFC 6598)
        AddressNetwork([192, 0, 0, 0], 24), AddressNetwork([198, 18, 0, 0], 15),  // RFC 6890, RFC 2544
        AddressNetwork([224, 0, 0, 0], 3),  // multicast, reserved, broadcast
        AddressNetwork([UInt8](repeating: 0, count: 15) + [1], 128),  // ::1
        AddressNetwork(ipv6([0xFC]), 7), AddressNetwork(ipv6([0xFE, 0xC0]), 10), AddressNetwork(ipv6([0xFF]), 8),
    ]

    private static func ipv6(_ beginning: [UInt8]) -> [UInt8] {
        beginning + [UInt8](repeating: 0, count: 16 - beginning.count)
    }

    /// As an operator writes it.
    var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
