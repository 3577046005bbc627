// stdout and stderr as hookd's commands use them: written whole, and a reader that went away is no error.

import Glibc

/// Where a command's output goes. SIGPIPE must be ignored, as `Hookd.main` sees to.
struct Output {
    /// For what was asked.
    static let standard = Output(descriptor: STDOUT_FILENO)
    /// For what went wrong.
    static let error = Output(descriptor: STDERR_FILENO)

    let descriptor: Int32

    /// Whether a person looks at it.
    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// How many columns the terminal has; nil where it is none or does not say.
    var columns: Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Whether colours are welcome: on a terminal that knows them, unless NO_COLOR is set (https://no-color.org).
    var takesColours: Bool {
        isTerminal && (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb"
    }

    /// Whether nobody reads it any more.
    var hasEnded: Bool {
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) > 0 && state.revents != 0
    }

    /// Writes all of `text`.
    ///
    /// - Returns: false where nobody reads any more (EPIPE): the command may end, and nothing went wrong.
    @discardableResult func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes all of `bytes`, like `write(_ text:)`.
    func write(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { write($0) } }

    /// Writes all of `bytes`, like `write(_ text:)`, for as long as a slow reader is waited for.
    ///
    /// - Returns: false also where a signal wants the command to end and nobody reads: a part may be written.
    func write(_ bytes: [UInt8], orFor signals: SignalWatcher) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let isInterrupted = signals.isInterrupted
            var waited = [
                pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waited, nfds_t(waited.count), isInterrupted ? 0 : -1)
            if waited[0].revents != 0 {
                // A pipe that has room takes so much without keeping us (pipe(7)).
                guard write(Array(rest.prefix(4096))) else { return false }
                rest = rest.dropFirst(4096)
            } else if isInterrupted {
                return false
            }
        }
        return true
    }

    /// Writes `line` and a newline.
    @discardableResult func write(line: String) -> Bool { write(line + "\n") }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EPIPE {
                return false
            } else if errno == EAGAIN {
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&room, 1, -1)
            } else if errno != EINTR {
                // What is missing now nobody would notice: an export onto a full disk must not look whole.
                fail(errno)
            }
        }
        return true
    }
}

extension Output {
    private func fail(_ code: Int32) -> Never {
        let text = "hookd: the output could not be written: \(String(cString: strerror(code)))\n"
        _ = text.withCString { Glibc.write(STDERR_FILENO, $0, strlen($0)) }
        exit(EXIT_FAILURE)
    }
}

/// The value of an environment variable; nil where it is not set.
func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}
