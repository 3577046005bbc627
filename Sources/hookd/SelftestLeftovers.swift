// What must not outlive a selftest: its daemon and its directory, whether it ends by itself or by Ctrl-C.

import Dispatch
import Glibc
import Synchronization

/// How a process ended.
enum SelftestEnding: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    fileprivate init(waitStatus status: Int32) {
        self = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }

    var text: String {
        switch self {
        case .exited(let status): "with status \(status)"
        case .signalled(let number): "by signal \(number)"
        }
    }
}

/// Keeps the one child that runs at a time, and the directory.
final class SelftestLeftovers: Sendable {
    private let directory: String
    private let keeps: Bool
    /// The child that was started and not yet waited for: only then is its number sure to be its own.
    private let child = Mutex<pid_t?>(nil)
    private let signals = DispatchQueue(label: "hookd.selftest.signals")

    init(directory: String, keeps: Bool) {
        (self.directory, self.keeps) = (directory, keeps)
    }

    /// From now on SIGINT, SIGTERM and SIGHUP end the child, remove the directory, and then end this process as they
    /// would have. To be called before other threads are there, which inherit what is blocked here.
    func goWithSignals() {
        var blocked = Self.ending
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        signals.async { [self] in
            var set = Self.ending
            var number: Int32 = 0
            while sigwait(&set, &number) != 0 {}
            // The lock is kept: whoever would start, wait or report now has to wait for the end.
            child.withLock { child in
                if let pid = child { endAndReap(pid) }
                if !keeps { removeTree(directory) }
                signal(number, SIG_DFL)
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                kill(getpid(), number)
                _exit(128 + number)
            }
        }
    }

    /// The signals that end a program.
    private static var ending: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
        return set
    }

    /// Starts the child; none runs yet.
    func start(_ spawn: () throws -> pid_t) rethrows -> pid_t {
        try child.withLock { child in
            let pid = try spawn()
            child = pid
            return pid
        }
    }

    /// Sends the child a signal.
    func signalChild(_ number: Int32) {
        child.withLock { if let pid = $0 { kill(pid, number) } }
    }

    /// Waits for the child's end.
    func awaitChild(_ pid: pid_t) -> SelftestEnding {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return child.withLock { child in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            child = nil
            return SelftestEnding(waitStatus: status)
        }
    }

    /// Ends what still runs, and removes the directory, unless it is to be kept. Returns whether it is still there.
    @discardableResult func finish(keepsAnyway: Bool) -> Bool {
        child.withLock { child in
            if let pid = child { endAndReap(pid) }
            child = nil
            let isKept = keeps || keepsAnyway
            if !isKept { removeTree(directory) }
            return isKept
        }
    }

    private func endAndReap(_ pid: pid_t) {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
}
