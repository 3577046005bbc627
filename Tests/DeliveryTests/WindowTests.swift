// The window by itself, in a time of its own: order by key, the cursor, what a verdict does, and bounds; then the same
// with everything at random.

import Store
import Testing

@testable import Delivery

@Suite("Window") struct WindowTests {
    private static let second: UInt64 = 1_000_000_000
    private static let error = SinkError.answered(origin: "http://x", status: 500, excerpt: "")
    private static let retry = RetryPolicy(initialMicroseconds: 1_000_000, maximumMicroseconds: 4_000_000)

    /// Events whose keys are the bytes of `keys`, numbered from 1, all read.
    private func window(_ keys: String, _ change: (inout WindowTerms) -> Void = { _ in }) -> Window {
        var terms = WindowTerms(concurrency: 10, retry: Self.retry, attempts: 3)
        change(&terms)
        var window = Window(terms, cursor: 0, seed: 1)
        let batch = makeBatch(keys.map { String($0) })
        window.add(batch, upTo: Int64(keys.count), now: 0) { event in
            UInt64(batch.bytes[event.body.range.lowerBound])
        }
        return window
    }

    /// Everything that may be sent now, as the sequences of each letter.
    private func sent(_ window: inout Window, now: UInt64 = 0) -> [Letter] {
        var letters: [Letter] = []
        while let letter = window.next(now: now) { letters.append(letter) }
        return letters
    }

    /// What must be there to be sent.
    private func next(_ window: inout Window, now: UInt64) throws -> Letter {
        let letter = window.next(now: now)
        return try #require(letter)
    }

    @Test("sends the first event of each key, and the next when it is done")
    func oneOfEachKey() {
        var window = window("aabac")
        let first = sent(&window)
        #expect(first.map(\.sequences) == [[1], [3], [5]])
        #expect(window.settle(first[0].number, .done, now: 0) == Settlement(delivered: 1))
        #expect(sent(&window).map(\.sequences) == [[2]])
    }

    @Test("has no more letters under way than it may")
    func concurrency() {
        var window = window("abcd") { $0.concurrency = 3 }
        #expect(sent(&window).map(\.sequences) == [[1], [2], [3]])
    }

    @Test("keeps in memory what its events have themselves, and not what was read with them")
    func memory() {
        var terms = WindowTerms()
        terms.capacity = ReadLimit(events: 100, bytes: 1 << 20)
        var window = Window(terms, cursor: 0, seed: 1)
        // Of each hundred that are read, one is for the sink.
        for read in 1...20 as ClosedRange<Int64> {
            let batch = makeBatch((0..<100).map { "\($0) " + String(repeating: "x", count: 1000) })
            let selected = EventBatch(bytes: batch.bytes, events: [batch.events[50]])
            window.add(selected, upTo: 100 * read, now: 0) { _ in 7 }
        }
        #expect(window.openCount == 20)
        #expect((20 * 1000...20 * 1500).contains(window.keptBytes), "with their batches they are 2 MB")
        #expect(window.room?.bytes == (1 << 20) - window.keptBytes)
        while let letter = window.next(now: 0) { _ = window.settle(letter.number, .done, now: 0) }
        #expect(window.keptBytes == 0 && window.room?.bytes == 1 << 20)
    }

    @Test("moves the cursor over a prefix without gaps only")
    func cursor() {
        var window = window("abcd")
        let letters = sent(&window)
        _ = window.settle(letters[2].number, .done, now: 0)
        _ = window.settle(letters[1].number, .done, now: 0)
        #expect(window.cursor == 0)
        _ = window.settle(letters[0].number, .done, now: 0)
        #expect(window.cursor == 3)
        _ = window.settle(letters[3].number, .done, now: 0)
        #expect(window.cursor == 4 && window.isEmpty)
    }

    @Test("lets a key that fails hold back itself and nothing else, up to the end of the window")
    func stuckKey() {
        var window = window("ababab") { $0.capacity = ReadLimit(events: 6, bytes: 1 << 20) }
        #expect(window.room == nil)
        var letters = sent(&window)
        _ = window.settle(letters[0].number, .retry(Self.error), now: 0)
        for sequence in [2, 4, 6] {
            let letter = letters.removeLast()
            #expect(letter.sequences == [Int64(sequence)])
            _ = window.settle(letter.number, .done, now: 0)
            letters += sent(&window)
        }
        #expect(window.cursor == 0 && window.openCount == 3 && window.room == nil)
        let again = sent(&window, now: 2 * Self.second)
        #expect(again.map(\.sequences) == [[1]])
        _ = window.settle(again[0].number, .done, now: 0)
        #expect(window.cursor == 2 && window.room?.events == 2)
    }

    @Test("waits longer after each failure of a key, and as long as the target asks for")
    func backoff() throws {
        var window = window("a")
        var now: UInt64 = 0
        for ceiling in [1, 2, 4, 4] as [UInt64] {
            let letter = try next(&window, now: now)
            _ = window.settle(letter.number, .retry(Self.error), now: now)
            let next = try #require(window.nextAt)
            #expect(next >= now && next <= now + ceiling * Self.second)
            #expect(next == now || window.next(now: next - 1) == nil)
            now = next
        }
        let letter = try next(&window, now: now)
        _ = window.settle(letter.number, .retry(Self.error, afterMicroseconds: 60_000_000), now: now)
        #expect(window.nextAt == now + 60 * Self.second)
    }

    @Test("leaves the target alone altogether for as long as it asks for")
    func retryAfter() {
        var window = window("ab") { $0.concurrency = 1 }
        let letter = sent(&window)[0]
        _ = window.settle(letter.number, .retry(Self.error, afterMicroseconds: 60_000_000), now: 0)
        #expect(sent(&window, now: 59 * Self.second).isEmpty)
        #expect(sent(&window, now: 60 * Self.second).map(\.sequences) == [[2]])
    }

    @Test("leaves it alone for so long also where another letter is taken meanwhile")
    func retryAfterMeanwhile() {
        var window = window("abcdef") { $0.concurrency = 2 }
        let letters = sent(&window)
        _ = window.settle(letters[0].number, .retry(Self.error, afterMicroseconds: 60_000_000), now: 0)
        _ = window.settle(letters[1].number, .done, now: 0)
        #expect(window.nextAt == 60 * Self.second && sent(&window, now: 59 * Self.second).isEmpty)
        let later = sent(&window, now: 60 * Self.second)
        _ = window.settle(later[0].number, .pause(Self.error, afterMicroseconds: 90_000_000), now: 60 * Self.second)
        _ = window.settle(later[1].number, .done, now: 60 * Self.second)
        #expect(window.health == .fine)
        #expect(sent(&window, now: 149 * Self.second).isEmpty && !sent(&window, now: 150 * Self.second).isEmpty)
    }

    @Test("sends one letter at a time to a target that takes none, and all again when it takes one")
    func down() throws {
        var window = window("abcdef") { $0.concurrency = 3 }
        for letter in sent(&window) { _ = window.settle(letter.number, .retry(Self.error), now: 0) }
        #expect(window.health == .down)
        let probe = sent(&window, now: 10 * Self.second)
        #expect(probe.count == 1)
        _ = window.settle(probe[0].number, .done, now: 10 * Self.second)
        #expect(window.health == .fine && sent(&window, now: 10 * Self.second).count == 3)
    }

    @Test("pauses where it is turned away: one letter, after the longest wait, until the target takes one")
    func paused() throws {
        var window = window("abc")
        let letters = sent(&window)
        _ = window.settle(letters[0].number, .pause(Self.error), now: 0)
        #expect(window.health == .paused)
        _ = window.settle(letters[1].number, .pause(Self.error), now: 0)
        _ = window.settle(letters[2].number, .pause(Self.error), now: 0)
        #expect(window.nextAt == 4 * Self.second && sent(&window, now: 4 * Self.second - 1).isEmpty)
        let probe = sent(&window, now: 4 * Self.second)
        #expect(probe.count == 1)
        _ = window.settle(probe[0].number, .done, now: 4 * Self.second)
        #expect(sent(&window, now: 4 * Self.second).count == 2)
        #expect(window.cursor == 1)
    }

    @Test("gives an event up that is refused too often, and its key goes on")
    func poison() throws {
        var window = window("aa")
        var now: UInt64 = 0
        for attempt in 1...3 {
            let letter = try next(&window, now: now)
            #expect(letter.sequences == [1])
            let settlement = window.settle(letter.number, .refused(Self.error), now: now)
            #expect((settlement.burial != nil) == (attempt == 3))
            now = window.nextAt ?? now
        }
        #expect(window.cursor == 1 && window.next(now: now)?.sequences == [2])
    }

    // MARK: Letters of several events

    private func batched(_ terms: inout WindowTerms) {
        terms.letter = ReadLimit(events: 3, bytes: 1000)
        terms.overheadBytes = 100
    }

    @Test("puts events of many keys into a letter, in storing order, and no key into two letters")
    func batches() {
        var window = window("abab", batched)
        let first = sent(&window)
        #expect(first.map(\.sequences) == [[1, 2, 3]])
        #expect(window.isEmpty == false)
        _ = window.settle(first[0].number, .done, now: 0)
        #expect(sent(&window).map(\.sequences) == [[4]])
    }

    @Test("fills no letter with more bytes than it may have, but for one event that is larger")
    func bytes() {
        var one = window("abc") {
            $0.letter = ReadLimit(events: 3, bytes: 202)
            $0.overheadBytes = 100
        }
        #expect(sent(&one).map(\.sequences) == [[1, 2], [3]])
        var other = window("ab") {
            $0.letter = ReadLimit(events: 3, bytes: 100)
            $0.overheadBytes = 100
        }
        #expect(sent(&other).map(\.sequences) == [[1], [2]])
    }

    @Test("sends the events of a refused letter one by one, so that only the poison is given up")
    func split() throws {
        var window = window("aaa", batched)
        let letter = try next(&window, now: 0)
        #expect(window.settle(letter.number, .refused(Self.error), now: 0) == Settlement(isSplit: true))
        var buried: [Int64] = []
        var delivered: [Int64] = []
        var now: UInt64 = 0
        while let letter = window.next(now: now) {
            #expect(letter.parts.count == 1)
            let isPoison = letter.sequences == [2]
            let settlement = window.settle(letter.number, isPoison ? .refused(Self.error) : .done, now: now)
            if let burial = settlement.burial { buried.append(burial.sequence) }
            if settlement.delivered > 0 { delivered += letter.sequences }
            now = window.nextAt ?? now
        }
        #expect(delivered == [1, 3] && buried == [2] && window.cursor == 3)
    }

    @Test("lets events wait for company, not longer than they should, and not at the end")
    func gathering() {
        func gather(_ terms: inout WindowTerms) {
            batched(&terms)
            terms.gatherNanoseconds = Self.second
        }
        var window = window("ab", gather)
        #expect(sent(&window, now: 0).isEmpty && window.nextAt == Self.second)
        #expect(sent(&window, now: Self.second).map(\.sequences) == [[1, 2]])

        var full = self.window("abc", gather)
        #expect(sent(&full, now: 0).map(\.sequences) == [[1, 2, 3]])

        var ending = self.window("ab", gather)
        ending.beginDraining()
        #expect(sent(&ending, now: 0).map(\.sequences) == [[1, 2]])
    }
}

extension Letter {
    /// The sequences of its events.
    var sequences: [Int64] { parts.map(\.event.sequence) }
}

extension Window {
    /// The bytes of all the arrays that its events keep alive, each array once.
    fileprivate var keptBytes: Int {
        var arrays: [UnsafeRawPointer: Int] = [:]
        for entry in entries {
            entry.bytes.withUnsafeBytes { if let start = $0.baseAddress { arrays[start] = $0.count } }
        }
        return arrays.values.reduce(0, +)
    }
}
