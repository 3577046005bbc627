// A target for the forward sink: a small HTTP server on a socket of its own, which records what comes byte for byte
// and misbehaves on demand.

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Delivery

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
    /// Sends an answer that never ends, a byte at a time and slower than anybody waits for.
    case drip
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
    private let tls: TLSServer?
    private let company: Int
    private let earlyFace: Face?
    private let face: @Sendable (Int, RecordedRequest) -> Face

    /// - Parameters:
    ///   - tls: for a target that speaks TLS.
    ///   - company: with HTTP/2, how many requests it waits for before it answers all of them 200.
    ///   - early: what to do with every request as soon as its head is there, before the connection is closed.
    ///   - face: what to do with a request; the first is of index 0.
    init(
        tls: TLSServer? = nil, company: Int = 1, early: Face? = nil,
        _ face: @escaping @Sendable (Int, RecordedRequest) -> Face
    ) throws {
        self.face = face
        self.tls = tls
        self.company = company
        earlyFace = early
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

    /// A target that decides by the body of each request.
    convenience init(byText face: @escaping @Sendable (String) -> Face) throws {
        try self.init { face($1.text) }
    }

    /// A target that answers each request with the face at its index, and then 200.
    convenience init(_ faces: [Face], tls: TLSServer? = nil, company: Int = 1) throws {
        try self.init(tls: tls, company: company) { index, _ in index < faces.count ? faces[index] : .answer(200) }
    }

    var url: String { "\(tls == nil ? "http" : "https")://127.0.0.1:\(port)/sinch" }
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
        // Closed with the listener's answer to close(), not here, so that no number is used twice.
        defer { shutdown(connection, Int32(SHUT_RDWR)) }
        guard let wire = Wire(connection, tls) else { return }
        if wire.isHTTP2 {
            var peer = HTTP2Peer(wire, company: company) { [self] request in
                _ = record(RecordedRequest(head: "HTTP/2", body: request.body))
                arrived.signal()
            }
            return peer.serve()
        }
        var pending: [UInt8] = []
        if let earlyFace {
            guard awaitHead(wire, &pending) else { return }
            arrived.signal()
            _ = show(earlyFace, on: wire)
            return
        }
        while let request = nextRequest(wire, &pending) {
            let face = face(record(request), request)
            arrived.signal()
            guard show(face, on: wire) else { break }
        }
    }

    /// Returns the request's index.
    private func record(_ request: RecordedRequest) -> Int {
        state.withLock { state in
            state.requests.append(request)
            return state.requests.count - 1
        }
    }

    /// Returns whether the connection goes on.
    private func show(_ face: Face, on connection: Wire) -> Bool {
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
        case .drip:
            for byte in "HTTP/1.1 200 X\r\nX-Slow: and slower" where put(String(byte), on: connection) {
                // The target's own slowness, and not a wait of the test.
                pause(microseconds: 50_000)
            }
            return false
        case .stall:
            var byte: [UInt8] = [0]
            _ = connection.read(&byte)
            stallEnded.signal()
            return false
        }
    }

    private func stream(_ beginning: String, then piece: String, on connection: Wire) {
        guard put(beginning, on: connection) else { return }
        while put(piece, on: connection) {
            state.withLock { $0.streamedBytes += piece.utf8.count }
        }
        streamEnded.signal()
    }

    private func put(_ text: String, on connection: Wire) -> Bool { connection.write(Array(text.utf8)) }

    /// Reads until a head is there.
    private func awaitHead(_ connection: Wire, _ pending: inout [UInt8]) -> Bool {
        var piece = [UInt8](repeating: 0, count: 1024)
        while !String(decoding: pending, as: UTF8.self).contains("\r\n\r\n") {
            let count = connection.read(&piece)
            guard count > 0 else { return false }
            pending += piece[..<count]
        }
        return true
    }

    /// Reads one request with a Content-Length; nil at the end of the connection.
    private func nextRequest(_ connection: Wire, _ pending: inout [UInt8]) -> RecordedRequest? {
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let request = takeRequest(&pending) { return request }
            let count = connection.read(&piece)
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
