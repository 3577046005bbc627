// What a server makes of the bytes of one connection, without sockets: the parser and the chunked decoder driven as a
// shard drives them. Requests are found one behind another, bodies are decoded where they lie, and behind a refusal or
// a request that ends the connection nothing is read.

import HTTP

/// A request that was read whole.
public struct ServedRequest: Equatable, Sendable {
    /// The method's own bytes: two methods without a name of their own stay two.
    public var method: [UInt8]
    /// The target as it came.
    public var target: [UInt8]
    /// The path in it; empty where it has none.
    public var path: [UInt8]
    /// The minor version: 0 or 1.
    public var minorVersion: Int
    /// How many header fields it has.
    public var fieldCount: Int
    /// The body without its framing.
    public var body: [UInt8]
    /// Whether another request may follow.
    public var isPersistent: Bool
    /// Whether the client waits for `100 Continue`.
    public var expectsContinue: Bool
}

/// Something that became of the bytes.
public enum ReaderEvent: Equatable, Sendable {
    case served(ServedRequest)
    /// Refused, with what a server answers before it closes.
    case refused(RequestError)
    /// At the end, the head or the body of a request is not whole.
    case waitsForHead
    case waitsForBody
    /// Behind the last request of the connection so many bytes were left unread.
    case unread(Int)
}

/// Reads one connection.
public struct ConnectionReader {
    /// Where the bytes that wait lie while they are looked at. A test lays them against a border that no code may
    /// cross; what is decoded in place must be there afterwards.
    public typealias Placement = (
        _ bytes: inout [UInt8], _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int
    ) throws -> Int

    private struct PartialBody {
        var head: RequestHead
        var decoder: ChunkedDecoder?
        var bodyEnd: Int
        var inputStart: Int
    }

    private enum Phase {
        case idle
        case head(scanned: Int)
        case body(PartialBody)
        case ended
    }

    private let limits: RequestLimits
    private let place: Placement
    private var parser: RequestParser
    private var phase = Phase.idle
    private var input: [UInt8] = []
    private var unread = 0
    private var events: [ReaderEvent] = []

    /// A reader of a connection under `limits`.
    public init(limits: RequestLimits, place: @escaping Placement = ConnectionReader.exactCopy) {
        self.limits = limits
        self.place = place
        parser = RequestParser(limits: limits)
    }

    /// Lays the bytes into memory of exactly their size, so that an address sanitizer sees each byte beyond.
    public static func exactCopy<R>(
        _ bytes: inout [UInt8], _ body: (UnsafeMutableBufferPointer<UInt8>) -> R
    ) -> R {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        defer { copy.deallocate() }
        _ = copy.initialize(from: bytes)
        defer { bytes = Array(copy) }
        return body(copy)
    }

    /// Takes bytes as they arrive.
    public mutating func take(_ piece: some Collection<UInt8>) throws {
        if case .ended = phase {
            unread += piece.count
            return
        }
        input.append(contentsOf: piece)
        var bytes: [UInt8] = []
        swap(&bytes, &input)
        let consumed = try place(&bytes) { serve($0) }
        swap(&bytes, &input)
        if case .ended = phase { unread += input.count - consumed }
        input.removeFirst(consumed)
        dropDecodedFraming()
    }

    /// The connection is closed by the client.
    ///
    /// - Returns: all that became of it.
    public mutating func end() -> [ReaderEvent] {
        switch phase {
        case .idle: break
        case .head: events.append(.waitsForHead)
        case .body: events.append(.waitsForBody)
        case .ended:
            // How much lies behind a refusal says nothing: it is found as early as can be.
            if unread > 0, case .served? = events.last { events.append(.unread(unread)) }
        }
        return events
    }

    private mutating func serve(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var consumed = 0
        while consumed < bytes.count {
            let rest = UnsafeMutableBufferPointer(rebasing: bytes[consumed...])
            do throws(RequestError) {
                guard let count = try serveOne(rest) else { break }
                consumed += count
            } catch {
                events.append(.refused(error))
                phase = .ended
            }
            if case .ended = phase { break }
        }
        return consumed
    }

    private mutating func serveOne(_ bytes: UnsafeMutableBufferPointer<UInt8>) throws(RequestError) -> Int? {
        var partial: PartialBody
        var fieldsAreParsed = true
        switch phase {
        case .body(let known):
            partial = known
            fieldsAreParsed = false
        case .idle, .head, .ended:
            guard let begun = try begin(bytes) else { return nil }
            partial = begun
        }
        guard let end = try findEnd(of: &partial, in: bytes) else {
            phase = .body(partial)
            return nil
        }
        // A shard parses the head again once the body is whole, with the decoded body behind it.
        if !fieldsAreParsed {
            let again = try parser.parse(UnsafeBufferPointer(bytes).span)
            precondition(again == .complete(partial.head), "the head has changed")
        }
        events.append(.served(describe(partial, UnsafeBufferPointer(bytes))))
        phase = partial.head.isPersistent ? .idle : .ended
        return end
    }

    private mutating func begin(_ bytes: UnsafeMutableBufferPointer<UInt8>) throws(RequestError) -> PartialBody? {
        var scanned = 0
        if case .head(let known) = phase { scanned = known }
        switch try parser.parse(UnsafeBufferPointer(bytes).span, scanned: scanned) {
        case .incomplete(let scanned):
            precondition((0...bytes.count).contains(scanned), "more was scanned than has come")
            if bytes.count > 2 || bytes.first != 0x0d { phase = .head(scanned: scanned) }
            return nil
        case .complete(let head):
            precondition(head.byteCount <= min(bytes.count, limits.headBytes), "a head beyond its limit")
            precondition(parser.fields.count <= limits.fieldCount, "more fields than allowed")
            let decoder = head.framing == .chunked ? ChunkedDecoder(limits: limits) : nil
            return PartialBody(head: head, decoder: decoder, bodyEnd: head.byteCount, inputStart: head.byteCount)
        }
    }

    private func findEnd(
        of partial: inout PartialBody, in bytes: UnsafeMutableBufferPointer<UInt8>
    ) throws(RequestError) -> Int? {
        switch partial.head.framing {
        case .none: return partial.head.byteCount
        case .length(let length):
            partial.bodyEnd = partial.head.byteCount + length
            return partial.bodyEnd <= bytes.count ? partial.bodyEnd : nil
        case .chunked:
            var input = partial.inputStart..<bytes.count
            var span = bytes.mutableSpan
            let isWhole = try partial.decoder?.decode(&span, input: &input, bodyEnd: &partial.bodyEnd)
            precondition(partial.bodyEnd <= input.lowerBound, "data beyond what was decoded")
            partial.inputStart = input.lowerBound
            return isWhole == true ? input.lowerBound : nil
        }
    }

    /// As a shard does, but for every few bytes, so that short requests come by it too.
    private mutating func dropDecodedFraming() {
        guard case .body(var partial) = phase, partial.inputStart - partial.bodyEnd > 8 else { return }
        input.removeSubrange(partial.bodyEnd..<partial.inputStart)
        partial.inputStart = partial.bodyEnd
        phase = .body(partial)
    }

    private func describe(_ partial: PartialBody, _ bytes: UnsafeBufferPointer<UInt8>) -> ServedRequest {
        let head = partial.head
        let path = path(ofTarget: head.target, in: bytes.span)
        let body = bytes[head.byteCount..<partial.bodyEnd]
        precondition(body.count <= limits.bodyBytes, "a body beyond its limit")
        let start = bytes[0] == 0x0d ? 2 : 0
        return ServedRequest(
            method: Array(bytes[start..<head.target.lowerBound - 1]), target: Array(bytes[head.target]),
            path: Array(bytes[path]), minorVersion: head.minorVersion, fieldCount: parser.fields.count,
            body: Array(body), isPersistent: head.isPersistent, expectsContinue: head.expectsContinue)
    }
}
