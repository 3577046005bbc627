// The newest events in memory: bounded, and never with a gap that a sink would step over.

import Testing

@testable import Store

@Suite("The events in memory") struct EventTailTests {
    /// A batch in which every second callback was stored, under the next numbers.
    private func append(_ tail: inout EventTail, _ sequences: [Int64], bodyBytes: Int = 10) {
        var callbacks: [Callback] = []
        var outcomes: [Outcome] = []
        for sequence in sequences {
            let body = String(repeating: "b", count: bodyBytes)
            callbacks += [Callback("n\(sequence)", body), Callback("d\(sequence)", body)]
            outcomes += [.stored(sequence: sequence), .duplicate]
        }
        tail.append(CandidateBatch(callbacks), outcomes: outcomes, recordedAt: 7)
    }

    private func sequences(_ tail: EventTail, after sequence: Int64, _ limit: Int = .max, _ bytes: Int = .max)
        -> [Int64]?
    {
        tail.slice(after: sequence, limit: ReadLimit(events: limit, bytes: bytes))?.copied.events.map(\.sequence)
    }

    @Test("are found behind any number that they follow") func slices() {
        var tail = EventTail(capacityBytes: 1 << 20)
        #expect(sequences(tail, after: 0) == nil, "there are none")
        append(&tail, [5, 6])
        append(&tail, [7])
        append(&tail, [8, 9, 10])
        #expect(sequences(tail, after: 3) == nil, "4 is missing: the disk must be asked")
        #expect(sequences(tail, after: 4) == [5, 6, 7, 8, 9, 10])
        #expect(sequences(tail, after: 5) == [6, 7, 8, 9, 10])
        #expect(sequences(tail, after: 7) == [8, 9, 10])
        #expect(sequences(tail, after: 9) == [10])
        #expect(sequences(tail, after: 10) == [])
        #expect(sequences(tail, after: 4, 3) == [5, 6, 7])
        #expect(sequences(tail, after: 9, 1) == [10])
        #expect(sequences(tail, after: 4, 10, 15) == [5, 6])
        #expect(sequences(tail, after: 4, 10, 1) == [5])
    }

    @Test("hold what was stored, not what shared its batch") func onlyStored() throws {
        var tail = EventTail(capacityBytes: 1 << 20)
        tail.append(CandidateBatch([Callback("d")]), outcomes: [.duplicate], recordedAt: 7)
        #expect(sequences(tail, after: 0) == nil)
        append(&tail, [1, 2])
        let batch = try #require(tail.slice(after: 0, limit: ReadLimit(events: 9, bytes: 99))).copied
        #expect(batch.values.map(\.nonce) == ["n1", "n2"])
        #expect(batch.events.map(\.recordedAt) == [7, 7])
    }

    @Test("are copied without the others of their commit, which may be many megabytes") func fewOfMany() throws {
        var tail = EventTail(capacityBytes: 1 << 20)
        append(&tail, Array(1...16), bodyBytes: 10_000)
        let batch = try #require(tail.slice(after: 14, limit: ReadLimit(events: 1, bytes: 99))).copied
        #expect(batch.values.map(\.nonce) == ["n15"])
        #expect(batch.values.map(\.body) == [Array(repeating: UInt8(ascii: "b"), count: 10_000)])
        #expect(batch.bytes.count < 11_000, "16 stored ones and 16 others have 320,000")
    }

    @Test("leave, oldest first, when they are too many bytes") func bounds() {
        var tail = EventTail(capacityBytes: 10_000)
        for sequence in 1...1000 as ClosedRange<Int64> { append(&tail, [sequence], bodyBytes: 400) }
        #expect(sequences(tail, after: 900) == nil)
        let kept = (0...1000 as ClosedRange<Int64>).first { sequences(tail, after: $0) != nil } ?? 0
        #expect((970...995).contains(kept), "each takes a little more than 800 bytes")
        #expect(sequences(tail, after: kept) == Array(kept + 1...1000))
    }

    @Test("are copied whole, in whatever order their values were put into the batch") func anyOrder() throws {
        let values = ["/e", "\u{1}\u{2}\u{3}\u{4}", "n", "s", "a", "i", "body"].map { Array($0.utf8) }
        for order in [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 6, 0, 2, 5, 1, 4]] {
            var batch = EventBatch(bytes: Array("in front".utf8))
            var ranges = [ByteRange](repeating: ByteRange(offset: 0, count: 0), count: values.count)
            for index in order {
                ranges[index] = ByteRange(offset: batch.bytes.count, count: values[index].count)
                batch.bytes += values[index]
            }
            batch.bytes += Array("behind".utf8)
            let event = StoredEvent(
                sequence: 1, recordedAt: 2, receivedAt: 3, signedAt: 4, endpoint: ranges[0], client: ranges[1],
                nonce: ranges[2], signature: ranges[3], algorithm: ranges[4], id: ranges[5], body: ranges[6])
            let (copy, bytes) = batch.alone(event)
            let copied = [
                copy.endpoint, copy.client, copy.nonce, copy.signature, copy.algorithm, copy.id, copy.body,
            ].map { Array(bytes[$0.range]) }
            #expect(copied == values, "\(order)")
            #expect(bytes.count == values.joined().count + EventBatch.padding)
        }
    }

    @Test("are none where the last batch alone is too large: the disk has it, too") func oneBatch() {
        var tail = EventTail(capacityBytes: 10)
        append(&tail, [1], bodyBytes: 400)
        append(&tail, [2, 3], bodyBytes: 400)
        #expect(sequences(tail, after: 0) == nil)
        #expect(sequences(tail, after: 1) == nil)
        tail = EventTail(capacityBytes: 1000)
        append(&tail, [1], bodyBytes: 4000)
        append(&tail, [2], bodyBytes: 40)
        #expect(sequences(tail, after: 0) == nil)
        #expect(sequences(tail, after: 1) == [2])
    }

    @Test("are forgotten") func clear() {
        var tail = EventTail(capacityBytes: 1 << 20)
        append(&tail, [1, 2])
        tail.clear()
        #expect(sequences(tail, after: 0) == nil)
        append(&tail, [4])
        #expect(sequences(tail, after: 2) == nil)
        #expect(sequences(tail, after: 3) == [4])
    }
}

extension EventTail.Slice {
    /// The events in a batch of their own.
    fileprivate var copied: EventBatch {
        var batch = EventBatch()
        copy(into: &batch)
        return batch
    }
}
