import Testing

@testable import hookd

@Suite("ULID") struct ULIDTests {
    struct Case: Sendable {
        let milliseconds: UInt64, high: UInt16, low: UInt64, text: String, why: String
    }

    static let cases = [
        Case(milliseconds: 0, high: 0, low: 0, text: "00000000000000000000000000", why: "nothing"),
        Case(
            milliseconds: 0xFFFF_FFFF_FFFF, high: .max, low: .max, text: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            why: "the largest, as the specification prints it"),
        Case(
            milliseconds: 1 << 48, high: 0, low: 1, text: "00000000000000000000000001",
            why: "bits beyond the 48 of the time do not spill"),
        // The nonce of a callback of 2021-10-18T17:49:13.927Z that Sinch's documentation prints.
        Case(
            milliseconds: 1_634_579_353_927, high: 0x5D08, low: 0x3F43_9982_60BD_80C7,
            text: "01FJA8B4A7BM43YGWSG9GBV067", why: "time, upper and lower bits in their order"),
    ]

    @Test("is spelled as the specification says", arguments: cases) func spelling(_ c: Case) {
        #expect(ULID(milliseconds: c.milliseconds, randomHigh: c.high, randomLow: c.low).text == c.text, "\(c.why)")
    }

    @Test("of two, no two are equal") func fresh() {
        let now = WallTime.now()
        let ulids = Set((0..<1000).map { _ in ULID.fresh(at: now).text })
        #expect(ulids.count == 1000)
        #expect(Set(ulids.map { $0.prefix(10) }).count == 1, "the first ten characters are the time")
    }
}
