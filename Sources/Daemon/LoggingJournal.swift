// The handler behind swift-log that speaks to systemd's journal: one entry for a message, one field for a value.

import Logging

/// Makes entries of messages. Where there is no journal, they become lines.
struct JournalLogHandler: LogHandler {
    /// What every entry of this logger carries.
    var metadata: Logger.Metadata {
        get { lines.metadata }
        set { lines.metadata = newValue }
    }
    /// What entries carry besides, asked anew for each.
    var metadataProvider: Logger.MetadataProvider? {
        get { lines.metadataProvider }
        set { lines.metadataProvider = newValue }
    }
    /// The least severe messages that are written.
    var logLevel: Logger.Level {
        get { lines.logLevel }
        set { lines.logLevel = newValue }
    }

    private let writer: JournalWriter
    private var lines: LineLogHandler

    /// - Parameter lines: writes what the journal does not take.
    init(_ writer: JournalWriter, otherwise lines: LineLogHandler) {
        (self.writer, self.lines) = (writer, lines)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { lines[metadataKey: key] }
        set { lines[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        let (level, message) = (event.level, event.message.description)
        let fields = event.fields(beside: metadata, metadataProvider)
        let entry = JournalEntry(level: level, message: message, metadata: fields)
        writer.write(entry) { [lines] in lines.write(level: level, message, fields) }
    }
}

/// An entry of the journal.
struct JournalEntry: Sendable {
    /// The fields, each `NAME=value`.
    private(set) var fields: [String] = []

    /// The longest name of a field (systemd.journal-fields(7)).
    private static let nameLimit = 64

    init(level: Logger.Level, message: String, metadata: Logger.Metadata) {
        add("MESSAGE", shortenedForLog(message))
        add("PRIORITY", "\(level.priority)")
        add("SYSLOG_IDENTIFIER", "hookd")
        if let kind = LogKind(metadata) { add("MESSAGE_ID", kind.messageID) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { add(Self.name(of: key), fieldText(value)) }
    }

    /// Adds a field. Values come from outside, and would otherwise be shown as `[blob data]`, or not at all.
    mutating func add(_ name: String, _ value: String) { fields.append("\(name)=\(escapingControls(value))") }

    /// `HOOKD_EVENT_ID` of `event_id`. What may not stand in a name becomes an underscore.
    private static func name(of key: String) -> String {
        let name = key.unicodeScalars.prefix(nameLimit - 6).map { scalar in
            scalar.isASCII && isLetterOrDigit(UInt8(scalar.value)) ? String(scalar).uppercased() : "_"
        }
        return "HOOKD_" + name.joined()
    }
}

extension Logger.Level {
    /// The number of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
