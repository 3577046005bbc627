// A process that a test has started: its output, its end, and the certainty that it does not outlive the test.

import Foundation
import Glibc

/// How a process ended.
enum Ending: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    init(waitStatus status: Int32) {
        self = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }
}

/// A running program.
final class SpawnedProcess: Sendable {
    let pid: pid_t
    let output = Collected()
    let errors = Collected()
    private let end: ProcessEnd
    private let unreadOutput: Int32?

    /// Starts `executable` with nothing on its stdin and the signals as they are by default.
    ///
    /// - Parameters:
    ///   - readsOutput: false leaves its stdout unread, as a reader does that hangs; see `readOutput()`.
    ///   - stdout: where its stdout leads, if not into `output`.
    ///   - handing: descriptors that it gets as 3 and on.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], readsOutput: Bool = true,
        stdout: String? = nil, handing descriptors: [Int32] = []
    ) throws {
        let (outReading, outWriting) = try makePipe()
        let (errReading, errWriting) = try makePipe()
        defer {
            close(outWriting)
            close(errWriting)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let stdout {
            posix_spawn_file_actions_addopen(&actions, 1, stdout, O_WRONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, outWriting, 1)
        }
        posix_spawn_file_actions_adddup2(&actions, errWriting, 2)
        // From numbers so high that none is overwritten before it is copied.
        let copies = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 200) }
        defer { for copy in copies { close(copy) } }
        for (number, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, Int32(3 + number))
        }
        pid = try spawn(executable, arguments, environment, &actions)
        end = ProcessEnd(of: pid)
        errors.read(from: errReading)
        if readsOutput { output.read(from: outReading) }
        unreadOutput = readsOutput ? nil : outReading
    }

    deinit {
        signal(SIGKILL)
        _ = try? wait()
    }

    /// Begins to read the output of a process that was started with `readsOutput: false`. To be called once.
    func readOutput() {
        if let unreadOutput { output.read(from: unreadOutput) }
    }

    /// Sends a signal, unless the process has ended.
    func signal(_ number: Int32) { end.signal(number) }

    /// Waits for the process to end.
    func wait(seconds: Double = 60) throws -> Ending { try end.wait(seconds: seconds) }

    /// Waits for the end of the process and of its output.
    func finish() throws -> (ending: Ending, output: String, errors: String) {
        let ending = try wait()
        return (ending, try output.toEnd(), try errors.toEnd())
    }
}

private func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String],
    _ actions: inout posix_spawn_file_actions_t
) throws -> pid_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What runs the tests may ignore signals (Python does: SIGPIPE, SIGXFSZ), and a child would inherit that.
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var argv = ([executable] + arguments).map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw Failure("\(executable) cannot be started: \(String(cString: strerror(code)))") }
    return pid
}

/// Waits for a child on a thread of its own. A number that was given back to the system is never signalled.
private final class ProcessEnd: @unchecked Sendable {  // `ending`: only with `condition` locked
    private let condition = NSCondition()
    private let pid: pid_t
    private var ending: Ending?

    init(of pid: pid_t) {
        self.pid = pid
        Thread.detachNewThread { [self] in
            var info = siginfo_t()
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            condition.withLock {
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                ending = Ending(waitStatus: status)
                condition.broadcast()
            }
        }
    }

    func signal(_ number: Int32) {
        condition.withLock { if ending == nil { kill(pid, number) } }
    }

    func wait(seconds: Double) throws -> Ending {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let ending { return ending }
            guard condition.wait(until: deadline) else { throw Failure("process \(pid) did not end in \(seconds) s") }
        }
    }
}

/// The program under test: built beside the program that runs the tests.
func hookdExecutable() throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let beside = URL(filePath: tests).deletingLastPathComponent().appending(path: "hookd").path
    guard access(beside, X_OK) == 0 else { throw Failure("there is no \(beside): swift build first") }
    return beside
}

/// Runs hookd to its end.
func hookd(
    _ arguments: [String], environment: [String: String] = [:]
) throws -> (ending: Ending, output: String, errors: String) {
    try SpawnedProcess(try hookdExecutable(), arguments, environment: environment).finish()
}
