// Networks, and lists of them: who is meant by `10.0.0.0/8`, `2001:db8::/32`, `unix`.

/// An IPv4 or IPv6 network: all addresses that begin with the same bits.
public struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the network.
    public let address: IPAddress
    /// How many bits its addresses have in common.
    public let bitCount: Int

    /// A network from its text: an address, a slash and the number of bits, or an address alone, which is the network
    /// of that one address: /32 of IPv4, /128 of IPv6.
    ///
    /// A network of IPv4 addresses written as IPv6 (`::ffff:10.0.0.0/104`) is the network of IPv4 addresses. Any other
    /// IPv6 network holds IPv6 addresses only, also if it is as wide as `::/0`.
    public init(text: String) throws(NetworkPrefixError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let written = IPAddress(text: String(Substring(first))) else {
            throw .badAddress
        }
        let isWrittenAsIPv6 = first.contains(UInt8(ascii: ":"))
        let most = isWrittenAsIPv6 ? 128 : 32
        var length = most
        if parts.count == 2 {
            guard let number = Self.number(parts[1]), number <= most else { throw .badLength(most: most) }
            length = number
        }
        guard isWrittenAsIPv6, written.isIPv4 else {
            try self.init(written, bitCount: length)
            return
        }
        if length < 96 {
            // Not all of the bits that make it an IPv4 address are within the prefix, so others are left over.
            let network = IPAddress(bits: written.bitsAsIPv6 & IPAddress.mask(length), isIPv4: false)
            throw .hostBits(network: try NetworkPrefix(network, bitCount: length))
        }
        try self.init(written, bitCount: length - 96)
    }

    private init(_ address: IPAddress, bitCount: Int) throws(NetworkPrefixError) {
        self.address = address.masked(toBits: bitCount)
        self.bitCount = bitCount
        if self.address != address { throw .hostBits(network: self) }
    }

    /// Whether the address is in the network.
    public func contains(_ other: IPAddress) -> Bool {
        other.isIPv4 == address.isIPv4 && (other.bits ^ address.bits) & IPAddress.mask(bitCount) == 0
    }

    /// The address alone where the network is that one address, else with the number of bits.
    public var description: String {
        bitCount == address.bitCount ? address.description : "\(address)/\(bitCount)"
    }

    /// A decimal number without a sign or leading zeros.
    private static func number(_ digits: Substring.UTF8View) -> Int? {
        guard (1...3).contains(digits.count), digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        return Int(String(Substring(digits)))
    }
}

/// What is wrong with the text of a network. `expected` completes "expected …".
public enum NetworkPrefixError: Error, Equatable, Sendable {
    /// No IPv4 or IPv6 address.
    case badAddress
    /// No number of bits behind the slash, or more than the address has.
    case badLength(most: Int)
    /// The address has bits behind those of the network, so either it or their number is not what was meant.
    case hostBits(network: NetworkPrefix)

    /// What should be there instead.
    public var expected: String {
        switch self {
        case .badAddress: "an address or network such as \"192.0.2.1\", \"10.0.0.0/8\", \"2001:db8::/32\", or \"unix\""
        case .badLength(let most): "a number of bits from 0 to \(most) after the slash"
        case .hostBits(let network):
            "the network itself, \"\(network.address)/\(network.bitCount)\", or one address without a slash"
        }
    }
}

/// A list of clients or proxies: networks, and whether those that come by a Unix socket are meant as well.
public struct AddressList: Hashable, Sendable, CustomStringConvertible {
    /// The networks.
    public private(set) var networks: [NetworkPrefix] = []
    /// Whether `unix` is on the list.
    public private(set) var includesUnix = false

    /// A list on which nobody is.
    public init() {}

    /// Adds what the text names.
    ///
    /// - Returns: whether it was not there already.
    @discardableResult
    public mutating func insert(text: String) throws(NetworkPrefixError) -> Bool {
        if text == "unix" {
            defer { includesUnix = true }
            return !includesUnix
        }
        let network = try NetworkPrefix(text: text)
        if networks.contains(network) { return false }
        networks.append(network)
        return true
    }

    /// Whether nobody is on the list.
    public var isEmpty: Bool { networks.isEmpty && !includesUnix }

    /// Whether the address is in one of the networks.
    public func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// Whether a client is on the list. One whose address is not known is on none.
    public func contains(_ client: ClientAddress) -> Bool {
        switch client {
        case .ip(let address, port: _): contains(address)
        case .unix: includesUnix
        case .unknown: false
        }
    }

    /// The list with commas.
    public var description: String {
        (networks.map(\.description) + (includesUnix ? ["unix"] : [])).joined(separator: ", ")
    }
}
