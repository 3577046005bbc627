// The daemon of a selftest: this very program, as a child.

import Dispatch
import Glibc

/// A daemon that listens.
final class SelftestDaemon {
    let port: UInt16
    private let pid: pid_t
    private let leftovers: SelftestLeftovers

    /// How long a start may take before it is given up, in milliseconds.
    private static let patience: Int32 = 60_000

    /// Starts a daemon, and waits until it says where it listens. What it logs goes into a file.
    init(in home: SelftestHome, _ leftovers: SelftestLeftovers) throws {
        self.leftovers = leftovers
        let log = open(home.logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var ends: [Int32] = [-1, -1]
        guard log >= 0, pipe(&ends) == 0 else {
            throw failure("no pipe or log could be opened: \(String(cString: strerror(errno))).")
        }
        let (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        do {
            defer { close(writing) }
            pid = try leftovers.start { try spawnServe(home.configurationPath, errors: writing) }
        }
        var said: [UInt8] = []
        var found: UInt16?
        while found == nil, let piece = Self.read(reading, within: Self.patience) {
            said += piece
            _ = Glibc.write(log, piece, piece.count)
            found = listeningPort(in: said)
        }
        guard let found else {
            close(reading)
            close(log)
            throw failure("hookd did not start; \(home.logPath) tells why.")
        }
        port = found
        // Read to its end, or the daemon would find its pipe full.
        DispatchQueue(label: "hookd.selftest.log").async {
            while let piece = Self.read(reading, within: -1) { _ = Glibc.write(log, piece, piece.count) }
            close(reading)
            close(log)
        }
    }

    /// Sends a signal, and waits for the end.
    func end(by signal: Int32) -> SelftestEnding {
        leftovers.signalChild(signal)
        return leftovers.awaitChild(pid)
    }

    /// The next bytes; nil at the end, or when the time is over.
    private static func read(_ descriptor: Int32, within milliseconds: Int32) -> [UInt8]? {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let count = poll(&ready, 1, milliseconds)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            var piece = [UInt8](repeating: 0, count: 4096)
            let length = Glibc.read(descriptor, &piece, piece.count)
            if length < 0, errno == EINTR { continue }
            return length > 0 ? Array(piece[..<length]) : nil
        }
    }
}

/// The port in the line that says where hookd listens, once the line is there.
private func listeningPort(in log: [UInt8]) -> UInt16? {
    let text = String(decoding: log, as: UTF8.self)
    guard let start = text.firstRange(of: "hookd listening on 127.0.0.1:")?.upperBound else { return nil }
    let digits = text[start...].prefix { $0.isNumber }
    return digits.endIndex == text.endIndex ? nil : UInt16(digits)
}

private func spawnServe(_ configuration: String, errors: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A process group of its own: Ctrl-C is for the selftest, which ends its daemon itself.
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
    posix_spawnattr_setflags(&attributes, Int16(flags))
    let words: [String] = ["hookd", "serve", "--config", configuration]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &arguments, environ)
    guard code == 0 else { throw failure("hookd cannot be started: \(String(cString: strerror(code))).") }
    return pid
}
