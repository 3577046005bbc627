// What systemd does for a service with a socket unit: it makes the sockets, and hands them over at each start.

import Foundation
import Glibc

/// A listening socket under a name. It outlives the daemons that it is handed to.
final class HandedSocket: Sendable {
    let name: String
    let descriptor: Int32
    let port: UInt16

    /// Listens on a free port of 127.0.0.1.
    init(_ name: String) throws {
        self.name = name
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 1024) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard result else { throw Failure("a socket to hand over: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Listens at `path`.
    init(_ name: String, path: String) throws {
        self.name = name
        port = 0
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let descriptor = descriptor
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(descriptor, 5) == 0
            }
        }
        guard result else { throw Failure("a socket to hand over at \(path): errno \(errno)") }
    }

    deinit { close(descriptor) }
}

/// Starts hookd. With sockets, by way of a shell: who is meant is said by a process id, which is known only there.
func activate(
    _ arguments: [String], with sockets: [HandedSocket], environment: [String: String] = [:], readsOutput: Bool = true
) throws -> SpawnedProcess {
    let hookd = try hookdExecutable()
    if sockets.isEmpty {
        return try SpawnedProcess(hookd, arguments, environment: environment, readsOutput: readsOutput)
    }
    let handed = [
        "LISTEN_FDS": "\(sockets.count)", "LISTEN_FDNAMES": sockets.map(\.name).joined(separator: ":"),
    ]
    return try SpawnedProcess(
        "/bin/sh", ["-c", #"LISTEN_PID=$$ exec "$0" "$@""#, hookd] + arguments,
        environment: environment.merging(handed) { $1 }, readsOutput: readsOutput, handing: sockets.map(\.descriptor))
}
