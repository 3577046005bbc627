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
            // Selftest runs on the main thread. Nobody else ends the daemon after a kill -9.
            pid = try leftovers.start {
                try startBoundChild(
                    "/proc/self/exe", ["hookd", "serve", "--config", home.configurationPath], errors: writing)
            }
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
