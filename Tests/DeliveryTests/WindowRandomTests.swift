// The window with everything at random: what is read when, which letter comes back next, and what it brings.

import Store
import Testing

@testable import Delivery

@Suite("Window, at random") struct WindowRandomTests {
    /// What a run is checked against.
    private struct Model {
        var keys: [UInt64] = []
        /// For each key, the events that are done with, in that order.
        var done: [UInt64: [Int64]] = [:]
        var isDone: [Bool] = []
        var flying: [Letter] = []

        /// Everything up to here is done with, of `read` events.
        func cursor(read: Int) -> Int64 { Int64(isDone[..<read].firstIndex(of: false) ?? read) }
    }

    @Test("keeps the order of each key, loses nothing and sends nothing twice", arguments: 0..<150 as Range<UInt64>)
    func run(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let count = Int.random(in: 1...400, using: &random)
        let keyCount = UInt64.random(in: 1...30, using: &random)
        var terms = WindowTerms(
            concurrency: Int.random(in: 1...8, using: &random),
            letter: ReadLimit(events: Int.random(in: 1...5, using: &random), bytes: 1 << 20),
            capacity: ReadLimit(events: Int.random(in: 5...60, using: &random), bytes: 1 << 20),
            retry: RetryPolicy(initialMicroseconds: 10, maximumMicroseconds: 100), attempts: 3)
        terms.gatherNanoseconds = UInt64.random(in: 0...2000, using: &random)
        var window = Window(terms, cursor: 0, seed: seed)
        var model = Model(
            keys: (0..<count).map { _ in UInt64.random(in: 0..<keyCount, using: &random) },
            isDone: Array(repeating: false, count: count))
        var (read, now, steps) = (0, 0 as UInt64, 0)

        while model.isDone.contains(false) {
            steps += 1
            try #require(steps < 200_000, "seed \(seed): it never ends")
            now += UInt64.random(in: 0...20_000, using: &random)
            if read < count, let room = window.room, Bool.random(using: &random) {
                let end = min(count, read + Int.random(in: 1...room.events, using: &random))
                let batch = makeBatch((read..<end).map { "\($0)" }, from: Int64(read + 1))
                window.add(batch, upTo: Int64(end), now: now) { model.keys[Int($0.sequence) - 1] }
                read = end
            }
            while let letter = window.next(now: now) { try fly(letter, &model, seed) }
            try #require(model.flying.count <= terms.concurrency, "seed \(seed)")
            if let index = model.flying.indices.randomElement(using: &random), Int.random(in: 0...3, using: &random) > 0
            {
                land(model.flying.remove(at: index), &window, &model, now, &random)
            }
            try #require(window.cursor == model.cursor(read: read), "seed \(seed), step \(steps)")
        }
        for (key, done) in model.done {
            let all = model.keys.indices.filter { model.keys[$0] == key }.map { Int64($0 + 1) }
            #expect(done == all, "seed \(seed), key \(key)")
        }
        #expect(window.isEmpty && window.cursor == Int64(count) && window.troubledCount == 0, "seed \(seed)")
    }

    private func fly(_ letter: Letter, _ model: inout Model, _ seed: UInt64) throws {
        let keys = Set(letter.sequences.map { model.keys[Int($0) - 1] })
        for other in model.flying {
            try #require(
                keys.isDisjoint(with: other.sequences.map { model.keys[Int($0) - 1] }), "seed \(seed): a key twice")
        }
        for sequence in letter.sequences { try #require(!model.isDone[Int(sequence) - 1], "seed \(seed): sent twice") }
        model.flying.append(letter)
    }

    private func land(
        _ letter: Letter, _ window: inout Window, _ model: inout Model, _ now: UInt64, _ random: inout SplitMix
    ) {
        let error = SinkError.interrupted
        let verdict: Verdict =
            switch Int.random(in: 0..<10, using: &random) {
            case 0: .retry(error)
            case 1: .retry(error, afterMicroseconds: 50)
            case 2: .pause(error)
            case 3: .refused(error)
            default: .done
            }
        let settlement = window.settle(letter.number, verdict, now: now)
        let isOver = settlement.delivered > 0 || settlement.burial != nil
        guard isOver else { return }
        for sequence in letter.sequences {
            model.isDone[Int(sequence) - 1] = true
            model.done[model.keys[Int(sequence) - 1], default: []].append(sequence)
        }
    }
}
