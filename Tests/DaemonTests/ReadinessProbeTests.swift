// Asking a store whether it takes callbacks, when it answers and when it hangs.

import Dispatch
import Synchronization
import Testing

@testable import Daemon

@Suite("Asking whether callbacks are stored") struct ReadinessProbeTests {
    @Test("passes on what the store says", arguments: [nil, "the disk is full"]) func answers(_ problem: String?) {
        #expect(ReadinessProbe { problem }.problem() == problem)
    }

    @Test("asks a store that hangs once, however often it is asked itself") func hangs() {
        let asked = Atomic<Int>(0)
        let release = DispatchSemaphore(value: 0)
        let probe = ReadinessProbe {
            asked.add(1, ordering: .relaxed)
            release.wait()
            return nil
        }
        #expect(probe.problem()?.contains("does not answer") == true)
        #expect(probe.problem()?.contains("does not answer") == true)
        #expect(asked.load(ordering: .relaxed) == 1)
        release.signal()
        #expect(probe.problem() == nil, "the answer to the first question, or to another one")
        release.signal()
    }

    @Test("does not wear out the disk where it is asked in a loop") func loops() {
        let asked = Atomic<Int>(0)
        let probe = ReadinessProbe {
            asked.add(1, ordering: .relaxed)
            return nil
        }
        for _ in 0..<1000 { _ = probe.problem() }
        #expect(asked.load(ordering: .relaxed) < 1000)
    }
}
