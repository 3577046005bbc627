// A client on a raw socket: it sends exactly the bytes it is told to, and reads what comes.

import Foundation
import Server
import Testing

/// A system call of the test's own failed, or nothing came in the time that even a busy machine needs.
struct ClientError: Error, CustomStringConvertible {
    let description: String

    init(_ call: String) { description = "\(call): \(String(cString: strerror(errno)))" }
    init(timeout what: String) { description = "no \(what) within \(Client.patienceSeconds) seconds" }
}

/// What a server that cannot start says: the call with its object, and the error number.
func startError(_ addresses: [ListenAddress]) -> (call: String, code: Int32)? {
    do {
        _ = try EchoServer(addresses)
        return nil
    } catch let error as SystemError {
        return (error.call, error.code)
    } catch {
        return nil
    }
}

/// An answer as it came.
struct Answer: Equatable, CustomStringConvertible {
    /// 0 where the bytes are no answer.
    var status: Int
    var headers: [String: String]
    var body: String
    var description: String { "\(status) \(headers) \(body.prefix(80))" }

    static func == (answer: Answer, other: (status: Int, body: String)) -> Bool {
        answer.status == other.status && answer.body == other.body
    }
}

extension Answer {
    /// Takes one answer off the front of what was received; nil where it is not whole.
    ///
    /// - Parameter toHead: whether it answers HEAD, and so has no body.
    init?(takenFrom received: inout [UInt8], toHead: Bool = false) {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.last.map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let count = toHead ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        guard received.count >= end.upperBound + count else { return nil }
        let body = String(decoding: received[end.upperBound..<end.upperBound + count], as: UTF8.self)
        received.removeFirst(end.upperBound + count)
        let words = lines[0].split(separator: " ")
        let status = words.first == "HTTP/1.1" && words.count > 1 ? Int(words[1]) ?? 0 : 0
        self.init(status: status, headers: headers, body: body)
    }
}

/// A connection to a server. The descriptor is closed with the object.
final class Client {
    /// How long to wait for what must come. Never reached where all is well.
    static let patienceSeconds = 20

    let descriptor: Int32
    private var received: [UInt8] = []
    private var isOpen = true

    /// Connects.
    ///
    /// - Parameters:
    ///   - source: the IPv4 address to come from; nil for any.
    ///   - receiveBytes: the size of the kernel's buffer for what this client has not read; nil for the usual.
    init(_ address: ListenAddress, from source: String? = nil, receiveBytes: Int32? = nil) throws {
        var storage = sockaddr_storage()
        let length: socklen_t
        switch address {
        case .tcp("::1", let port):
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            v6.sin6_addr = in6addr_loopback
            withUnsafeMutableBytes(of: &storage) { out in withUnsafeBytes(of: v6) { out.copyMemory(from: $0) } }
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        case .tcp(_, let port):
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            withUnsafeMutableBytes(of: &storage) { out in withUnsafeBytes(of: v4) { out.copyMemory(from: $0) } }
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
        case .unix(let path):
            var unix = sockaddr_un()
            unix.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            withUnsafeMutableBytes(of: &storage) { out in withUnsafeBytes(of: unix) { out.copyMemory(from: $0) } }
            length = socklen_t(MemoryLayout<sockaddr_un>.size)
        case .systemd: throw ClientError("connect to \(address)")
        }
        descriptor = socket(Int32(storage.ss_family), Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw ClientError("socket") }
        if var receiveBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, socklen_t(MemoryLayout<Int32>.size))
        }
        if let source { try bind(to: source) }
        let result = withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0 else { throw ClientError("connect to \(address)") }  // deinit closes the descriptor
    }

    private func bind(to source: String) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, source, &address.sin_addr)
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw ClientError("bind to \(source)") }
    }

    deinit { close() }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    /// Closes with a reset, as a process that dies with bytes unread.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Says that nothing more will be sent.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends all of the bytes; waits where the server does not take them.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw ClientError("send") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends as much as the kernel takes at once.
    ///
    /// - Returns: how many bytes it took; nil when the connection is gone.
    func sendAtOnce(_ bytes: [UInt8]) -> Int? {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        return count >= 0 ? count : errno == EAGAIN ? 0 : nil
    }

    /// Waits until there is something to be read, or the end.
    func waitUntilReadable(_ what: String) throws {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let count = Glibc.poll(&poll, 1, Int32(Self.patienceSeconds) * 1000)
        guard count >= 0 else { throw ClientError("poll") }
        guard count > 0 else { throw ClientError(timeout: what) }
    }

    /// Whether something is there to be read at this moment.
    var isReadable: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    /// Reads what has come, at least one byte.
    ///
    /// - Returns: false at the end of the stream.
    private func readMore(_ what: String) throws -> Bool {
        try waitUntilReadable(what)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw ClientError("read") }
        received += buffer[..<count]
        return count > 0
    }

    /// Reads one answer.
    ///
    /// - Parameter toHead: whether it answers HEAD, and so has no body.
    func answer(toHead: Bool = false) throws -> Answer {
        while true {
            if let answer = Answer(takenFrom: &received, toHead: toHead) { return answer }
            guard try readMore("answer") else { throw ClientError(timeout: "answer before the end") }
        }
    }

    /// Reads to the end of the stream.
    ///
    /// - Returns: what came before it; nil where the connection was reset.
    func rest() throws -> String? {
        do {
            while try readMore("end of the connection") {}
        } catch let error as ClientError where errno == ECONNRESET {
            _ = error
            return nil
        }
        return String(decoding: received, as: UTF8.self)
    }
}
