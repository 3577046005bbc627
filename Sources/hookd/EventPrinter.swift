// A stored event as a line: a CloudEvent for programs, a few words for people.

import Daemon
import Events
import Store

/// Makes lines of stored events.
final class EventPrinter {
    /// What every type begins with, and people need not read.
    static let typePrefix = "com.sinch.conversation."

    private let encoder: CloudEventEncoder
    private let style: Style

    enum Style {
        case json
        /// `columns` are the terminal's; nil where lines may have any length.
        case text(coloured: Bool, columns: Int? = nil)
    }

    init(_ style: Style) throws(CloudEventEncoderError) {
        self.style = style
        encoder = try CloudEventEncoder()
    }

    /// Whether the event's type is `type`, with or without what every type begins with.
    func isType(_ type: String, _ event: StoredEvent, in batch: borrowing EventBatch) -> Bool {
        let found = facts(of: event, in: batch).type
        return found == type || found == Self.typePrefix + type
    }

    /// The line, with its newline.
    func line(of event: StoredEvent, in batch: borrowing EventBatch) -> [UInt8] {
        switch style {
        case .json: jsonLine(of: event, in: batch)
        case .text(let coloured, let columns):
            Array((fitted(text(of: event, in: batch, coloured: coloured), columns) + "\n").utf8)
        }
    }

    /// What does not fit goes on below the type, so that the times stand alone and can be looked down.
    private func fitted(_ line: String, _ columns: Int?) -> String {
        let indent = "2026-01-01T00:00:00Z  ".count
        guard let columns, columns > 2 * indent else { return line }
        return wrapped(line, at: columns, indent: indent)
    }

    private func jsonLine(of event: StoredEvent, in batch: borrowing EventBatch) -> [UInt8] {
        var line: [UInt8] = []
        let bytes = batch.bytes.span
        encoder.appendLine(
            id: bytes.extracting(event.id.range), sequence: event.sequence, recordedAt: event.recordedAt,
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range),
            client: bytes.extracting(event.client.range), body: bytes.extracting(event.body.range), to: &line)
        return line
    }

    private func facts(of event: StoredEvent, in batch: borrowing EventBatch) -> EventFacts {
        let bytes = batch.bytes.span
        return encoder.facts(
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range),
            body: bytes.extracting(event.body.range))
    }

    /// When it was stored, what it is, and what one would ask next. All but the time is from outside.
    private func text(of event: StoredEvent, in batch: borrowing EventBatch, coloured: Bool) -> String {
        let facts = facts(of: event, in: batch)
        let type =
            facts.type.hasPrefix(Self.typePrefix) ? String(facts.type.dropFirst(Self.typePrefix.count)) : facts.type
        let excerpt = Excerpt(ofBody: batch.bytes[event.body.range])
        let dim = coloured ? "\u{1B}[2m" : "", bold = coloured ? "\u{1B}[1m" : "", plain = coloured ? "\u{1B}[0m" : ""
        let words = [facts.channel, facts.subject, facts.status, excerpt?.text].compactMap(\.self)
        let time = UTCTimestamp.text(ofSeconds: event.recordedAt / 1_000_000)
        let line = ["\(dim)\(time)\(plain)", "\(bold)\(escapingControls(type))\(plain)"] + words.map(escapingControls)
        return line.joined(separator: "  ")
    }
}
