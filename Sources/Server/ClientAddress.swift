// Who is at the other end: an address and a port, or somebody on this machine by a Unix socket.

import Glibc

/// Where a request came from.
public enum ClientAddress: Hashable, Sendable, CustomStringConvertible {
    /// From an address; port 0 where only the address is known.
    case ip(IPAddress, port: UInt16)
    /// From a process on this machine, by a Unix socket.
    case unix
    /// From nobody knows where: the connection is gone.
    case unknown

    /// What a socket address says.
    public init(_ storage: sockaddr_storage) {
        if Int32(storage.ss_family) == AF_UNIX {
            self = .unix
        } else if let address = IPAddress(storage) {
            self = .ip(address, port: portNumber(of: storage))
        } else {
            self = .unknown
        }
    }

    /// The address; nil where there is none.
    public var ip: IPAddress? {
        if case .ip(let address, port: _) = self { address } else { nil }
    }

    /// `192.0.2.1:4711`, `[2001:db8::1]:4711`, the address alone where the port is not known, `unix`, `unknown`.
    public var description: String {
        switch self {
        case .ip(let address, port: 0): address.description
        case .ip(let address, let port): address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        case .unix: "unix"
        case .unknown: "unknown"
        }
    }
}

/// The port of an IPv4 or IPv6 address: the two bytes behind the family in both.
func portNumber(of storage: sockaddr_storage) -> UInt16 {
    withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
}
