// Which addresses a forward sink may connect to, by what an operator allows.

import Glibc

/// What an address has to be for a sink to connect to it.
public struct AddressPolicy: Sendable, Equatable {
    /// Whether loopback and private addresses may be connected to. The usual target is one.
    public var allowsPrivate = true
    /// Networks that are never connected to.
    public var denied: [AddressNetwork] = []

    /// Everything but link-local, metadata and unspecified addresses is allowed.
    public init() {}

    /// Why the address is refused; nil where it is not.
    func refusal(of address: TargetAddress) -> AddressRefusal? {
        // What an IPv4 address in other clothes leads to counts as well as the clothes.
        let addresses = [address, address.embedded].compactMap(\.self)
        if addresses.contains(where: \.isForbidden) { return .forbidden }
        if addresses.contains(where: { one in denied.contains { $0.contains(one) } }) { return .denied }
        if !allowsPrivate, addresses.contains(where: \.isPrivate) { return .isPrivate }
        return nil
    }
}

/// Why an address is not connected to.
public enum AddressRefusal: Sendable, Equatable {
    /// Link-local, a cloud's metadata service, or unspecified.
    case forbidden
    /// In a network of the `deny` list.
    case denied
    /// Loopback or private, while `allow_private` is false.
    case isPrivate

    /// Completes "leads to 10.0.0.1, …".
    var words: String {
        switch self {
        case .forbidden: "a link-local, metadata or unspecified address that hookd never connects to"
        case .denied: "an address in a network of the sink's `deny`"
        case .isPrivate: "a private address, and the sink's `allow_private` is false"
        }
    }
}

/// A network in the notation of RFC 4632, such as `10.0.0.0/8`; an address without a length is that address alone.
public struct AddressNetwork: Sendable, Equatable {
    let bytes: [UInt8]
    let length: Int

    /// Reads a network. Nil for anything else, and where bits behind the length are set, for that is a mistake.
    public init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let address = TargetAddress(text: parts[0]) else { return nil }
        let most = address.bytes.count * 8
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let length = Int(parts[1]), length <= most
            else { return nil }
            self.length = length
        } else {
            length = most
        }
        bytes = address.bytes
        for bit in length..<most where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { return nil }
    }

    init(_ bytes: [UInt8], _ length: Int) { (self.bytes, self.length) = (bytes, length) }

    /// Whether the address is of the same family and in the network.
    func contains(_ address: TargetAddress) -> Bool {
        guard address.bytes.count == bytes.count else { return false }
        for index in bytes.indices {
            let bits = min(max(length - index * 8, 0), 8)
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            if (address.bytes[index] ^ bytes[index]) & mask != 0 { return false }
        }
        return true
    }
}
