// One message as one line, for people or for programs. Values come from outside, so they are escaped; a message
// is ours, and is escaped all the same.

import Logging

extension LogFormat {
    /// The line without its newline.
    ///
    /// - Parameter microseconds: the time, since 1970 (UTC).
    func line(microseconds: Int64, level: Logger.Level, message: String, metadata: Logger.Metadata) -> String {
        let time = UTCTimestamp.text(ofMicroseconds: microseconds)
        let fields = metadata.sorted { $0.key < $1.key }
        switch self {
        case .text, .journal:
            let name = level.rawValue
            let padding = String(repeating: " ", count: max(0, 5 - name.utf8.count))
            let start = "\(time) \(name)\(padding) \(escapingControls(shortenedForLog(message)))"
            // What kind it is people see.
            return fields.filter { $0.key != LogKind.key }.reduce(into: start) {
                $0 += " \(bareOrQuoted($1.key))=\(textValue($1.value))"
            }
        case .json:
            let start =
                "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"message\":"
                + quoted(shortenedForLog(message))
            return fields.reduce(into: start) { $0 += ",\(quoted(jsonKey($1.key))):\(jsonValue($1.value))" } + "}"
        }
    }
}

/// The most characters of one value. Whoever sends 32 KiB of header must not fill the log with it.
private let valueLimit = 1024

/// Text without what is beyond that.
func shortenedForLog(_ text: String) -> String {
    // Bytes are counted at once, characters are not: most texts end here.
    guard text.utf8.count > valueLimit else { return text }
    let start = text.unicodeScalars.prefix(valueLimit)
    return start.endIndex == text.endIndex ? text : String(start) + "…"
}

/// A key that would stand in the line twice gets an underscore.
private func jsonKey(_ key: String) -> String {
    ["time", "level", "message"].contains(key) ? key + "_" : key
}

private func jsonValue(_ value: Logger.Metadata.Value) -> String {
    switch value {
    case .string(let text): quoted(shortenedForLog(text))
    case .stringConvertible(let number as any BinaryInteger & Sendable): number.description
    case .stringConvertible(let flag as Bool): flag.description
    case .stringConvertible(let other): quoted(shortenedForLog(other.description))
    case .array(let values): "[" + values.map(jsonValue).joined(separator: ",") + "]"
    case .dictionary(let values):
        "{"
            + values.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(jsonValue($0.value))" }
            .joined(separator: ",") + "}"
    }
}

/// A value as text, as long as it may be: what the journal keeps in a field.
func fieldText(_ value: Logger.Metadata.Value) -> String {
    switch value {
    case .string(let text): shortenedForLog(text)
    case .stringConvertible(let other): shortenedForLog(other.description)
    case .array, .dictionary: jsonValue(value)
    }
}

private func textValue(_ value: Logger.Metadata.Value) -> String {
    switch value {
    case .string(let text): bareOrQuoted(shortenedForLog(text))
    case .stringConvertible(let other): bareOrQuoted(shortenedForLog(other.description))
    // Rare here, and JSON is a form that people can read.
    case .array, .dictionary: jsonValue(value)
    }
}

/// Text as it is where nothing in it could be taken for the border of a field, else in quotes.
private func bareOrQuoted(_ text: String) -> String {
    let isBare = text.unicodeScalars.allSatisfy { scalar in
        !isUnprintable(scalar) && !scalar.properties.isWhitespace && !"=\"\\".unicodeScalars.contains(scalar)
    }
    return isBare && !text.isEmpty ? text : quoted(text)
}
