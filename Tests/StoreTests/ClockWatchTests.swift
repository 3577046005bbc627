// Whether the clock is believed, and how much is deleted at once: both with times of the tests' own.

import Foundation
import Testing

@testable import Store

@Suite("A clock that jumps") struct ClockWatchTests {
    /// The wall clock is at 1,000,000 s when the monotonic one is at 5,000 s.
    private func watch() -> ClockWatch {
        ClockWatch(wallMicroseconds: 1_000_000_000_000, monotonicNanoseconds: 5_000_000_000_000)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        /// What the clocks have moved since, in seconds.
        let wall: Int64, monotonic: Int64
        let jump: Int64?
        let why: String
        var testDescription: String { why }
    }

    @Test(
        "is noticed when it jumps ahead",
        arguments: [
            Case(wall: 0, monotonic: 0, jump: nil, why: "nothing has happened"),
            Case(wall: 86_400, monotonic: 86_400, jump: nil, why: "a day has gone by"),
            Case(wall: 160, monotonic: 100, jump: nil, why: "corrected by a minute"),
            Case(wall: 161, monotonic: 100, jump: 61, why: "more than a minute ahead"),
            Case(wall: 3_000_000_000, monotonic: 100, jump: 2_999_999_900, why: "to another century"),
            Case(wall: -86_400, monotonic: 100, jump: nil, why: "set back: events only seem younger"),
        ]) func jumps(_ c: Case)
    {
        var watch = watch()
        let hasChanged = watch.look(
            wallMicroseconds: (1_000_000 + c.wall) * 1_000_000,
            monotonicNanoseconds: (5000 + c.monotonic) * 1_000_000_000)
        #expect(watch.jumpSeconds == c.jump)
        #expect(hasChanged == (c.jump != nil))
    }

    @Test("is told of once, stays disbelieved, and is believed when it comes back") func comesBack() {
        var watch = watch()
        func look(_ wall: Int64, _ monotonic: Int64) -> Bool {
            watch.look(
                wallMicroseconds: (1_000_000 + wall) * 1_000_000,
                monotonicNanoseconds: (5000 + monotonic) * 1_000_000_000)
        }
        #expect(look(3600, 1))
        #expect(!look(7200, 3601), "an hour later it is still an hour ahead")
        #expect(watch.jumpSeconds == 3599)
        #expect(look(3602, 3602))
        #expect(watch.jumpSeconds == nil)
    }

    @Test("is believed where a signature confirms it, and watched from there") func confirmed() {
        var watch = watch()
        _ = watch.look(wallMicroseconds: 1_003_600_000_000, monotonicNanoseconds: 5_001_000_000_000)
        watch.confirm(wallMicroseconds: 1_003_600_000_000, monotonicNanoseconds: 5_001_000_000_000)
        #expect(watch.jumpSeconds == nil)
        _ = watch.look(wallMicroseconds: 1_003_700_000_000, monotonicNanoseconds: 5_101_000_000_000)
        #expect(watch.jumpSeconds == nil)
        _ = watch.look(wallMicroseconds: 1_004_700_000_000, monotonicNanoseconds: 5_101_000_000_000)
        #expect(watch.jumpSeconds == 1000)
    }

    @Test("deletes nothing until a callback that is stored in time confirms it") func pauses() throws {
        let directory = try TemporaryDirectory()
        var options = SQLiteEventStore.Options(toleranceSeconds: 1)
        options.retention = Retention(sizeBytes: 1)
        let notices = Notices()
        let store = try openStore(directory, options, notices)
        let old = (0..<3).map { index in
            Callback("n\(index)").with {
                $0.signedAt -= 1000
                $0.isLate = true
                $0.lateTreatment = .accept
            }
        }
        // The clock seems to have jumped: it is believed to have been an hour behind.
        let now = Int64(time(nil)) * 1_000_000
        store.queue.sync {
            store.upkeep.clock = ClockWatch(wallMicroseconds: now - 3_600_000_000, monotonicNanoseconds: monotonicNow())
        }
        _ = store.outcomes(of: old)
        store.queue.sync { store.doUpkeep() }
        #expect(notices.texts == ["retention paused"])
        #expect(try store.allEvents().count == 3)
        let others = old.map { callback in callback.with { $0.nonce += "x" } }
        _ = store.outcomes(of: others)
        store.queue.sync { store.doUpkeep() }
        #expect(try EventReader(stateDirectory: directory.path).all.count == 6, "late ones confirm nothing")
        _ = store.outcome(of: Callback("fresh"))
        store.queue.sync { store.doUpkeep() }
        #expect(notices.texts.prefix(2) == ["retention paused", "retention resumed"])
        #expect(try EventReader(stateDirectory: directory.path).all.map(\.nonce) == ["fresh"])
    }

    private func monotonicNow() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

@Suite("A step of deleting") struct StepPacingTests {
    @Test("grows while it is quick, and shrinks by as much as it was too slow") func paces() {
        var pacing = StepPacing()
        let first = pacing.limit
        pacing.took(nanoseconds: 1_000_000)
        #expect(pacing.limit > first)
        for _ in 0..<50 { pacing.took(nanoseconds: 1000) }
        let most = pacing.limit
        pacing.took(nanoseconds: 1000)
        #expect(pacing.limit == most, "there is an upper bound")
        pacing.took(nanoseconds: 4_000_000)
        #expect(pacing.limit == most, "as long as it should be")
        pacing.took(nanoseconds: 6_000_000)
        #expect(pacing.limit == most / 2)
        pacing.took(nanoseconds: 500_000_000)
        #expect(pacing.limit <= most / 2 / 100)
        for _ in 0..<50 { pacing.took(nanoseconds: 1_000_000_000) }
        #expect(pacing.limit == 1, "one at least")
    }
}
