// Logging of what a stranger can cause as often as they like, such as refused callbacks: the first at once, then
// one line in a while with the number of those left out.

import Logging
import Synchronization

/// Logs messages by class, each class at most once in an interval. Safe from any thread.
public final class RateLimitedLog: Sendable {
    /// The most classes. Beyond it all are one, so that a class made of text from outside does not fill the memory.
    public static let classLimit = 256

    private struct Class {
        var nextAt: ContinuousClock.Instant
        var suppressed = 0
        /// The level of the last message that was left out.
        var level: Logger.Level
        var kind: LogKind?
    }

    private let logger: Logger
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let classes = Mutex<[String: Class]>([:])

    /// A log that lets one message of each class through in `interval`.
    ///
    /// - Parameter now: a clock that never goes back.
    public init(
        _ logger: Logger, interval: Duration = .seconds(10),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        (self.logger, self.interval, self.now) = (logger, interval, now)
    }

    /// Logs `message`, or counts it where one of the same class was logged less than an interval ago. A line after
    /// some that were left out carries their number as `suppressed`.
    func log(
        _ name: String, level: Logger.Level, kind: LogKind? = nil, _ message: @autoclosure () -> Logger.Message,
        metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard level >= logger.logLevel else { return }
        let now = now()
        let suppressed: Int? = classes.withLock { classes in
            let name = classes[name] != nil || classes.count < Self.classLimit ? name : "other"
            if let nextAt = classes[name]?.nextAt, now < nextAt {
                classes[name]?.suppressed += 1
                classes[name]?.level = level
                return nil
            }
            let suppressed = classes[name]?.suppressed ?? 0
            classes[name] = Class(nextAt: now + interval, level: level, kind: kind)
            return suppressed
        }
        guard let suppressed else { return }
        var fields = metadata()
        if let kind { fields[LogKind.key] = .stringConvertible(kind) }
        if suppressed > 0 { fields["suppressed"] = .stringConvertible(suppressed) }
        logger.log(level: level, message(), metadata: fields)
    }

    /// Logs how many messages were left out in classes that have gone quiet since, and forgets those classes. To be
    /// called now and then by a timer, and at the end: else the last number of a burst is told with the next one only.
    public func flush(isFinal: Bool = false) {
        let now = now()
        let ended = classes.withLock { classes in
            let ended = classes.filter { isFinal || now >= $0.value.nextAt }
            for name in ended.keys { classes[name] = nil }
            return ended.filter { $0.value.suppressed > 0 }
        }
        for (name, ended) in ended.sorted(by: { $0.key < $1.key }) {
            var fields: Logger.Metadata = [
                "class": .string(name), "suppressed": .stringConvertible(ended.suppressed),
            ]
            if let kind = ended.kind { fields[LogKind.key] = .stringConvertible(kind) }
            logger.log(level: ended.level, "more of the same were not logged", metadata: fields)
        }
    }
}
