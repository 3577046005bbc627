// What is told to systemd, by sd_notify(3): ready, reloading, stopping, how it is, that it lives. Here it is seen to
// that nothing contradicts what was said before.

import CLinux
import CSystemd
import Dispatch
import Synchronization

/// The one that started the daemon and waits for word from it. Safe from any thread; never blocks.
final class ServiceManager: Sendable {
    /// How far the daemon has come, as it was said.
    private enum Phase { case starting, ready, stopping }

    private struct Said {
        var phase = Phase.starting
        var status = ""
    }

    /// The longest status in characters. A datagram of more than 4096 bytes is thrown away whole.
    static let statusLimit = 1000

    private let said = Mutex(Said())
    private let send: @Sendable (String) -> Void
    /// Words leave in the order in which they were spoken, and a manager that does not read holds up nobody else.
    private let queue = DispatchQueue(label: "hookd.notify", qos: .userInitiated)

    /// - Parameter send: passes on one datagram.
    init(send: @escaping @Sendable (String) -> Void) {
        self.send = send
    }

    /// The one that `$NOTIFY_SOCKET` names; nil where nobody waits for word.
    convenience init?(environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        self.init { _ = sd_notify(0, $0) }
    }

    /// Callbacks are taken from now on.
    func ready() {
        say { said in
            guard said.phase == .starting else { return nil }
            said.phase = .ready
            return ["READY=1"]
        }
    }

    /// Callbacks are not taken yet, and it is no use to end the daemon for that.
    ///
    /// - Parameter patience: by when the next word comes.
    func notReadyYet(_ reason: String, patience: Duration) {
        say { said in
            guard said.phase == .starting else { return nil }
            return Self.change(&said.status, to: "not ready: \(reason)") + [Self.extension(patience)]
        }
    }

    /// Another configuration is being read. `reloaded(_:)` must follow.
    func reloading() {
        // The manager compares it with the time of its own signal, so it is taken now and goes in the same datagram.
        let now = clinux_monotonic_nanoseconds() / 1000
        say { $0.phase == .ready ? ["RELOADING=1", "MONOTONIC_USEC=\(now)"] : nil }
    }

    /// The other configuration is in force, or it was refused.
    ///
    /// - Parameter status: how the daemon is, if that can be said.
    func reloaded(_ status: String?) {
        say { said in
            guard said.phase == .ready else { return nil }
            return ["READY=1"] + (status.map { Self.change(&said.status, to: $0) } ?? [])
        }
    }

    /// No callbacks are taken any more. Once.
    ///
    /// - Parameter patience: by when the next word comes.
    func stopping(_ status: String, patience: Duration) {
        say { said in
            guard said.phase != .stopping else { return nil }
            said.phase = .stopping
            return ["STOPPING=1", Self.extension(patience)] + Self.change(&said.status, to: status)
        }
    }

    /// How the daemon is, on one line for people. What was said already is not said again.
    func status(_ text: String) {
        say { $0.phase == .ready ? Self.change(&$0.status, to: text) : nil }
    }

    /// Asks not to be ended while something takes its time.
    func extendTimeout(by patience: Duration) { say { _ in [Self.extension(patience)] } }

    /// The event loops turn.
    func isAlive() { say { _ in ["WATCHDOG=1"] } }

    /// Waits until everything is said, up to a second.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(1))
    }

    /// Says what `words` makes of what was said before, as one datagram.
    private func say(_ words: (inout Said) -> [String]?) {
        // Into the queue with the lock held: else two could change places in between.
        said.withLock { said in
            guard let words = words(&said), !words.isEmpty else { return }
            queue.async { [send] in send(words.joined(separator: "\n")) }
        }
    }

    private static func change(_ status: inout String, to text: String) -> [String] {
        let text = oneLine(text)
        if text == status { return [] }
        status = text
        return ["STATUS=\(text)"]
    }

    private static func `extension`(_ patience: Duration) -> String {
        "EXTEND_TIMEOUT_USEC=\(Int64(patience / .microseconds(1)))"
    }

    /// A newline in it would begin another word.
    private static func oneLine(_ text: String) -> String {
        let line = escapingControls(text.split(separator: "\n").joined(separator: " "))
        let start = line.unicodeScalars.prefix(statusLimit)
        return start.endIndex == line.endIndex ? line : String(start) + "…"
    }
}
