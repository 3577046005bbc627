// A reader of the daemon's live stream, which takes server-sent events as they come.

import Foundation

/// A server-sent event.
struct SentEvent: Equatable {
    var id: String?
    var type: String?
    var data: String?
}

/// A stream that is being read, over HTTP/1.0: its bytes come as they are.
final class StreamReader: Sendable {
    let connection: RawConnection
    let head: Answer

    /// Asks for `target`, and reads the head of the answer.
    init(_ daemon: DaemonProcess, _ target: String, fields: [String] = []) throws {
        connection = try RawConnection(path: daemon.home.adminPath)
        let lines = ["GET \(target) HTTP/1.0", "Host: x"] + fields
        try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        head = try connection.answer()
    }

    /// The next event, or what only says how far the stream is; nil at its end. Comments are passed over.
    func next() throws -> SentEvent? {
        while true {
            let block = try connection.take { bytes -> (String, byteCount: Int)? in
                guard let end = bytes.firstRange(of: Array("\n\n".utf8)) else { return nil }
                return (String(decoding: bytes[..<end.lowerBound], as: UTF8.self), end.upperBound)
            }
            guard let block else { return nil }
            var event = SentEvent()
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                switch parts[0] {
                case "id": event.id = parts[1]
                case "event": event.type = parts[1]
                case "data": event.data = parts[1]
                default: break
                }
            }
            if event != SentEvent() { return event }
        }
    }

    /// The next `count` events with data.
    func next(_ count: Int) throws -> [SentEvent] {
        var events: [SentEvent] = []
        while events.count < count {
            guard let event = try next() else { throw Failure("the stream ended after \(events.count) events") }
            if event.data != nil { events.append(event) }
        }
        return events
    }
}
