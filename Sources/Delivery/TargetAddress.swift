// Addresses that events are never sent to, whatever name leads there. They belong to the machine's own network
// (link-local) or to a cloud's metadata service, which hands out credentials to whoever asks.

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

    /// Whether hookd never connects to it. Loopback and private addresses are allowed: the URL comes from the
    /// operator, whose own services usually live there.
    var isForbidden: Bool {
        bytes.count == 4 ? isForbiddenIPv4(bytes[...]) : isForbiddenIPv6
    }

    private var isForbiddenIPv6: Bool {
        let zero = [UInt8](repeating: 0, count: 16)
        if bytes == zero { return true }  // ::, which Linux takes for the loopback address
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return true }  // fe80::/10, RFC 4291 §2.5.6
        // fd00:ec2::254, the metadata service of AWS.
        if bytes == [0xFD, 0x00, 0x0E, 0xC2] + zero[..<10] + [0x02, 0x54] { return true }
        // An IPv4 address in other clothes: mapped (RFC 4291 §2.5.5.2), or through NAT64 (RFC 6052 §2.1).
        let prefix = Array(bytes[..<12])
        let mapped = zero[..<10] + [0xFF, 0xFF]
        let translated = [0x00, 0x64, 0xFF, 0x9B] + zero[..<8]
        return (prefix == Array(mapped) || prefix == translated) && isForbiddenIPv4(bytes[12...])
    }

    private func isForbiddenIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
        // 0.0.0.0/8 is "this network" (RFC 1122 §3.2.1.3); Linux takes 0.0.0.0 for the loopback address.
        bytes.first == 0 || bytes.starts(with: [169, 254])  // link-local, RFC 3927
    }

    /// As an operator writes it.
    var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
