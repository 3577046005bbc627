// Dead letters: events that a sink was given up on.

import Events
import Store

extension OperatorDesk {
    func listDeadLetters(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        try request.checkQuery(["sink", "after", "limit"])
        let after = try request.number("after", default: 0)
        let limit = min(try request.number("limit", default: Int64(Self.usualLimit)), Int64(Self.pieceLimit))
        let letters = try asking { () throws(StoreError) in
            try store.deadLetters(of: request.query["sink"], after: after, limit: Int(limit))
        }
        return AdminAnswer(lines: letters.map { .object($0.members) })
    }

    /// - Parameter isWhole: whether the letter is told of as well as its event.
    func showDeadLetter(_ text: String, isWhole: Bool) throws(AdminRefusal) -> AdminAnswer {
        let letter = try asking { () throws(StoreError) in
            try number(text).flatMap { number throws(StoreError) in
                try store.deadLetters(after: number - 1, limit: 1).first { $0.number == number }
            }
        }
        guard let letter else { throw AdminRefusal(404, "there is no dead letter \(text)") }
        let batch = try asking { () throws(StoreError) in try store.events(sequences: [letter.sequence]) }
        let event = try cloudEvent(of: batch)
        return AdminAnswer(200, isWhole ? .object(letter.members + [("event", event)]) : event)
    }

    func changeDeadLetters(_ request: AdminRequest, releases: Bool) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["numbers", "all", "sink"])
        var count = 0
        var missing = 0
        let sink = try body.string("sink")
        try eachPiece(of: body) { after throws(StoreError) in
            try store.deadLetters(of: sink, after: after, limit: Self.pieceLimit).map(\.number)
        } _: { numbers throws(StoreError) in
            let changed = releases ? try store.releaseDeadLetters(numbers) : try store.dropDeadLetters(numbers)
            count += changed
            missing += numbers.count - changed
        }
        return AdminAnswer(
            200, .object([(releases ? "released" : "dropped", .integer(count)), ("missing", .integer(missing))]))
    }

    // MARK: What quarantine does as well

    /// Calls `change` with the numbers that the body names, or with all that there are, some at a time.
    ///
    /// - Parameter next: the numbers behind one, rising; empty at the end.
    func eachPiece(
        of body: AdminBody, next: (Int64) throws(StoreError) -> [Int64], _ change: ([Int64]) throws(StoreError) -> Void
    ) throws(AdminRefusal) {
        let numbers = try body.numbers("numbers")
        guard try body.flag("all") != (numbers != nil) else {
            throw AdminRefusal(400, "name numbers, or say all, and not both")
        }
        if let numbers {
            guard !body.has("sink") else { throw AdminRefusal(400, "sink goes with all, and not with numbers") }
            for start in stride(from: 0, to: numbers.count, by: Self.pieceLimit) {
                let piece = Array(numbers[start..<min(start + Self.pieceLimit, numbers.count)])
                try asking { () throws(StoreError) in try change(piece) }
            }
            return
        }
        var last: Int64 = 0
        while true {
            let piece = try asking { () throws(StoreError) in try next(last) }
            guard let end = piece.last else { return }
            last = end
            try asking { () throws(StoreError) in try change(piece) }
        }
    }

    func number(_ text: String) -> Int64? {
        guard let number = Int64(text), number > 0 else { return nil }
        return number
    }

    /// The first event of `batch` as a line of JSON; null where there is none.
    func cloudEvent(of batch: EventBatch, recordedAt: Int64? = nil) throws(AdminRefusal) -> JSONOutput {
        guard let event = batch.events.first else { return .null }
        let encoder: CloudEventEncoder
        do {
            encoder = try CloudEventEncoder()
        } catch {
            throw AdminRefusal(500, "\(error)")
        }
        var line: [UInt8] = []
        let bytes = batch.bytes.span
        encoder.appendLine(
            id: bytes.extracting(event.id.range), sequence: event.sequence, recordedAt: recordedAt ?? event.recordedAt,
            receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range),
            client: bytes.extracting(event.client.range), body: bytes.extracting(event.body.range), to: &line)
        // The line ends with a newline.
        return .written(String(decoding: line.dropLast(), as: UTF8.self))
    }
}

extension DeadLetter {
    fileprivate var members: [(key: String, value: JSONOutput)] {
        [
            ("number", .integer(number)), ("sink", .string(sink)), ("sequence", .string(sequenceText(sequence))),
            ("id", .string(hexadecimal(id))), ("attempts", .integer(attempts)),
            ("status", .optional(status.map { Int64($0) })), ("error", .string(error)),
            ("buried", .time(ofMicroseconds: buriedAt)),
        ]
    }
}

/// A sequence number as events carry it.
func sequenceText(_ sequence: Int64) -> String {
    var text: [UInt8] = []
    text.append(decimal: Int(max(0, sequence)), width: 19)
    return String(decoding: text, as: UTF8.self)
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    bytes.withUnsafeBytes { text.append(hexadecimal: $0) }
    return String(decoding: text, as: UTF8.self)
}
