// Who the client is behind proxies that speak HTTP: the walk through what they say, from the nearest one on.

import HTTP

/// Which header field names the client, and whose word is taken for it.
public struct ForwardedSettings: Hashable, Sendable {
    /// The header field.
    public var header: ForwardedHeader
    /// The proxies. What anybody else says of its client is not looked at.
    public var trusted: AddressList

    /// Takes the word of the `trusted` in `header`.
    public init(header: ForwardedHeader, trusted: AddressList) {
        self.header = header
        self.trusted = trusted
    }

    /// The client of a request.
    ///
    /// A trusted proxy says who came to it; if that was a trusted proxy, what it said counts as well, and so on from
    /// the last element to the first. The client is the first that is not trusted. Where an element names no address,
    /// the client is the last one named: what is further left is nobody's word.
    ///
    /// - Parameters:
    ///   - peer: who is connected.
    ///   - fields: the fields of the request; their ranges are offsets into `bytes`.
    public func client(
        behind peer: ClientAddress, fields: [Field], _ bytes: UnsafeBufferPointer<UInt8>
    ) -> ClientAddress {
        guard trusted.contains(peer) else { return peer }
        var client = peer
        forEachForwardedAddress(of: header, in: fields, Span(_unsafeElements: bytes)) { named in
            guard let named,
                let address = IPAddress(
                    text: UnsafeBufferPointer(rebasing: bytes[named.text]), isIPv4: named.isIPv4)
            else { return false }
            client = .ip(address, port: named.port)
            return trusted.contains(address)
        }
        return client
    }
}
