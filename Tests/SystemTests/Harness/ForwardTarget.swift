// Where forward sinks send to in tests: a small HTTP server that keeps what it gets.

import Foundation
import Glibc

/// An HTTP request as it came.
struct ReceivedRequest: Sendable {
    /// Names in lower case.
    var fields: [String: String]
    var line: String
    var body: [UInt8]

    /// The signature headers' part of it, for checking as the sender's own receiver would.
    func isSigned(with secret: String) throws -> Bool {
        guard let signature = fields["x-sinch-webhook-signature"],
            let timestamp = fields["x-sinch-webhook-signature-timestamp"],
            let nonce = fields["x-sinch-webhook-signature-nonce"]
        else { return false }
        return try hmac(body, nonce: nonce, timestamp: timestamp, secret: secret).base64 == signature
    }
}

/// Listens on 127.0.0.1 until it is closed.
final class ForwardTarget: @unchecked Sendable {  // variables: only with `condition` locked
    let port: UInt16
    private let listener: Int32
    private let condition = NSCondition()
    private var received: [ReceivedRequest] = []
    private var connections: Set<Int32> = []
    private var isClosed = false
    private var status: Int

    /// - Parameters:
    ///   - port: where to listen; 0 for any.
    ///   - status: what every request is answered.
    init(port: UInt16 = 0, status: Int = 200) throws {
        self.status = status
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw Failure("listening on port \(port): errno \(errno)") }
        self.port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { self.accept() }
    }

    /// What a daemon is configured with to send here.
    var sink: String {
        #"{"type": "forward", "url": "http://127.0.0.1:\#(port)/in?token=1", "#
            + #""retry": {"initial": "10ms", "maximum": "50ms"}}"#
    }

    var requests: [ReceivedRequest] { condition.withLock { received } }

    /// Answers differently from now on.
    func answer(_ status: Int) { condition.withLock { self.status = status } }

    /// Waits until so many requests have come.
    func awaitRequests(_ count: Int) throws -> [ReceivedRequest] {
        let deadline = Date(timeIntervalSinceNow: 60)
        condition.lock()
        defer { condition.unlock() }
        while received.count < count {
            guard condition.wait(until: deadline) else { throw Failure("\(received.count) requests, and not \(count)") }
        }
        return received
    }

    /// Ends every connection, and the listening.
    func close() {
        condition.withLock {
            if isClosed { return }
            isClosed = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else { break }
            condition.withLock {
                connections.insert(connection)
                if isClosed { shutdown(connection, Int32(SHUT_RDWR)) }
            }
            Thread.detachNewThread { self.serve(connection) }
        }
        Glibc.close(listener)
    }

    private func serve(_ connection: Int32) {
        var pending: [UInt8] = []
        while let request = nextRequest(connection, &pending) {
            let status = condition.withLock {
                received.append(request)
                condition.broadcast()
                return self.status
            }
            let answer = Array("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n".utf8)
            guard Glibc.send(connection, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { break }
        }
        // Closed while the lock is held, so that close() never shuts down a number that is somebody else's.
        condition.withLock {
            connections.remove(connection)
            _ = Glibc.close(connection)
        }
    }

    private func nextRequest(_ connection: Int32, _ pending: inout [UInt8]) -> ReceivedRequest? {
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let (request, count) = parseRequest(pending) {
                pending.removeFirst(count)
                return request
            }
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            pending += piece[..<count]
        }
    }

    deinit { close() }
}

/// The request at the beginning of `bytes` and how many bytes it takes; nil where it is not whole.
private func parseRequest(_ bytes: [UInt8]) -> (ReceivedRequest, Int)? {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let fields = lines.dropFirst().reduce(into: [String: String]()) { fields, line in
        let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        fields[parts[0].lowercased()] = parts.count > 1 ? parts[1] : ""
    }
    let count = fields["content-length"].flatMap { Int($0) } ?? 0
    guard bytes.count >= end.upperBound + count else { return nil }
    let body = Array(bytes[end.upperBound..<end.upperBound + count])
    return (ReceivedRequest(fields: fields, line: lines[0], body: body), end.upperBound + count)
}
