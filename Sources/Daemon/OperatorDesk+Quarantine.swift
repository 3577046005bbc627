// Quarantine: genuine callbacks that came outside the time window.

import Store

extension OperatorDesk {
    func listQuarantine(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        try request.checkQuery(["after", "limit"])
        let after = try request.number("after", default: 0)
        let limit = min(try request.number("limit", default: Int64(Self.usualLimit)), Int64(Self.pieceLimit))
        let callbacks = try asking { () throws(StoreError) in
            try store.quarantined(after: after, limit: Int(limit))
        }
        return AdminAnswer(lines: callbacks.map { .object($0.members) })
    }

    /// - Parameter isWhole: whether its values are told besides the event that it would be.
    func showQuarantined(_ text: String, isWhole: Bool) throws(AdminRefusal) -> AdminAnswer {
        let found = try asking { () throws(StoreError) in
            try number(text).flatMap { number throws(StoreError) in try store.quarantinedCallback(number) }
        }
        guard let found else { throw AdminRefusal(404, "there is no callback \(text) in quarantine") }
        // It was never recorded as an event: the time of its arrival stands for that.
        let event = try cloudEvent(of: found.event, recordedAt: found.callback.receivedAt)
        return AdminAnswer(200, isWhole ? .object(found.callback.members + [("event", event)]) : event)
    }

    func releaseQuarantined(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["numbers", "all"])
        var (released, stored, missing, unavailable) = (0, 0, 0, 0)
        try eachPiece(of: body) { after throws(StoreError) in
            try store.quarantined(after: after, limit: Self.pieceLimit).map(\.number)
        } _: { numbers throws(StoreError) in
            for number in numbers {
                switch try store.releaseQuarantined(number) {
                case .stored: released += 1
                case .alreadyStored: stored += 1
                case .unknown: missing += 1
                case .unavailable: unavailable += 1
                }
            }
        }
        return AdminAnswer(
            200,
            .object([
                ("released", .integer(released)), ("already_stored", .integer(stored)), ("missing", .integer(missing)),
                ("unavailable", .integer(unavailable)),
            ]))
    }

    func dropQuarantined(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["numbers", "all"])
        var (count, missing) = (0, 0)
        try eachPiece(of: body) { after throws(StoreError) in
            try store.quarantined(after: after, limit: Self.pieceLimit).map(\.number)
        } _: { numbers throws(StoreError) in
            let dropped = try store.dropQuarantined(numbers)
            count += dropped
            missing += numbers.count - dropped
        }
        return AdminAnswer(200, .object([("dropped", .integer(count)), ("missing", .integer(missing))]))
    }
}

extension QuarantinedCallback {
    fileprivate var members: [(key: String, value: JSONOutput)] {
        [
            ("number", .integer(number)), ("endpoint", .string(endpoint)),
            ("received", .time(ofMicroseconds: receivedAt)), ("last_received", .time(ofMicroseconds: lastReceivedAt)),
            ("times", .integer(times)), ("signed", .time(ofSeconds: signedAt)), ("body_bytes", .integer(bodyBytes)),
            ("may_be_repeat", .bool(mayBeRepeat)),
        ]
    }
}
