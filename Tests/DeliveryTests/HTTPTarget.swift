// A target for the forward sink: a small HTTP server on a socket of its own, which records what comes byte for byte
// and misbehaves on demand.

import Dispatch
import Glibc
import Synchronization
import Testing

/// What a target does with a request.
enum Face: Sendable {
    /// Answers; the connection stays open.
    case answer(Int, headers: [String] = [], body: String = "")
    /// Closes the connection with no answer.
    case hangUp
    /// Begins an answer and closes the connection.
    case breakOff(status: Int)
    /// Sends the body of an answer for ever.
    case streamBody(status: Int)
    /// Sends header lines for ever.
    case streamHead
    /// Says nothing until the target is closed.
    case stall
}

/// A request as it came.
struct RecordedRequest: Sendable {
    var head: String
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    /// The lines of the head after the first.
    var headers: [String] { head.split(separator: "\r\n").dropFirst().map(String.init) }
}

/// Listens on a free port of 127.0.0.1 until it is closed.
final class HTTPTarget: Sendable {
    struct State {
        var requests: [RecordedRequest] = []
        var connections: [Int32] = []
        var isClosed = false
        var streamedBytes = 0
    }

    let port: UInt16
    /// Signalled when a request has come whole.
    let arrived = DispatchSemaphore(value: 0)
    /// Signalled when a connection that nothing was said on has ended.
    let stallEnded = DispatchSemaphore(value: 0)
    /// Signalled when the other side has ended a stream that is endless.
    let streamEnded = DispatchSemaphore(value: 0)
    let state = Mutex(State())
    private let listener: Int32
    private let face: @Sendable (Int) -> Face

    /// - Parameter face: what to do with the request of this index, from 0.
    init(_ face: @escaping @Sendable (Int) -> Face) throws {
        self.face = face
        signal(SIGPIPE, SIG_IGN)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(listener >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isListening)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        DispatchQueue(label: "test.target").async { self.acceptAll() }
    }

    /// A target that answers each request with the face at its index, and then 200.
    convenience init(_ faces: [Face]) throws {
        try self.init { $0 < faces.count ? faces[$0] : .answer(200) }
    }

    var url: String { "http://127.0.0.1:\(port)/sinch" }
    var requests: [RecordedRequest] { state.withLock { $0.requests } }
    var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Ends every connection and the listening.
    func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let isClosed = state.withLock { state in
                state.connections.append(connection)
                return state.isClosed
            }
            if isClosed { shutdown(connection, Int32(SHUT_RDWR)) }
            DispatchQueue(label: "test.target.connection").async { self.serve(connection) }
        }
        Glibc.close(listener)
    }

    private func serve(_ connection: Int32) {
        var pending: [UInt8] = []
        while let request = nextRequest(connection, &pending) {
            let index = state.withLock { state in
                state.requests.append(request)
                return state.requests.count - 1
            }
            let face = face(index)
            arrived.signal()
            guard show(face, on: connection) else { break }
        }
        // Closed with the listener's answer to close(), not here, so that no number is used twice.
        shutdown(connection, Int32(SHUT_RDWR))
    }

    /// Returns whether the connection goes on.
    private func show(_ face: Face, on connection: Int32) -> Bool {
        switch face {
        case .answer(let status, let headers, let body):
            let extra = headers.map { $0 + "\r\n" }.joined()
            let length = status == 204 ? "" : "Content-Length: \(body.utf8.count)\r\n"
            return put("HTTP/1.1 \(status) X\r\n\(extra)\(length)\r\n\(body)", on: connection)
        case .hangUp:
            return false
        case .breakOff(let status):
            _ = put("HTTP/1.1 \(status) X\r\nContent-Length: 100\r\n\r\nbut", on: connection)
            return false
        case .streamBody(let status):
            stream("HTTP/1.1 \(status) X\r\n\r\n", then: String(repeating: "again and ", count: 100), on: connection)
            return false
        case .streamHead:
            stream("HTTP/1.1 200 X\r\n", then: "X-Again: and again and again\r\n", on: connection)
            return false
        case .stall:
            var byte: UInt8 = 0
            _ = recv(connection, &byte, 1, 0)
            stallEnded.signal()
            return false
        }
    }

    private func stream(_ beginning: String, then piece: String, on connection: Int32) {
        guard put(beginning, on: connection) else { return }
        while put(piece, on: connection) {
            state.withLock { $0.streamedBytes += piece.utf8.count }
        }
        streamEnded.signal()
    }

    private func put(_ text: String, on connection: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Reads one request with a Content-Length; nil at the end of the connection.
    private func nextRequest(_ connection: Int32, _ pending: inout [UInt8]) -> RecordedRequest? {
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let request = takeRequest(&pending) { return request }
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            pending += piece[..<count]
        }
    }

    private func takeRequest(_ pending: inout [UInt8]) -> RecordedRequest? {
        let blank = Array("\r\n\r\n".utf8)
        guard let end = pending.indices.first(where: { pending[$0...].starts(with: blank) }) else { return nil }
        let head = String(decoding: pending[..<end], as: UTF8.self)
        let lengths = head.lowercased().split(separator: "\r\n").compactMap {
            $0.hasPrefix("content-length: ") ? Int($0.dropFirst(16)) : nil
        }
        let bodyEnd = end + 4 + (lengths.first ?? 0)
        guard pending.count >= bodyEnd else { return nil }
        let body = Array(pending[(end + 4)..<bodyEnd])
        pending.removeFirst(bodyEnd)
        return RecordedRequest(head: head, body: body)
    }

    deinit {
        for connection in state.withLock({ $0.connections }) { Glibc.close(connection) }
    }
}
