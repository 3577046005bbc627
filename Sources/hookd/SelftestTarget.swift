// Where the forward sink of a selftest sends to: a small HTTP server that remembers which events it was sent.

import Dispatch
import Glibc
import Synchronization

/// Answers every POST with 204, on a free port of loopback, as long as the process lives.
final class SelftestTarget: Sendable {
    let port: UInt16
    private let callbacks: SelftestCallbacks
    private let state = Mutex(State())

    private struct State {
        /// How often each event came, by sequence.
        var counts: [UInt8] = []
        var distinct = 0
        var again = 0
        /// The event of each conversation that came last for the first time.
        var last = [Int64](repeating: 0, count: SelftestCallbacks.conversations)
        var violations = SelftestViolations()
    }

    init(_ callbacks: SelftestCallbacks) throws {
        self.callbacks = callbacks
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, isBound else {
            throw failure("no port of 127.0.0.1 could be had: \(String(cString: strerror(errno))).")
        }
        port = UInt16(bigEndian: address.sin_port)
        DispatchQueue(label: "hookd.selftest.target").async { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { continue }
                DispatchQueue(label: "hookd.selftest.target.connection").async { [self] in serve(connection) }
            }
        }
    }

    /// How many different events came.
    var distinct: Int { state.withLock { $0.distinct } }

    /// How many came again.
    var again: Int { state.withLock { $0.again } }

    var violations: SelftestViolations { state.withLock { $0.violations } }

    func has(_ sequence: Int64) -> Bool {
        state.withLock { $0.counts.indices.contains(Int(sequence)) && $0.counts[Int(sequence)] > 0 }
    }

    private func serve(_ connection: Int32) {
        var input = Input(descriptor: connection)
        while let (fields, body) = input.next() {
            take(fields, body)
            let answer = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
            guard send(connection, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { break }
        }
        close(connection)
    }

    private func take(_ fields: [String: String], _ body: [UInt8]) {
        let nonce = fields["x-sinch-webhook-signature-nonce"] ?? ""
        let number = callbacks.number(ofNonce: nonce.utf8)
        let isWhole = number.map { callbacks.body($0) == body } ?? false
        state.withLock { state in
            guard let number, let sequence = fields["ce-sequence"].flatMap({ Int64($0) }), sequence > 0 else {
                state.violations.add(.changed, "the forward sink sent what is no event of this run: nonce \(nonce)")
                return
            }
            if !isWhole { state.violations.add(.changed, "the forward sink sent event \(sequence) with another body") }
            while state.counts.count <= sequence { state.counts.append(0) }
            let isFirst = state.counts[Int(sequence)] == 0
            state.counts[Int(sequence)] &+= state.counts[Int(sequence)] == .max ? 0 : 1
            guard isFirst else {
                state.again += 1
                return
            }
            state.distinct += 1
            let conversation = callbacks.conversation(number)
            if sequence < state.last[conversation] {
                state.violations.add(
                    .disordered,
                    "the forward sink sent event \(sequence) behind \(state.last[conversation]) of its conversation")
            }
            state.last[conversation] = sequence
        }
    }

    /// What arrives on a connection, request by request.
    private struct Input {
        let descriptor: Int32
        private var bytes: [UInt8] = []

        init(descriptor: Int32) { self.descriptor = descriptor }

        /// The fields, by names in lower case, and the body of the next request; nil at the end.
        mutating func next() -> (fields: [String: String], body: [UInt8])? {
            var end = bytes.firstRange(of: Array("\r\n\r\n".utf8))
            while end == nil {
                guard readMore() else { return nil }
                end = bytes.firstRange(of: Array("\r\n\r\n".utf8))
            }
            guard let end else { return nil }
            var fields: [String: String] = [:]
            for line in String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { continue }
                fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
            }
            let length = Int(fields["content-length"] ?? "") ?? 0
            while bytes.count < end.upperBound + length {
                guard readMore() else { return nil }
            }
            defer { bytes.removeFirst(end.upperBound + length) }
            return (fields, Array(bytes[end.upperBound..<(end.upperBound + length)]))
        }

        private mutating func readMore() -> Bool {
            var piece = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { return true }
            bytes += piece[..<max(0, count)]
            return count > 0
        }
    }
}
