// `hookd tail --exec`: a command for each event, again and again until it succeeds.

import CLinux
import Daemon
import FoundationEssentials
import Glibc

/// What a command waits with while it waits for a child, a time or a signal.
protocol Waiting {
    /// Waits until a child has ended, a signal has come, or the time is over; it may be over early.
    func wait(milliseconds: Int32)
    /// Whether somebody wants the command to end.
    var isInterrupted: Bool { get }
    /// Whether somebody wants it to end at once.
    var isPressed: Bool { get }
}

/// Signals as a descriptor: SIGCHLD, and those that end a command.
final class SignalWatcher: Waiting {
    let descriptor: Int32
    private var interruptions = 0

    /// From now on SIGINT, SIGTERM and SIGHUP are told here, instead of ending the process.
    init() throws {
        descriptor = clinux_signal_descriptor()
        guard descriptor >= 0 else { throw failure("signals cannot be watched: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    var isInterrupted: Bool {
        read()
        return interruptions > 0
    }

    var isPressed: Bool {
        read()
        return interruptions > 1
    }

    func wait(milliseconds: Int32) {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&waited, 1, milliseconds)
        read()
    }

    private func read() {
        while true {
            let signal = clinux_next_signal(descriptor)
            if signal == 0 { return }
            if signal != SIGCHLD { interruptions += 1 }
        }
    }
}

/// Runs a shell command for events.
struct EventRunner {
    /// How long to wait after a failure, in milliseconds: twice as long each time.
    private static let firstPause: Int32 = 1000, longestPause: Int32 = 60_000

    let command: String

    /// Runs the command until it exits with 0, with the event's line on its stdin.
    ///
    /// - Returns: false where the wait was interrupted before that.
    func run(_ line: [UInt8], _ waiting: some Waiting) throws -> Bool {
        let event = Attributes(line)
        var pause = Self.firstPause
        while true {
            guard let problem = try attempt(line, event, waiting) else { return true }
            guard !waiting.isInterrupted else { return false }
            Output.error.write(
                line: "hookd: event \(event.sequence): the command \(problem); again in \(pause / 1000) s")
            let end = clinux_monotonic_nanoseconds() + Int64(pause) * 1_000_000
            while clinux_monotonic_nanoseconds() < end {
                waiting.wait(milliseconds: Int32((end - clinux_monotonic_nanoseconds()) / 1_000_000) + 1)
                if waiting.isInterrupted { return false }
            }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// - Returns: what went wrong; nil for success.
    private func attempt(_ line: [UInt8], _ event: Attributes, _ waiting: some Waiting) throws -> String? {
        let child = try start(line, event)
        var status: Int32 = 0
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { break }
            // Whoever does not know how it ended must not take it for a success.
            if ended < 0, errno != EINTR { return "cannot be waited for: \(String(cString: strerror(errno)))" }
            waiting.wait(milliseconds: 1000)
            // Ctrl-C reaches the command as well: what it makes of that is its business, and is waited for once.
            if waiting.isPressed { throw failure("the command for event \(event.sequence) was left running.") }
        }
        if status & 0x7f != 0 { return "was ended by signal \(status & 0x7f)" }
        let code = status >> 8 & 0xff
        return code == 0 ? nil : "exited with \(code)"
    }

    private func start(_ line: [UInt8], _ event: Attributes) throws -> pid_t {
        let input = clinux_memory_file(line, line.count)
        guard input >= 0 else { throw failure("no memory for an event: \(String(cString: strerror(errno)))") }
        defer { close(input) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What we ignore and hold back is our own business, and a child would inherit it.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let words: [String] = ["/bin/sh", "-c", command]
        var argv = words.map { strdup($0) } + [nil]
        var envp = environment(event).map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, "/bin/sh", &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw failure("/bin/sh cannot be started: \(String(cString: strerror(code)))") }
        return child
    }

    private func environment(_ event: Attributes) -> [String] {
        let own = event.variables
        let inherited = ProcessInfo.processInfo.environment.filter { own[$0.key] == nil }
        return (inherited.map { "\($0.key)=\($0.value)" } + own.map { "\($0.key)=\($0.value)" })
    }

    /// What a command is told of an event besides its line.
    struct Attributes: Decodable {
        var id = ""
        var type = ""
        var sequence = ""
        var subject: String?

        /// Reads a CloudEvents line of ours.
        init(_ line: [UInt8]) {
            if let found = try? JSONDecoder().decode(Attributes.self, from: Data(line)) { self = found }
        }

        /// A NUL would end a value in between: one that has any is left out.
        var variables: [String: String] {
            let all = [
                "HOOKD_EVENT_ID": id, "HOOKD_EVENT_TYPE": type, "HOOKD_SEQUENCE": sequence,
                "HOOKD_EVENT_SUBJECT": subject ?? "",
            ]
            return all.filter { !$0.value.utf8.contains(0) }
        }
    }
}
