// What may be said to the service manager, and in which state of the daemon.

import Synchronization
import Testing

@testable import Daemon
@testable import Delivery

@Suite("What is said to the service manager") struct ServiceManagerTests {
    /// What was said, in order.
    private final class Said: Sendable {
        private let words = Mutex<[String]>([])
        func add(_ datagram: String) { words.withLock { $0.append(datagram) } }
        var all: [String] { words.withLock { $0 } }
    }

    private func said(_ body: (ServiceManager) -> Void) -> [String] {
        let said = Said()
        let manager = ServiceManager { said.add($0) }
        body(manager)
        manager.flush()
        return said.all
    }

    @Test("a reload before the start is over does not end it, nor one after the stop has begun") func reloads() {
        let words = said { manager in
            manager.reloading()
            manager.reloaded(nil)
            manager.ready()
            manager.ready()
            manager.stopping("ends", patience: .seconds(1))
            manager.reloading()
            manager.reloaded("x")
            manager.status("y")
            manager.ready()
            manager.stopping("again", patience: .seconds(1))
        }
        #expect(words == ["READY=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000\nSTATUS=ends"])
    }

    @Test("a reload that a stop overtakes says nothing more") func overtaken() {
        let words = said { manager in
            manager.ready()
            manager.reloading()
            manager.stopping("ends", patience: .seconds(1))
            manager.reloaded(nil)
        }
        #expect(words.map { $0.split(separator: "\n")[0] } == ["READY=1", "RELOADING=1", "STOPPING=1"])
    }

    @Test("a status is said when it changes, in one line, of a length that gets through") func status() {
        let long = String(repeating: "é", count: 5000)
        let words = said { manager in
            manager.notReadyYet("a\nREADY=1", patience: .seconds(20))
            manager.ready()
            for text in ["a", "a", "b\nWATCHDOG=1\u{7}", long] { manager.status(text) }
        }
        #expect(words[0] == "STATUS=not ready: a READY=1\nEXTEND_TIMEOUT_USEC=20000000")
        #expect(words[1...3] == ["READY=1", "STATUS=a", "STATUS=b WATCHDOG=1\\u0007"])
        #expect(words[4].utf8.count < 4096 && words.count == 5)
    }

    @Test("without a socket there is nobody to say it to", arguments: [nil, ""]) func nobody(_ socket: String?) {
        #expect(ServiceManager(environment: socket.map { ["NOTIFY_SOCKET": $0] } ?? [:]) == nil)
    }

    // MARK: The status

    struct Row: Sendable, CustomTestStringConvertible {
        let status: ServiceStatus, text: String
        var testDescription: String { text }
    }

    private static func sink(_ name: String, lag: Int64, error: String? = nil, isPaused: Bool = false) -> SinkStatus {
        SinkStatus(
            name: name, cursor: 0, durableCursor: 0, lag: lag, lastError: error, retryingSince: error.map { _ in 1 },
            isPaused: isPaused)
    }

    @Test(
        arguments: [
            Row(status: ServiceStatus(), text: "no events"),
            Row(
                status: ServiceStatus(storedPerSecond: 0.2, sinks: [sink("a", lag: 0), sink("b", lag: 0)]),
                text: "less than 1 event a second; sinks are up to date"),
            Row(
                status: ServiceStatus(storedPerSecond: 24.6, sinks: [sink("a", lag: 1), sink("b", lag: 0)]),
                text: "25 events a second; sink a is 1 event behind"),
            Row(
                status: ServiceStatus(
                    storedPerSecond: 1, refusedPerSecond: 3.5,
                    sinks: [sink("crm", lag: 42, error: "401", isPaused: true), sink("b", lag: 7, error: "down")]),
                text: "1 event a second, 4 callbacks a second answered 503; sink crm is paused (401); "
                    + "sink b fails (down); sink crm is 42 events behind"),
            Row(
                status: ServiceStatus(refusedReload: (at: 1_795_459_200_000_000, reason: "one\ntwo\nthree")),
                text: "no events; the reload of 2026-11-23T18:40:00Z was refused: one (and 2 more)"),
        ]) func statusText(_ row: Row)
    {
        #expect(row.status.text == row.text)
    }
}
