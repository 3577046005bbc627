// Named tails: made, listed, acknowledged and dropped here; what they are sent is in EventFeed.swift.

import CLinux
import Events
import Store

extension OperatorDesk {
    func listTails(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        try request.checkQuery([])
        let tails = try asking { () throws(StoreError) in try store.tails() }
        return AdminAnswer(
            lines: tails.map { tail in
                let isBeingRead = feeds?.isReading(tail.name) ?? false
                return tail.json(newest: store.newestSequence, [("being_read", .bool(isBeingRead))])
            })
    }

    /// Has a name be there. A new one begins where `since` says, or with what is stored from now on.
    func openTail(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["name", "since"])
        guard let name = try body.string("name"), isTailName(name) else {
            throw AdminRefusal(400, "name must be 1 to 64 letters, digits, hyphens and underscores")
        }
        let since = try body.time("since")
        let opening = try asking { () throws(StoreError) in
            let start = try since.map { time throws(StoreError) in try store.newestSequence(recordedBefore: time) }
            return try store.openTail(name, newFrom: start ?? store.newestSequence)
        }
        guard opening != .tooMany else {
            throw AdminRefusal(409, "there are \(NamedTail.limit) tails: drop one that nobody reads any more")
        }
        guard let tail = try asking({ () throws(StoreError) in try store.tail(name) }) else { throw noTail(name) }
        let isNew = if case .new = opening { true } else { false }
        return AdminAnswer(200, tail.json(newest: store.newestSequence, [("new", .bool(isNew))]))
    }

    func acknowledge(_ name: String, _ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["sequence"])
        guard let sequence = try body.number("sequence") else { throw AdminRefusal(400, "sequence must be named") }
        guard sequence <= store.newestSequence else {
            throw AdminRefusal(400, "event \(sequence) has not been stored")
        }
        let reached = try asking { () throws(StoreError) in try store.acknowledge(name, through: sequence) }
        guard let reached else { throw noTail(name) }
        feeds?.acknowledged(name, through: reached)
        return AdminAnswer(200, .object([("sequence", .integer(reached))]))
    }

    func dropTails(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["names"])
        guard let names = try body.strings("names"), !names.isEmpty else {
            throw AdminRefusal(400, "names must be a list of tails")
        }
        for name in names where feeds?.isReading(name) ?? false {
            throw AdminRefusal(409, "tail \(name) is being read: stop its reader first")
        }
        let dropped = try asking { () throws(StoreError) in try store.dropTails(names) }
        return AdminAnswer(
            200, .object([("dropped", .integer(dropped)), ("missing", .integer(Set(names).count - dropped))]))
    }
}

/// The answer where a name is not known.
func noTail(_ name: String) -> AdminRefusal {
    AdminRefusal(404, "there is no tail \(quoted(shortened(name)))")
}

/// Whether a tail may have this name: it is part of paths, and of log lines.
func isTailName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) }
}

extension EventFeed.Order {
    /// What a request for a stream asks for.
    ///
    /// - Parameter tail: the named tail that it is for; nil for a stream that remembers nothing.
    init(_ request: AdminRequest, tail: String?, _ store: SQLiteEventStore) throws(AdminRefusal) {
        let common: Set<String> = ["type", "channel", "app", "live"]
        try request.checkQuery(tail == nil ? common.union(["after", "since"]) : common)
        for text in request.list("type") { choice.types.insert(try askedType(text)) }
        choice.channels = Set(request.list("channel"))
        choice.apps = Set(request.list("app"))
        switch request.query["live"] {
        case nil, "true": isLive = true
        case "false": isLive = false
        default: throw AdminRefusal(400, "live must be true or false")
        }
        self.tail = tail
        start = tail == nil ? try Self.start(request, store) : 0
    }

    /// Where a stream begins that remembers nothing: where the reader says it was, else where the query says, else now.
    private static func start(_ request: AdminRequest, _ store: SQLiteEventStore) throws(AdminRefusal) -> Int64 {
        // A reader that comes again asks as it did the first time, and says besides how far it came.
        if let id = request.lastEventID, !id.isEmpty {
            guard let sequence = Int64(id), sequence >= 0 else {
                throw AdminRefusal(400, "Last-Event-ID is no sequence number")
            }
            return sequence
        }
        guard request.query["after"] == nil || request.query["since"] == nil else {
            throw AdminRefusal(400, "name after or since, and not both")
        }
        guard let since = request.query["since"] else {
            return try request.number("after", default: store.newestSequence)
        }
        let time: Int64
        if let seconds = UTCTimestamp.seconds(fromText: since) {
            time = seconds
        } else if let age = Duration(text: since) {
            time = clinux_wall_microseconds() / 1_000_000 - age.components.seconds
        } else {
            throw AdminRefusal(400, "since must be a time such as 2026-12-01T00:00:00Z, or how long ago, such as 1h")
        }
        return try asking { () throws(StoreError) in try store.newestSequence(recordedBefore: time * 1_000_000) }
    }
}

extension AdminRequest {
    /// The values of the query under `name`, which are separated by commas.
    fileprivate func list(_ name: String) -> [String] {
        query[name]?.split(separator: ",").map(String.init) ?? []
    }
}

extension NamedTail {
    /// How many stored events it has yet to take.
    func backlog(newest: Int64) -> Int64 { max(0, newest - max(sequence, missedThrough ?? 0)) }

    func json(newest: Int64, _ more: [(key: String, value: JSONOutput)] = []) -> JSONOutput {
        let members: [(key: String, value: JSONOutput)] = [
            ("name", .string(name)), ("sequence", .integer(sequence)),
            ("backlog_events", .integer(backlog(newest: newest))),
            ("missed_events", .integer(max(0, (missedThrough ?? sequence) - sequence))),
            ("last_read", .time(ofMicroseconds: readAt)),
        ]
        return .object(members + more)
    }
}
