// Random damage to real bodies: whatever comes, there is one sound line.

import Events
import Samples
import Testing

@Suite("Damaged bodies") struct LineFuzzTests {
    /// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers for the same seed, everywhere.
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let morsels: [[UInt8]] =
        [
            "\\", "\"", "\\u", "\\ud83d", "\\ude00", "\\u0000", "{", "}", "[", "]", ":", ",", "-", "0", "01", ".5", "e",
            "true", "null", "\n", "\r\n", " ", "\t", "\u{0C}", "\u{1A}", "\0", "\u{85}", "\u{FEFF}", "\\\"", "\\\\",
            "\"message\":{\"id\":\"x\"},", "\"event\":null,", "123456789012345678901234567890", "\u{1B}[2J",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80]]

    /// Seeds that Foundation, the judge, once stumbled over, and one that nobody has tried.
    static let seeds = [5_595_570_554_930_501_154, 12_605_147_355_028_480_543, UInt64.random(in: 0 ... .max)]

    @Test("become one sound line each", arguments: seeds) func survive(_ seed: UInt64) throws {
        print("LineFuzzTests: let seed: UInt64 = \(seed)")
        var random = Random(state: seed)
        let encoder = try CloudEventEncoder()
        // Half of them are small, so that a few bytes of damage often leave JSON behind.
        let bodies = Sample.all.map(\.body).filter { $0.count < 1500 }
        for turn in 0..<20_000 {
            var body = bodies[Int.random(in: bodies.indices, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) { damage(&body, &random) }
            guard let fault = try Event(body, encoder: encoder).faultOfLine() else { continue }
            Issue.record("seed \(seed), turn \(turn): \(fault): \(String(decoding: body, as: UTF8.self))")
            return
        }
    }

    private func damage(_ body: inout [UInt8], _ random: inout Random) {
        let place = Int.random(in: 0...body.count, using: &random)
        let morsel = Self.morsels[Int.random(in: Self.morsels.indices, using: &random)]
        switch Int.random(in: 0..<5, using: &random) {
        case 0: body.insert(contentsOf: morsel, at: place)
        case 1: body.replaceSubrange(place..<min(place + morsel.count, body.count), with: morsel)
        case 2: body.removeSubrange(place..<min(place + Int.random(in: 1...3, using: &random), body.count))
        case 3: if place < body.count { body[place] = UInt8.random(in: 0...255, using: &random) }
        default: if Int.random(in: 0..<4, using: &random) == 0 { body.removeSubrange(place...) }
        }
    }
}
