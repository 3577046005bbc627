// The types of events as people name them: in a configuration, in a query, on the command line.

import Events

/// A name that no type of event has: whoever filters by it would get nothing, and not know why.
public struct UnknownEventType: Error, CustomStringConvertible {
    let text: String
    let nearest: String?

    /// What there is, and which of it was probably meant. Completes "expected …".
    var expected: String {
        let hint = nearest.map { " (did you mean \(quoted($0))?)" } ?? ""
        return "one of \(EventTypes.all.joined(separator: ", "))\(hint)"
    }

    /// What is wrong with the name.
    public var description: String { "\(quoted(shortened(text))) is no type of event; expected \(expected)" }
}

/// The whole name of a type, of which the part in front may be left out.
public func eventType(named text: String) throws(UnknownEventType) -> String {
    let short = text.hasPrefix(EventTypes.prefix) ? String(text.dropFirst(EventTypes.prefix.count)) : text
    guard EventTypes.all.contains(short) else {
        throw UnknownEventType(text: text, nearest: nearestName(to: short, among: EventTypes.all))
    }
    return EventTypes.prefix + short
}
