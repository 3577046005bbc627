// What is to be known of an address to listen on, besides the address.

import Glibc

/// Where to listen, and how those who come there are told apart.
public struct ListenerSettings: Sendable {
    /// The address.
    public var address: ListenAddress
    /// The socket, where it was handed over; nil where it is to be made.
    public var inherited: InheritedSocket?
    /// Whether a socket of all IPv6 addresses takes IPv4 connections as well.
    public var isDualStack = false
    /// The permissions of a Unix socket's file; nil for those that the process's umask leaves.
    public var unixMode: mode_t?
    /// What makes connections here encrypted; nil for plain ones.
    public var tls: TLSContext?
    /// The proxies that pass on connections here, each with a PROXY protocol header before anything else; nil where
    /// none is expected.
    public var proxyProtocol: AddressList?
    /// The proxies that pass on requests here, and the header field in which they name their client; nil where the
    /// client is who is connected.
    public var forwarded: ForwardedSettings?

    /// An address alone.
    public init(_ address: ListenAddress) {
        self.address = address
    }

    /// A socket that was handed over.
    public init(_ inherited: InheritedSocket) {
        address = inherited.address
        self.inherited = inherited
    }
}
