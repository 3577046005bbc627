// A listening socket that somebody else made and handed over: whether it is one that the server can use.

import CLinux
import Glibc

/// A listening socket that was handed over to this process, as by a socket unit of systemd.
public struct InheritedSocket: Equatable, Sendable {
    /// The descriptor, which the server closes when it stops.
    public let descriptor: Int32
    /// What it is bound to. An abstract Unix socket has a name that begins with `@`.
    public let address: ListenAddress

    /// Looks at what `descriptor` is.
    ///
    /// - Throws: what it is instead of a stream socket that listens.
    public init(descriptor: Int32) throws(InheritedSocketError) {
        guard let type = Self.option(SO_TYPE, of: descriptor) else { throw .noSocket }
        guard type == Int32(SOCK_STREAM.rawValue) else { throw .noStream }
        guard Self.option(SO_ACCEPTCONN, of: descriptor) == 1 else { throw .notListening }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { throw .noSocket }
        self.descriptor = descriptor
        switch Int32(storage.ss_family) {
        case AF_INET, AF_INET6:
            guard let host = IPAddress(storage) else { throw .otherFamily }
            address = .tcp(host: host.description, port: portNumber(of: storage))
        case AF_UNIX: address = .unix(path: Self.unixName(storage, length))
        default: throw .otherFamily
        }
    }

    private static func option(_ option: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }

    private static func unixName(_ storage: sockaddr_storage, _ length: socklen_t) -> String {
        withUnsafeBytes(of: storage) { bytes in
            let name = bytes[2..<max(2, min(Int(length), bytes.count))]
            // Abstract names begin with NUL, and have no other one at their end (unix(7)).
            guard name.first == 0 else { return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) }
            return "@" + String(decoding: name.dropFirst(), as: UTF8.self)
        }
    }
}

/// What was handed over in place of a listening stream socket.
public enum InheritedSocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file, a pipe, or nothing at all.
    case noSocket
    /// A socket of datagrams or the like.
    case noStream
    /// A connection, or a socket that was never told to listen.
    case notListening
    /// A stream of another kind than TCP and Unix.
    case otherFamily

    /// What it is.
    public var description: String {
        switch self {
        case .noSocket: "no socket"
        case .noStream: "a socket that is no stream (use ListenStream=)"
        case .notListening: "a socket that does not listen (use Accept=no)"
        case .otherFamily: "a socket of neither TCP nor Unix"
        }
    }
}
