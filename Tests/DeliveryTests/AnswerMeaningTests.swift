// What an answer means: the table of docs/delivery.md.

import Testing

@testable import Delivery

@Suite("What an answer means") struct AnswerMeaningTests {
    enum Meaning: Sendable { case done, retry, pause, refused }

    static let rows: [(statuses: ClosedRange<Int>, meaning: Meaning, why: String)] = [
        (200...299, .done, "the target has it"),
        (408...408, .retry, "it took us for slow"), (425...425, .retry, "too early"), (429...429, .retry, "too much"),
        (500...599, .retry, "the target is broken"), (600...999, .retry, "no status that HTTP knows"),
        (101...199, .retry, "no final status"),
        (300...399, .pause, "a redirect, and hookd follows none"),
        (401...401, .pause, "we are not known"), (403...403, .pause, "we are not let in"),
        (404...404, .pause, "the wrong door"), (407...407, .pause, "the proxy does not know us"),
        (410...410, .pause, "the door is gone"),
        (400...400, .refused, "this event"), (402...402, .refused, "this event"), (405...406, .refused, "this event"),
        (409...409, .refused, "this event"), (411...424, .refused, "this event"), (426...428, .refused, "this event"),
        (430...499, .refused, "this event"),
    ]

    @Test("is told from the status", arguments: rows)
    func meaning(statuses: ClosedRange<Int>, meaning: Meaning, why: String) {
        for status in statuses {
            let verdict = verdict(status: status, retryAfterSeconds: nil, error: .interrupted)
            let expected: Verdict =
                switch meaning {
                case .done: .done
                case .retry: .retry(.interrupted)
                case .pause: .pause(.interrupted)
                case .refused: .refused(.interrupted)
                }
            #expect(verdict == expected, "\(status): \(why)")
        }
    }

    @Test("covers every status once")
    func covers() {
        let all = Self.rows.flatMap { Array($0.statuses) }
        #expect(all.sorted() == Array(101...999))
    }

    @Test(
        "takes Retry-After for what it says, up to an hour", arguments: [(5, 5), (3600, 3600), (3601, 3600), (-1, 0)])
    func retryAfter(asked: Int64, seconds: Int64) {
        for status in [429, 503] {
            #expect(
                verdict(status: status, retryAfterSeconds: asked, error: .interrupted)
                    == .retry(.interrupted, afterMicroseconds: seconds * 1_000_000))
        }
        #expect(
            verdict(status: 404, retryAfterSeconds: asked, error: .interrupted)
                == .pause(.interrupted, afterMicroseconds: seconds * 1_000_000))
    }
}
