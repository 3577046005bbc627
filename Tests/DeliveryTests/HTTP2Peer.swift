// As much of an HTTP/2 server (RFC 9113) as a test needs: it takes requests on one connection and answers them 200, when
// as many are there as it waits for.

import Glibc

/// A request on a stream.
struct HTTP2Request: Sendable {
    var stream: UInt32
    var body: [UInt8]
}

/// Serves one connection.
struct HTTP2Peer {
    private let wire: Wire
    /// How many requests it waits for before it answers them.
    private let company: Int
    private let take: (HTTP2Request) -> Void
    private var pending: [UInt8] = []
    private var bodies: [UInt32: [UInt8]] = [:]
    private var waiting: [UInt32] = []

    init(_ wire: Wire, company: Int, take: @escaping (HTTP2Request) -> Void) {
        (self.wire, self.company, self.take) = (wire, company, take)
    }

    /// Until the connection ends.
    mutating func serve() {
        guard let preface = bytes(24), preface.starts(with: "PRI * HTTP/2.0".utf8) else { return }
        guard wire.write(frame(type: 4, flags: 0, stream: 0)) else { return }  // SETTINGS
        while let head = bytes(9) {
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...8].reduce(0 as UInt32) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
            guard let payload = length == 0 ? [] : bytes(length) else { return }
            guard handle(type: head[3], flags: head[4], stream: stream, payload) else { return }
        }
    }

    private mutating func handle(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> Bool {
        switch type {
        case 0:  // DATA, which libcurl does not pad
            bodies[stream, default: []] += payload
        case 1:  // HEADERS
            bodies[stream] = []
        case 4 where flags & 1 == 0:  // SETTINGS, to be acknowledged
            return wire.write(frame(type: 4, flags: 1, stream: 0))
        default:
            return true
        }
        return flags & 1 == 0 || ended(stream)  // END_STREAM
    }

    private mutating func ended(_ stream: UInt32) -> Bool {
        take(HTTP2Request(stream: stream, body: bodies.removeValue(forKey: stream) ?? []))
        waiting.append(stream)
        guard waiting.count >= company else { return true }
        defer { waiting = [] }
        // HEADERS with END_HEADERS and END_STREAM: entry 8 of HPACK's static table, `:status: 200` (RFC 7541, A).
        return waiting.allSatisfy { wire.write(frame(type: 1, flags: 5, stream: $0, [0x88])) }
    }

    private func frame(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        let length = [UInt8(0), UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        let number = (0..<4).map { UInt8(truncatingIfNeeded: stream >> UInt32(24 - $0 * 8)) }
        return length + [type, flags] + number + payload
    }

    private mutating func bytes(_ count: Int) -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: 65_536)
        while pending.count < count {
            let got = wire.read(&piece)
            guard got > 0 else { return nil }
            pending += piece[..<got]
        }
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }
}
