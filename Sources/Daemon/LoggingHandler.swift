// The handler behind swift-log: one line for a message, one write(2) for a line.

import Glibc
import Logging

/// Writes messages as lines to a descriptor, standard error in the daemon: standard output belongs to the events.
public struct LineLogHandler: LogHandler {
    /// What every line of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// What lines carry besides, asked anew for each.
    public var metadataProvider: Logger.MetadataProvider?
    /// The least severe messages that are written.
    public var logLevel: Logger.Level

    private let format: LogFormat
    private let descriptor: Int32
    private let nowMicroseconds: @Sendable () -> Int64

    /// A handler for `settings`.
    ///
    /// - Parameters:
    ///   - descriptor: where lines go. It stays open for as long as the handler is used.
    ///   - nowMicroseconds: the time that lines carry, in microseconds since 1970 (UTC).
    public init(
        _ settings: Configuration.Log, descriptor: Int32, nowMicroseconds: @escaping @Sendable () -> Int64
    ) {
        logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        format = settings.format
        (self.descriptor, self.nowMicroseconds) = (descriptor, nowMicroseconds)
    }

    /// The system's clock, in microseconds since 1970 (UTC).
    public static let clock: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// One value of `metadata`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line. A line that cannot be written is lost: there is nowhere to complain.
    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        if let error = event.error { fields["error"] = .string("\(error)") }
        var line = format.line(
            microseconds: nowMicroseconds(), level: event.level, message: event.message.description, metadata: fields)
        line += "\n"
        line.withUTF8(write)
    }

    /// One write(2), so that lines of two threads do not mix. More follow only where the kernel took a part.
    private func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}

extension Configuration.Log {
    /// A logger with these settings, which needs no `LoggingSystem.bootstrap`.
    ///
    /// - Parameters:
    ///   - descriptor: where lines go. It stays open for as long as the logger is used.
    ///   - nowMicroseconds: the time that lines carry, in microseconds since 1970 (UTC).
    public func makeLogger(
        descriptor: Int32 = STDERR_FILENO,
        nowMicroseconds: @escaping @Sendable () -> Int64 = LineLogHandler.clock
    ) -> Logger {
        let handler = LineLogHandler(self, descriptor: descriptor, nowMicroseconds: nowMicroseconds)
        return Logger(label: "hookd") { _ in handler }
    }
}
