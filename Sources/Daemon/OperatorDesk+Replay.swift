// Replay: a sink takes events again that it has taken before.

import Delivery
import Events
import Store

extension OperatorDesk {
    private static let replayKeys: Set<String> = ["sink", "since", "until", "type", "ids", "all", "dry_run"]
    /// Which events are meant.
    private struct Selection {
        var since: Int64?
        var until: Int64?
        var type: String?
        var ids: [String]?
        /// What the sink gets of itself. Not asked of what is named by its id.
        var terms: SinkTerms?
    }

    func replay(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: Self.replayKeys)
        guard let sink = try body.string("sink") else { throw AdminRefusal(400, "sink must be named") }
        let narrows = ["since", "until", "type", "ids"].contains { body.has($0) }
        guard try body.flag("all") != narrows else {
            throw AdminRefusal(400, "name since, until, type or ids, or say all, and not both")
        }
        let ids = try body.strings("ids")?.map { $0.lowercased() }
        let selection = Selection(
            since: try body.time("since"), until: try body.time("until"), type: try type(body), ids: ids,
            terms: ids == nil ? try knownTerms(of: sink) : nil)
        let isTrial = try body.flag("dry_run")
        guard let cursor = try asking({ () throws(StoreError) in try store.cursor(of: sink) }) else {
            throw AdminRefusal(404, "there is no sink \(quoted(shortened(sink)))")
        }
        var (matched, queued) = (0, 0)
        try eachMatch(selection, upTo: cursor) { sequences throws(StoreError) in
            matched += sequences.count
            if !isTrial { queued += try store.replay(sequences, to: sink) }
        }
        return AdminAnswer(
            200,
            .object([
                ("sink", .string(sink)), ("matched", .integer(matched)), ("queued", .integer(queued)),
                ("dry_run", .bool(isTrial)),
            ]))
    }

    /// The whole name of the type that is asked for.
    private func type(_ body: AdminBody) throws(AdminRefusal) -> String? {
        guard let text = try body.string("type") else { return nil }
        return try askedType(text)
    }

    /// The sink is not asked whether a replay is for it: that is found out here.
    private func knownTerms(of sink: String) throws(AdminRefusal) -> SinkTerms {
        if let terms = terms(sink) { return terms }
        let name = quoted(shortened(sink))
        if feeds != nil { throw AdminRefusal(404, "there is no sink \(name)") }
        throw AdminRefusal(
            409, "what sink \(name) gets is not known here: name the configuration with --config and no store, or ids")
    }

    /// Calls `found` with the sequence numbers of what is selected, some at a time. What is behind the sink's cursor
    /// will come to it anyway.
    private func eachMatch(
        _ selection: Selection, upTo cursor: Int64, _ found: ([Int64]) throws(StoreError) -> Void
    ) throws(AdminRefusal) {
        let encoder: CloudEventEncoder
        do {
            encoder = try CloudEventEncoder()
        } catch {
            throw AdminRefusal(500, "\(error)")
        }
        try asking { () throws(StoreError) in
            let reader = try EventReader(stateDirectory: stateDirectory)
            var end = cursor
            var position: Int64 = 0
            if let since = selection.since { position = try reader.newestSequence(recordedBefore: since) }
            if let until = selection.until { end = min(end, try reader.newestSequence(recordedBefore: until)) }
            while position < end {
                var last = position
                let batch = try reader.events(
                    after: position, limit: ReadLimit(events: Self.pieceLimit, bytes: 1 << 20)
                ) { last = max(last, $0) }
                let matches = batch.events.filter { event in
                    event.sequence <= end && Self.isSelected(event, in: batch, selection, encoder)
                }
                if !matches.isEmpty { try found(matches.map(\.sequence)) }
                last = max(last, batch.events.last?.sequence ?? 0)
                if last == position { return }
                position = last
            }
        }
    }

    private static func isSelected(
        _ event: StoredEvent, in batch: borrowing EventBatch, _ selection: Selection, _ encoder: CloudEventEncoder
    ) -> Bool {
        if let ids = selection.ids, !ids.contains(hexadecimal(Array(batch.bytes[event.id.range]))) { return false }
        guard selection.terms != nil || selection.type != nil else { return true }
        let bytes = batch.bytes.span
        let traits = EventTraits(
            encoder.facts(
                receivedAt: event.receivedAt, endpoint: bytes.extracting(event.endpoint.range),
                body: bytes.extracting(event.body.range)))
        if let terms = selection.terms {
            let isOfEndpoint = terms.endpoints.contains { $0.utf8.elementsEqual(batch.bytes[event.endpoint.range]) }
            guard isOfEndpoint, terms.choice.includes(traits) else { return false }
        }
        return selection.type.map { traits.type == $0 } ?? true
    }
}
