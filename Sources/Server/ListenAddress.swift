// Where the server listens, and how a listening socket is made.

import CLinux
import Glibc

/// An address to listen on.
public enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address or a host name, and a TCP port; port 0 lets the kernel choose.
    case tcp(host: String, port: UInt16)
    /// A path of at most 107 bytes.
    case unix(path: String)
    /// The sockets that systemd hands over: those of this name (`FileDescriptorName=`), or all where it is nil. Each
    /// of them is an `InheritedSocket` with an address of its own.
    case systemd(name: String?)

    /// The address as the configuration writes it.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        case .systemd(let name): name.map { "systemd:\($0)" } ?? "systemd"
        }
    }
}

/// A bound, listening, non-blocking socket.
struct Listener: Sendable {
    let descriptor: Int32
    /// What it was made of, with the port that the kernel chose where none was named.
    var settings: ListenerSettings

    /// How many connections may wait in the kernel to be accepted.
    static let backlog: Int32 = 1024

    /// The address it is bound to.
    var address: ListenAddress { settings.address }

    /// Whether another process holds the socket, too, and goes on with it when this one stops.
    var isInherited: Bool { settings.inherited != nil }

    /// Whether all shards have the same socket.
    var isShared: Bool {
        if case .unix = address { true } else { isInherited }
    }

    /// Binds and listens, unless that was done before the socket was handed over. Fails where anybody listens there
    /// already.
    static func open(_ settings: ListenerSettings) throws(SystemError) -> Listener {
        if let inherited = settings.inherited { return try adopt(inherited, settings) }
        switch settings.address {
        case .tcp(let host, let port): return try openTCP(settings, host: host, port: port, joins: false)
        case .unix(let path): return try openUnix(settings, path: path)
        case .systemd: throw SystemError(call: "listen on \(settings.address)", code: EADDRNOTAVAIL)
        }
    }

    /// A listener on the same address for another shard: a TCP socket of its own (SO_REUSEPORT), so that each shard has
    /// a queue of its own in the kernel. For a Unix socket, which has no such thing, and one that was handed over, of
    /// which nobody else could take up what waits in another queue, it is the same one again.
    func forAnotherShard() throws(SystemError) -> Listener {
        if case .tcp(let host, let port) = address, !isInherited {
            return try Self.openTCP(settings, host: host, port: port, joins: true)
        }
        let copy = try systemCall("dup for \(address)") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
        return Listener(descriptor: copy, settings: settings)
    }

    /// Makes a socket that was handed over one like those made here.
    private static func adopt(
        _ inherited: InheritedSocket, _ settings: ListenerSettings
    ) throws(SystemError) -> Listener {
        let (descriptor, name) = (inherited.descriptor, inherited.address.description)
        let flags = try systemCall("fcntl for \(name)") { fcntl(descriptor, F_GETFL) }
        try systemCall("fcntl for \(name)") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        try systemCall("fcntl for \(name)") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        if case .tcp = inherited.address { try setTransferOptions(descriptor, name) }
        var adopted = settings
        adopted.address = inherited.address
        return Listener(descriptor: descriptor, settings: adopted)
    }

    /// Accepted sockets inherit these.
    private static func setTransferOptions(_ descriptor: Int32, _ name: String) throws(SystemError) {
        // Answers are written whole: waiting for more would only delay them.
        try setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, name)
        // Answers are small. A client that sends requests and reads none of them would make the kernel hold
        // megabytes of them.
        try setOption(descriptor, SOL_SOCKET, SO_SNDBUF, name, 32 << 10)
    }

    /// - Parameter joins: whether the address is shared with a listener of ours.
    private static func openTCP(
        _ settings: ListenerSettings, host: String, port: UInt16, joins: Bool
    ) throws(SystemError) -> Listener {
        let name = settings.address.description
        guard let (storage, length) = socketAddress(host: host, port: port) else {
            throw SystemError(call: "listen on \(name)", code: EADDRNOTAVAIL)
        }
        let family = Int32(storage.ss_family)
        let descriptor = try systemCall("socket for \(name)") {
            socket(family, Int32(SOCK_STREAM.rawValue) | clinux_sock_nonblock_cloexec, 0)
        }
        do {
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, name)
            if joins { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, name) }
            try setTransferOptions(descriptor, name)
            if family == AF_INET6 {
                // Always said: what holds where nothing is said is a setting of the machine (ipv6(7), bindv6only).
                try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, name, settings.isDualStack ? 0 : 1)
            }
            try bind(descriptor, storage, length, name)
            // With it, bind would have joined whoever listens there, be it another hookd with another store, and half
            // of the callbacks would go there. Set afterwards, it lets our further sockets in.
            if !joins { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, name) }
            try listen(descriptor, name)
            var bound = settings
            bound.address = .tcp(host: host, port: try boundPort(of: descriptor, name))
            return Listener(descriptor: descriptor, settings: bound)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func openUnix(_ settings: ListenerSettings, path: String) throws(SystemError) -> Listener {
        let name = "unix:\(path)"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { throw SystemError(call: "bind \(name)", code: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = try systemCall("socket for \(name)") {
            socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | clinux_sock_nonblock_cloexec, 0)
        }
        do {
            try removeStaleSocket(path: path, storage, length)
            try bind(descriptor, storage, length, name)
            if let mode = settings.unixMode { try setMode(mode, ofSocketAt: path, name) }
            try listen(descriptor, name)
            return Listener(descriptor: descriptor, settings: settings)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Sets the permissions of a socket that is bound and does not listen yet: until it does, every connect(2) is
    /// refused, so nobody gets in by those it was made with. They cannot be given to bind(2), which takes the umask
    /// away from them.
    private static func setMode(_ mode: mode_t, ofSocketAt path: String, _ name: String) throws(SystemError) {
        do throws(SystemError) {
            try systemCall("chmod \(name)") { chmod(path, mode) }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Removes a socket file that nobody listens on any more, as a killed daemon leaves it. One that answers, or a file
    /// of another kind, is left alone: bind then fails.
    private static func removeStaleSocket(
        path: String, _ storage: sockaddr_storage, _ length: socklen_t
    ) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = try systemCall("socket for unix:\(path)") {
            socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | clinux_sock_nonblock_cloexec, 0)
        }
        defer { close(probe) }
        let refused = withSocketAddress(storage) { connect(probe, $0, length) == -1 && errno == ECONNREFUSED }
        if refused { unlink(path) }
    }

    private static func bind(
        _ descriptor: Int32, _ storage: sockaddr_storage, _ length: socklen_t, _ name: String
    ) throws(SystemError) {
        try systemCall("bind \(name)") { withSocketAddress(storage) { Glibc.bind(descriptor, $0, length) } }
    }

    private static func listen(_ descriptor: Int32, _ name: String) throws(SystemError) {
        try systemCall("listen on \(name)") { Glibc.listen(descriptor, backlog) }
    }

    private static func setOption(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ name: String, _ value: Int32 = 1
    ) throws(SystemError) {
        var value = value
        try systemCall("setsockopt for \(name)") {
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    private static func boundPort(of descriptor: Int32, _ name: String) throws(SystemError) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try systemCall("getsockname for \(name)") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
        }
        return portNumber(of: storage)
    }
}

/// Calls `body` with the address as the socket functions want it.
func withSocketAddress<R>(_ storage: sockaddr_storage, _ body: (UnsafePointer<sockaddr>) -> R) -> R {
    withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
}

/// The socket address of a host, numeric or by name; the first one where a name has several. Nil where it has none.
private func socketAddress(host: String, port: UInt16) -> (sockaddr_storage, socklen_t)? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let first = found else { return nil }
    defer { freeaddrinfo(found) }
    guard let address = first.pointee.ai_addr else { return nil }
    var storage = sockaddr_storage()
    let length = first.pointee.ai_addrlen
    withUnsafeMutableBytes(of: &storage) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(Int(length), $0.count)))
    }
    return (storage, length)
}
