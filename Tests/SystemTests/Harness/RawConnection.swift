// A client that sends just the bytes that it is given, and reads one answer at a time.

import Foundation
import Glibc

/// An HTTP answer.
struct Answer: Sendable {
    var status: Int
    /// Names in lower case.
    var fields: [(name: String, value: String)]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// A connection to a daemon. Whatever does not come within a minute fails the test.
final class RawConnection: Sendable {
    private let descriptor: Int32
    private let buffer = Received()

    private final class Received: @unchecked Sendable {  // a connection is used by one thread at a time
        var bytes: [UInt8] = []
    }

    /// Connects to 127.0.0.1.
    ///
    /// - Parameter last: comes from 127.0.0.`last`; all of them are this machine.
    convenience init(port: UInt16, from last: UInt8 = 1) throws {
        var source = loopback(port: 0)
        source.sin_addr.s_addr = (UInt32(0x7F00_0000) | UInt32(last)).bigEndian
        try self.init(AF_INET, to: loopback(port: port), from: source, "port \(port)")
    }

    /// Connects to ::1.
    convenience init(portOfIPv6 port: UInt16) throws {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        try self.init(AF_INET6, to: address, from: nil, "port \(port) of IPv6")
    }

    /// Connects to a Unix socket.
    convenience init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        try self.init(AF_UNIX, to: address, from: nil, path)
    }

    private init<Address>(_ family: Int32, to address: Address, from source: Address?, _ name: String) throws {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket: errno \(errno)") }
        func call(_ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ address: Address) -> Bool {
            withUnsafeBytes(of: address) { bytes in
                let start = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
                return function(descriptor, start, socklen_t(bytes.count)) == 0
            }
        }
        guard source.map({ call(bind, $0) }) ?? true, call(connect, address) else {
            let code = errno
            close(descriptor)
            throw Failure("connecting to \(name): \(String(cString: strerror(code)))")
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Sends all of `bytes`; what the other side reads before it closes is its own business.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        let deadline = Deadline()
        while sent < bytes.count {
            guard wait(for: POLLOUT, on: descriptor, until: deadline) else {
                throw Failure("nobody reads what is sent")
            }
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count >= 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                throw Failure("send: \(errno)")
            }
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Says that nothing more is sent.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends a request and reads the answer. An answer that came before all was sent counts.
    func exchange(_ request: [UInt8], isHead: Bool = false) throws -> Answer {
        do { try send(request) } catch { return try answer(isHead: isHead) }
        return try answer(isHead: isHead)
    }

    /// The next answer, interim ones (1xx) included.
    func answer(isHead: Bool = false) throws -> Answer {
        while true {
            if let (answer, count) = try parseAnswer(buffer.bytes, isHead: isHead) {
                buffer.bytes.removeFirst(count)
                return answer
            }
            guard try receive() else {
                throw Failure(
                    "closed within an answer: \(String(decoding: buffer.bytes, as: UTF8.self).debugDescription)")
            }
        }
    }

    /// Takes a piece off the front of what comes, as soon as `find` finds one and says how long it is.
    ///
    /// - Returns: nil where the connection ended without it.
    func take<Piece>(_ find: ([UInt8]) throws -> (Piece, byteCount: Int)?) throws -> Piece? {
        while true {
            if let (piece, count) = try find(buffer.bytes) {
                buffer.bytes.removeFirst(count)
                return piece
            }
            guard try receive() else { return nil }
        }
    }

    /// Whether nothing comes for so long.
    func isSilent(milliseconds: Int32) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waited, 1, milliseconds) == 0
    }

    /// Reads to the end of the connection. Returns what came behind the answers that were read.
    func readToEnd() throws -> [UInt8] {
        while try receive() {}
        return buffer.bytes
    }

    /// Returns false at the end of the connection.
    private func receive() throws -> Bool {
        guard wait(for: POLLIN, on: descriptor, until: Deadline()) else { throw Failure("no answer within a minute") }
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count > 0 { buffer.bytes += piece[..<count] }
        return count > 0
    }
}

/// 127.0.0.1 and a port.
func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

/// The answer at the beginning of `bytes` and how many bytes it takes; nil where it is not whole.
private func parseAnswer(_ bytes: [UInt8], isHead: Bool) throws -> (Answer, Int)? {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    guard let match = lines[0].wholeMatch(of: /HTTP\/1\.1 (\d{3}) .*/), let status = Int(match.1) else {
        throw Failure("no HTTP answer: \(lines[0].debugDescription)")
    }
    let fields = lines.dropFirst().map { line in
        let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        return (name: parts[0].lowercased(), value: parts.count > 1 ? parts[1] : "")
    }
    let length = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
    let bodyCount = isHead || status < 200 ? 0 : length
    guard bytes.count >= end.upperBound + bodyCount else { return nil }
    let body = Array(bytes[end.upperBound..<end.upperBound + bodyCount])
    return (Answer(status: status, fields: fields, body: body), end.upperBound + bodyCount)
}
