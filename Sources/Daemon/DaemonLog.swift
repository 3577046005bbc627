// Where the daemon's log goes: lines on stderr, or the journal of systemd.

import Glibc
import Logging

/// The log of a daemon.
public struct DaemonLog: Sendable {
    /// Takes the messages.
    let logger: Logger
    /// The least severe that are logged, which a reload changes.
    let level: SharedLogLevel
    /// Nil where lines are written.
    private let journal: JournalWriter?

    /// A log with these settings. Where they name no format, the journal if systemd has connected stderr to it.
    public init(_ settings: Configuration.Log, environment: [String: String]) {
        level = SharedLogLevel(settings.level)
        let format = settings.format ?? (Self.isJournal(STDERR_FILENO, environment: environment) ? .journal : .text)
        guard format == .journal else {
            logger = settings.makeLogger(level: level)
            journal = nil
            return
        }
        let lines = LineLogHandler(
            settings, descriptor: STDERR_FILENO, level: level, nowMicroseconds: LineLogHandler.clock)
        let writer = JournalWriter()
        let handler = JournalLogHandler(writer, otherwise: lines)
        logger = Logger(label: "hookd") { _ in handler }
        journal = writer
    }

    /// Waits for what was logged to be written, up to two seconds.
    public func flush() { journal?.flush() }

    /// Whether `descriptor` is the stream to the journal that `$JOURNAL_STREAM` names by device and inode
    /// (systemd.exec(5)).
    static func isJournal(_ descriptor: Int32, environment: [String: String]) -> Bool {
        let numbers = environment["JOURNAL_STREAM"]?.split(separator: ":").map { UInt64($0) }
        var status = stat()
        guard let numbers, numbers.count == 2, fstat(descriptor, &status) == 0 else { return false }
        return numbers[0] == UInt64(status.st_dev) && numbers[1] == UInt64(status.st_ino)
    }
}
