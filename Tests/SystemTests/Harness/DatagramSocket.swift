// The other end of what a service says to systemd: how far it has come, and its log.

import Foundation
import Glibc

/// A datagram socket like those of systemd, and what was said to it.
final class DatagramSocket: @unchecked Sendable {  // `datagrams`: only with `condition` locked
    let path: String
    private let descriptor: Int32
    private let condition = NSCondition()
    private var datagrams: [String] = []

    init(_ name: String, in directory: TemporaryDirectory) throws {
        path = directory.file(name)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let descriptor = descriptor
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isBound else { throw Failure("bind \(path): errno \(errno)") }
        Thread.detachNewThread { [weak self] in
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &piece, piece.count, 0)
                if count < 0 && errno == EINTR { continue }
                guard count > 0, let self else { break }
                self.take(String(decoding: piece[..<count], as: UTF8.self))
            }
            close(descriptor)
        }
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Everything that was said so far.
    var all: [String] { condition.withLock { datagrams } }

    private func take(_ datagram: String) {
        condition.withLock {
            datagrams.append(datagram)
            condition.broadcast()
        }
    }

    /// Waits until `find` finds something in what was said.
    func wait<T>(_ what: String, for find: ([String]) -> T?) throws -> T {
        let deadline = Date(timeIntervalSinceNow: 60)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = find(datagrams) { return found }
            guard condition.wait(until: deadline) else { throw Failure("\(what) was not said: \(datagrams)") }
        }
    }

    /// Whether `word` is not said for so long.
    func isSilent(about word: String, seconds: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        let before = datagrams.count
        while condition.wait(until: deadline) {}
        return !datagrams[before...].contains(word)
    }

    /// Waits for so many datagrams with a line `word`.
    func wait(for word: String, count: Int = 1) throws {
        try wait(word) { said in
            said.count { $0.split(separator: "\n").contains(Substring(word)) } >= count ? () : nil
        }
    }
}

/// What of `datagrams` tells how far the service is: the first words, without those that come at any time.
func milestones(_ datagrams: [String]) -> [String] {
    datagrams.compactMap { datagram in
        let word = datagram.split(separator: "\n").first.map(String.init) ?? ""
        return ["READY=1", "RELOADING=1", "STOPPING=1"].contains(word) ? word : nil
    }
}
