// Whether the loops turn, as the watchdog asks.

import Dispatch
import Synchronization
import Testing

@testable import Server

@Suite("The loops of a server") struct TurningTests {
    @Test("answer, idle or not, one or many", arguments: [1, 3]) func turning(_ shards: Int) throws {
        let running = try EchoServer(shards: shards)
        let turned = DispatchSemaphore(value: 0)
        for _ in 0..<10 {
            running.server.afterNextTurn { turned.signal() }
            #expect(turned.wait(timeout: .now() + .seconds(60)) == .success)
        }
    }

    @Test("do not while one of them is stuck, and do when it is free again") func stuck() throws {
        let running = try EchoServer(shards: 2)
        let held = DispatchSemaphore(value: 0), isHeld = DispatchSemaphore(value: 0)
        let turned = DispatchSemaphore(value: 0)
        running.server.shards[1].post { _ in
            isHeld.signal()
            held.wait()
        }
        isHeld.wait()
        running.server.afterNextTurn { turned.signal() }
        // The other one has long answered when it has turned once more.
        let other = DispatchSemaphore(value: 0)
        running.server.shards[0].post { _ in other.signal() }
        other.wait()
        #expect(turned.wait(timeout: .now()) == .timedOut)
        held.signal()
        #expect(turned.wait(timeout: .now() + .seconds(60)) == .success)
    }

    @Test("that have ended in order count as turning") func ended() throws {
        let running = try EchoServer(shards: 2)
        running.server.drain(deadline: .distantFuture)
        let turned = DispatchSemaphore(value: 0)
        running.server.afterNextTurn { turned.signal() }
        #expect(turned.wait(timeout: .now()) == .success)
    }
}
