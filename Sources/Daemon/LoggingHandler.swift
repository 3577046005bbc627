// The handler behind swift-log: one line for a message, one write(2) for a line.

import CLinux
import Glibc
import Logging
import Synchronization

/// Writes messages as lines to a descriptor, standard error in the daemon: standard output belongs to the events.
public struct LineLogHandler: LogHandler {
    /// What every line of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// What lines carry besides, asked anew for each.
    public var metadataProvider: Logger.MetadataProvider?
    /// The least severe messages that are written: those of the daemon, unless another level was set here.
    public var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.level }
        set { ownLevel = newValue }
    }

    private var ownLevel: Logger.Level?
    private let sharedLevel: SharedLogLevel
    private let format: LogFormat
    private let descriptor: Int32
    private let nowMicroseconds: @Sendable () -> Int64
    private let lost = LostLines()

    /// A handler for `settings`.
    ///
    /// - Parameters:
    ///   - descriptor: where lines go. It stays open for as long as the handler is used.
    ///   - level: the level that can be changed while the handler is used; nil for that of `settings`, which stays.
    ///   - nowMicroseconds: the time that lines carry, in microseconds since 1970 (UTC).
    public init(
        _ settings: Configuration.Log, descriptor: Int32, level: SharedLogLevel? = nil,
        nowMicroseconds: @escaping @Sendable () -> Int64
    ) {
        sharedLevel = level ?? SharedLogLevel(settings.level)
        format = settings.format ?? .text
        (self.descriptor, self.nowMicroseconds) = (descriptor, nowMicroseconds)
    }

    /// The system's clock, in microseconds since 1970 (UTC).
    public static let clock: @Sendable () -> Int64 = { clinux_wall_microseconds() }

    /// One value of `metadata`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line. One that cannot be written at once is lost, and the next that can says so.
    public func log(event: LogEvent) {
        let fields = event.fields(beside: metadata, metadataProvider)
        write(level: event.level, event.message.description, fields)
    }

    /// Writes one line.
    func write(level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        var fields = metadata
        let lostBefore = lost.take()
        if lostBefore > 0 { fields["lines_lost"] = .stringConvertible(lostBefore) }
        var line = format.line(
            microseconds: nowMicroseconds(), level: level, message: message, metadata: fields)
        line += "\n"
        if !line.withUTF8(write) { lost.add(lostBefore + 1) }
    }

    /// One write(2) for a line of up to 4096 bytes, so that lines of two threads do not mix. Never blocks: the threads
    /// that log are those that answer, store and deliver, and a reader that stopped reading must not stop them. A pipe
    /// that poll(2) calls writable takes 4096 bytes (PIPE_BUF).
    ///
    /// - Returns: false if nobody reads.
    private func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            var target = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&target, 1, 0) == 1 else { return false }
            let count = Glibc.write(descriptor, rest.baseAddress, min(rest.count, 4096))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }
}

extension LogEvent {
    /// What the line carries: the logger's own, what is asked anew for each, what came with the message.
    func fields(beside own: Logger.Metadata, _ provider: Logger.MetadataProvider?) -> Logger.Metadata {
        var fields = own
        if let provided = provider?.get() { fields.merge(provided) { $1 } }
        if let metadata { fields.merge(metadata) { $1 } }
        if let error { fields["error"] = .string("\(error)") }
        return fields
    }
}

/// The least severe messages that are logged, which a reload changes. Safe from any thread.
public final class SharedLogLevel: Sendable {
    private let number: Atomic<Int>

    /// Begins with `level`.
    public init(_ level: LogLevel) {
        number = Atomic(Self.number(of: level))
    }

    /// Changes it.
    func set(_ level: LogLevel) { number.store(Self.number(of: level), ordering: .relaxed) }

    /// The level by its name in swift-log.
    var level: Logger.Level {
        let levels = LogLevel.allCases, index = number.load(ordering: .relaxed)
        return Logger.Level(rawValue: levels[index].rawValue) ?? .info
    }

    private static func number(of level: LogLevel) -> Int { LogLevel.allCases.firstIndex(of: level) ?? 0 }
}

/// How many lines were dropped because nobody read them.
final class LostLines: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ lines: Int) { count.add(lines, ordering: .relaxed) }

    /// Takes the number, which is then zero.
    func take() -> Int { count.exchange(0, ordering: .relaxed) }
}

extension Configuration.Log {
    /// A logger with these settings, which needs no `LoggingSystem.bootstrap`.
    ///
    /// - Parameters:
    ///   - descriptor: where lines go. It stays open for as long as the logger is used.
    ///   - level: the level that can be changed while the logger is used; nil for that of these settings.
    ///   - nowMicroseconds: the time that lines carry, in microseconds since 1970 (UTC).
    public func makeLogger(
        descriptor: Int32 = STDERR_FILENO, level: SharedLogLevel? = nil,
        nowMicroseconds: @escaping @Sendable () -> Int64 = LineLogHandler.clock
    ) -> Logger {
        let handler = LineLogHandler(
            self, descriptor: descriptor, level: level, nowMicroseconds: nowMicroseconds)
        return Logger(label: "hookd") { _ in handler }
    }
}
