// The writer with a clock of the test's own: windows that move, clocks that are set back, memories that are full.

import Testing

@testable import Store

@Suite("As time goes on") struct EventWriterTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A writer as after a start at `now`, in seconds, with a window of 300 seconds.
    private func writer(now: Int64, capacity: Int = 1000) throws -> EventWriter {
        try EventWriter(
            path: directory.database, setup: .init(toleranceSeconds: 300, nonceCapacity: capacity), now: now,
            lowestNextSequence: 1)
    }

    private func callback(_ nonce: String, at signedAt: Int64, late isLate: Bool = false) -> Callback {
        Callback(nonce).with {
            $0.signedAt = signedAt
            $0.isLate = isLate
        }
    }

    private func commit(_ writer: EventWriter, _ callbacks: [Callback], now: Int64) throws -> [Outcome] {
        try writer.commit([CandidateBatch(callbacks)], now: now * 1_000_000).outcomes.flatMap { $0 }
    }

    private func commit(_ writer: EventWriter, _ callback: Callback, now: Int64) throws -> Outcome? {
        try commit(writer, [callback], now: now).first
    }

    @Test("a nonce leaves memory, and its late repeat is found on disk") func lateRepeat() throws {
        let writer = try writer(now: 10_000)
        #expect(try commit(writer, callback("n", at: 10_000), now: 10_000) == .stored(sequence: 1))
        #expect(writer.nonceCount == 1)
        #expect(try commit(writer, callback("m", at: 11_000), now: 11_000) == .stored(sequence: 2))
        #expect(writer.nonceCount == 1, "only the second is in the window")
        #expect(try commit(writer, callback("n", at: 10_000, late: true), now: 11_000) == .duplicate)
        let forged = callback("n", at: 10_000, late: true).with { $0.signer = 2 }
        #expect(try commit(writer, forged, now: 11_000) == .reusedNonce)
        #expect(try commit(writer, callback("o", at: 10_000, late: true), now: 11_000) == .late)
    }

    @Test("every second of the window refuses a repeat") func wholeWindow() throws {
        for start in [10_000, 10_149, 10_150] as [Int64] {
            let writer = try writer(now: start)
            let ahead = callback("ahead \(start)", at: start + 300)
            #expect(try commit(writer, ahead, now: start) != .duplicate)
            for now in stride(from: start, through: start + 600, by: 25) {
                #expect(try commit(writer, ahead, now: now) == .duplicate, "at \(now)")
            }
        }
    }

    @Test("the window may become longer and shorter while callbacks come: what is stored is never new")
    func otherWindows() throws {
        let writer = try writer(now: 100_000)
        var stored: [(nonce: String, signedAt: Int64)] = []
        var now: Int64 = 100_000
        // 3600 after 1 is more buckets than are worth it.
        for tolerance in [300, 10, 1, 3600, 60, 3600, 300, 2, 1, 299] as [Int64] {
            now += 40
            try writer.reconfigure(toleranceSeconds: tolerance, nonceCapacity: 1000, now: now)
            for signedAt in [now - tolerance, now - tolerance / 2, now, now + tolerance] {
                let nonce = "\(tolerance) \(now) \(stored.count)"
                guard case .stored? = try commit(writer, callback(nonce, at: signedAt), now: now) else {
                    Issue.record("\(nonce) is new")
                    continue
                }
                stored.append((nonce, signedAt))
            }
            for (nonce, signedAt) in stored {
                let repeated = callback(nonce, at: signedAt, late: abs(now - signedAt) > tolerance)
                #expect(try commit(writer, repeated, now: now) == .duplicate, "\(nonce) with \(tolerance) s")
                let forged = repeated.with { $0.signer = 2 }
                #expect(try commit(writer, forged, now: now) == .reusedNonce, "\(nonce) with \(tolerance) s")
            }
        }
        #expect(writer.nonceCount <= stored.count)
    }

    @Test("the bound of nonces may become another one") func otherCapacity() throws {
        let writer = try writer(now: 10_000, capacity: 1)
        #expect(try commit(writer, callback("a", at: 10_000), now: 10_000) == .stored(sequence: 1))
        #expect(try commit(writer, callback("b", at: 10_000), now: 10_000) == .unavailable)
        try writer.reconfigure(toleranceSeconds: 300, nonceCapacity: 3, now: 10_000)
        #expect(try commit(writer, callback("b", at: 10_000), now: 10_000) == .stored(sequence: 2))
        try writer.reconfigure(toleranceSeconds: 300, nonceCapacity: 1, now: 10_000)
        #expect(try commit(writer, callback("b", at: 10_000), now: 10_000) == .duplicate, "none is forgotten for it")
        #expect(try commit(writer, callback("c", at: 10_000), now: 10_000) == .unavailable)
    }

    @Test("B24: a start reads the nonces of the window and no older ones") func rebuilding() throws {
        do {
            let writer = try writer(now: 10_000)
            for second in 0..<100 as Range<Int64> {
                let signedAt = 10_000 + second * 20
                _ = try commit(writer, callback("n\(second)", at: signedAt), now: signedAt)
            }
        }
        let writer = try writer(now: 11_980)
        // Signed from 11,680 on are 16; the bucket that begins before adds a few.
        #expect((16...24).contains(writer.nonceCount))
        #expect(try commit(writer, callback("n99", at: 11_980), now: 11_980) == .duplicate)
        #expect(try commit(writer, callback("n84", at: 11_680), now: 11_980) == .duplicate)
        #expect(try commit(writer, callback("n0", at: 10_000, late: true), now: 11_980) == .duplicate)
    }

    @Test("B8: a full memory takes nothing more, forgets nothing, and is free again with time") func full() throws {
        let writer = try writer(now: 10_000, capacity: 3)
        let first = ["a", "b", "c", "d"].map { callback($0, at: 10_000) }
        #expect(try commit(writer, first, now: 10_000).last == .unavailable)
        #expect(
            try commit(writer, first, now: 10_300) == [.duplicate, .duplicate, .duplicate, .unavailable])
        #expect(try commit(writer, callback("e", at: 10_600), now: 10_600) == .stored(sequence: 4))
        #expect(try commit(writer, callback("a", at: 10_000, late: true), now: 10_600) == .duplicate)
        #expect(try commit(writer, callback("d", at: 10_000, late: true), now: 10_600) == .late, "it was never stored")
    }

    @Test("B8: a start with more nonces than fit asks the disk for the rest") func startsFull() throws {
        let callbacks = (0..<10).map { callback("n\($0)", at: 10_000 + Int64($0)) }
        do { _ = try commit(writer(now: 10_000), callbacks, now: 10_010) }
        let writer = try writer(now: 10_010, capacity: 4)
        #expect(writer.nonceCount <= 4)
        #expect(try commit(writer, callbacks, now: 10_010) == callbacks.map { _ in .duplicate })
        let forged = callbacks.map { callback in callback.with { $0.signer = 2 } }
        #expect(try commit(writer, forged, now: 10_010) == callbacks.map { _ in .reusedNonce })
        #expect(try commit(writer, callback("new", at: 10_010), now: 10_010) == .unavailable)
        // What is older than memory reaches is decided on disk, within one batch, too.
        let older = callback("older", at: 9_900)
        #expect(try commit(writer, [older, older], now: 10_010) == [.stored(sequence: 11), .duplicate])
    }

    @Test("a clock set back opens no door", arguments: [100, 300, 450, 600, 5000, 100_000] as [Int64])
    func clockSetBack(_ distance: Int64) throws {
        let writer = try writer(now: 10_000)
        #expect(try commit(writer, callback("old", at: 10_000), now: 10_000) == .stored(sequence: 1))
        let later = 10_000 + distance
        #expect(try commit(writer, callback("new", at: later), now: later) == .stored(sequence: 2))
        // Back again: what was forgotten as outside is in the window.
        #expect(try commit(writer, callback("old", at: 10_000), now: 10_000) == .duplicate)
        #expect(try commit(writer, callback("old", at: 10_000).with { $0.signer = 2 }, now: 10_000) == .reusedNonce)
        let fresh = callback("fresh", at: 10_000)
        #expect(try commit(writer, [fresh, fresh], now: 10_000) == [.stored(sequence: 3), .duplicate])
        #expect(try commit(writer, fresh, now: 10_001) == .duplicate)
        // And forward.
        #expect(try commit(writer, callback("new", at: later), now: later) == .duplicate)
        #expect(try commit(writer, fresh.with { $0.isLate = distance > 300 }, now: later) == .duplicate)
    }
}
