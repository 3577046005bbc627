// Whether the reckoning of `hookd selftest` finds what is wrong: a check that finds nothing proves nothing.

import Foundation
import Store
import Testing

@testable import hookd

@Suite("The reckoning of a selftest") struct SelftestCheckTests {
    struct Case: CustomTestStringConvertible, Sendable {
        /// The lines of the file, by sequence, of a store that holds 1 to 6.
        var lines: [Int]
        var lineEnd = "\n"
        /// Made worse: what the clients remember of callbacks 0 to 5, which became events 1 to 6.
        var changed: @Sendable (inout [SelftestLedger.Entry]) -> Void = { _ in }
        var forwarded: Set<Int64> = [1, 2, 3, 4, 5, 6]
        let expected: [SelftestViolation.Kind: Int]
        let why: String
        var testDescription: String { why }
    }

    static let cases: [Case] = [
        Case(lines: [1, 2, 3, 4, 5, 6], expected: [:], why: "all is as it should be"),
        Case(lines: [1, 2, 4, 5, 6], expected: [.lost: 1], why: "a line is missing"),
        Case(lines: [1, 2, 3], expected: [.lost: 3], why: "the file ends too early"),
        Case(lines: [1, 2, 3, 3, 4, 5, 6], expected: [.doubled: 1], why: "a line is there twice"),
        Case(lines: [1, 2, 3, 4, 2, 3, 4, 5, 6], expected: [.doubled: 3], why: "a batch was written again"),
        Case(lines: [1, 2, 3, 4, 5, 6, 6], expected: [.doubled: 1], why: "the last line is there twice"),
        Case(lines: [1, 3, 2, 4, 5, 6], expected: [.lost: 1, .doubled: 1], why: "two lines have changed places"),
        Case(lines: [1, 2, 3, 4, 5, 6], lineEnd: "", expected: [.changed: 1, .lost: 1], why: "the last line is torn"),
        Case(
            lines: [1, 2, 3, 4, 5, 6], changed: { $0.append(entry(0)) }, expected: [.lost: 1],
            why: "what was acknowledged is not stored"),
        Case(
            lines: [1, 2, 3, 4, 5, 6], changed: { $0.append(entry(0, isAcknowledged: false)) }, expected: [:],
            why: "what was never answered need not be stored"),
        Case(
            lines: [1, 2, 3, 4, 5, 6], changed: { $0[2].sequence = 4 }, expected: [.changed: 1],
            why: "an answer told another number"),
        Case(
            lines: [1, 2, 3, 4, 5, 6], changed: { $0.removeLast() }, expected: [.changed: 1],
            why: "an event is stored that nobody has sent"),
        Case(
            lines: [1, 2, 3, 4, 5, 6], forwarded: [1, 2, 3, 5, 6], expected: [.lost: 1], why: "one was not forwarded"),
    ]

    private static func entry(_ sequence: Int64, isAcknowledged: Bool = true) -> SelftestLedger.Entry {
        SelftestLedger.Entry(timestamp: 0, sequence: sequence, isAcknowledged: isAcknowledged, cycle: 1)
    }

    @Test("finds what is wrong, and nothing else", arguments: cases) func finds(_ c: Case) throws {
        let callbacks = SelftestCallbacks(seed: 7)
        let home = try SelftestHome()
        defer { removeTree(home.path) }
        let fixture = try StoreFixture(directory: home.statePath)
        try fixture.add(0..<6, of: callbacks)
        let batch = try EventReader(stateDirectory: home.statePath).events(
            after: 0, limit: ReadLimit(events: 10, bytes: 1 << 20))
        let printer = try EventPrinter(.json)
        let lines = batch.events.map { String(decoding: printer.line(of: $0, in: batch).dropLast(), as: UTF8.self) }
        let text = c.lines.map { lines[$0 - 1] }.joined(separator: "\n") + c.lineEnd
        try Data(text.utf8).write(to: URL(filePath: home.eventsPath))
        var entries = (0..<6).map { Self.entry(Int64($0) + 1) }
        c.changed(&entries)
        var check = SelftestCheck(home, callbacks, entries) { c.forwarded.contains($0) }
        let violations = try check.run()
        #expect(violations.counts == c.expected, "\(violations.first.map(\.text))")
    }

    @Test("its callbacks are the same for the same seed, and no two are alike") func callbacks() {
        let callbacks = SelftestCallbacks(seed: 1)
        let bodies = (0..<500).map { callbacks.body($0) }
        #expect(bodies == (0..<500).map { SelftestCallbacks(seed: 1).body($0) })
        #expect(Set(bodies).count == 500)
        #expect(callbacks.body(3) != SelftestCallbacks(seed: 2).body(3))
        #expect((0..<500).allSatisfy { callbacks.number(ofNonce: callbacks.nonce($0).utf8) == $0 })
        #expect(callbacks.number(ofNonce: "01FJA8B466Y0R2GNXD78MD9SM1".utf8) == nil)
        #expect(bodies.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0))) != nil })
    }

    @Test("a daemon that answers wrongly is told of") func answers() throws {
        let ledger = SelftestLedger(SelftestCallbacks(seed: 1))
        var random = SelftestRandom(seed: 1, stream: 1)
        func answer(_ status: Int, _ body: String = "") -> HTTPAnswer {
            HTTPAnswer(status: status, body: Array(body.utf8))
        }
        let order = try #require(ledger.next(&random))
        var last: Int64 = 0
        ledger.note(answer(503), to: order, after: &last)
        #expect(ledger.unanswered == [order.number])
        let again = try #require(ledger.next(&random))
        #expect(again.number == order.number && again.timestamp == order.timestamp)
        ledger.note(
            answer(200, #"{"status":"stored","id":"a","sequence":"0000000000000000042"}"#), to: again, after: &last)
        #expect(last == 42 && ledger.result.acknowledged == 1 && ledger.result.isKept)
        // A repeat that is stored, a number that does not rise, an answer that is final.
        var repeated = again
        repeated.isRepeat = true
        ledger.note(answer(200, #"{"status":"stored","id":"a","sequence":"43"}"#), to: repeated, after: &last)
        ledger.note(answer(200, #"{"status":"stored","id":"a","sequence":"43"}"#), to: again, after: &last)
        ledger.note(answer(409), to: again, after: &last)
        #expect(ledger.result.violations.counts == [.doubled: 1, .disordered: 1, .refused: 1])
    }

    @Test("a target tells of events that come behind a later one of their conversation") func target() throws {
        let callbacks = SelftestCallbacks(seed: 1)
        let target = try SelftestTarget(callbacks)
        let client = try HTTPClient()
        func send(_ number: Int, as sequence: Int) throws {
            let nonce = ("x-sinch-webhook-signature-nonce", callbacks.nonce(number))
            let headers = [nonce, ("ce-sequence", "\(sequence)")]
            let url = "http://127.0.0.1:\(target.port)/"
            #expect(try client.post(callbacks.body(number), headers: headers, to: url).status == 204)
        }
        let count = SelftestCallbacks.conversations
        try send(0, as: 2)
        try send(1, as: 1)
        try send(0, as: 2)
        #expect(target.violations.counts == [:], "another conversation, and a repeat")
        try send(count, as: 4)
        try send(2 * count, as: 3)
        #expect(target.violations.counts == [.disordered: 1])
        #expect(target.distinct == 4 && target.again == 1)
    }
}
