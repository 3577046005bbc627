// What is different between two readings of a configuration, and which of it can come into force while the daemon runs.
// The texts are compared and not what was made of them: so no key can be forgotten here.

/// The text of a configuration, read. It has no secret in it, but perhaps the query of a URL, which may hold a token:
/// no description, dump or mirror shows it.
struct ConfigurationDocument: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var value = JSONValue.null

    var description: String { "a document (not shown)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}

/// The keys that differ between two configurations.
struct ConfigurationChanges {
    private enum Kind {
        case added, removed, changed
    }

    /// The path of each key, from the outermost on; an element of a list is `[0]`.
    private let changes: [(path: [String], kind: Kind)]

    init(from old: ConfigurationDocument, to new: ConfigurationDocument) {
        changes = Self.differences(old.value, new.value, at: [])
    }

    /// Those that take a restart, such as `listen[0]`.
    var needingRestart: [String] { changes.map(\.path).filter(Self.takesRestart).map(Self.text) }

    /// Whether the sink of this name is another one, or another kind of one, or set up otherwise.
    func concern(sink name: String) -> Bool {
        changes.contains { change in
            // Where all sinks came or went with their key, each of them did.
            change.path.first == TopKeys.sinks.name && (change.path.count < 2 || change.path[1] == name)
        }
    }

    /// What has changed, a phrase for each endpoint, sink and other key.
    var summary: [String] {
        var phrases: [(place: String, kind: Kind, keys: [String])] = []
        for (path, kind) in changes {
            let isNamed = [TopKeys.sinks.name, TopKeys.endpoints.name].contains(path.first) && path.count > 1
            let place = isNamed ? "\(path[0].dropLast()) \(Self.shown(path[1]))" : Self.text(of: path)
            let keys = isNamed && path.count > 2 ? [Self.shown(path[2])] : []
            if let index = phrases.firstIndex(where: { $0.place == place }) {
                phrases[index].keys += keys.filter { !phrases[index].keys.contains($0) }
            } else {
                phrases.append((place, keys.isEmpty ? kind : .changed, keys))
            }
        }
        return phrases.map { place, kind, keys in
            let verb = kind == .added ? "added" : kind == .removed ? "removed" : "changed"
            return place + " " + verb + (keys.isEmpty ? "" : " (\(keys.joined(separator: ", ")))")
        }
    }

    private static func text(of path: [String]) -> String {
        path.reduce("") { text, key in
            if key.hasPrefix("[") || text.isEmpty { return text + shown(key) }
            return text + "." + shown(key)
        }
    }

    private static func shown(_ key: String) -> String { escapingControls(shortened(key)) }

    /// Whether a key comes into force at a start only. In place of names and of numbers in lists anything may stand.
    static func takesRestart(_ path: [String]) -> Bool {
        switch path.first {
        case TopKeys.schema.name, TopKeys.endpoints.name, TopKeys.sinks.name, TopKeys.limits.name,
            TopKeys.retention.name:
            return false
        // Whether there is a token has been checked against the listener.
        case TopKeys.admin.name: return path.count < 3 || path[1] != AdminKeys.token.name
        case TopKeys.log.name: return path.dropFirst().first != LogKeys.level.name
        // The sockets stay as they are; what is shown there, and who is believed there, may change.
        case TopKeys.listen.name where path.count > 2:
            switch path[2] {
            case ListenerKeys.tls.name: return path.count == 3
            case ListenerKeys.proxyProtocol.name, ListenerKeys.forwarded.name: return false
            default: return true
            }
        default: return true
        }
    }

    /// The keys of the file whose absence is the same as an empty object.
    private static let openKeys = Shape.top.keys.filter { ($0 as? Entry)?.hasDefaults ?? false }.map(\.name)

    private static func differences(
        _ old: JSONValue, _ new: JSONValue, at path: [String]
    ) -> [(path: [String], kind: Kind)] {
        switch (old, new) {
        case (.object(let old), .object(let new)):
            let keys = old.map(\.key) + new.map(\.key).filter { key in !old.contains { $0.key == key } }
            return keys.flatMap { key in
                let before = old.first { $0.key == key }?.value.value, after = new.first { $0.key == key }?.value.value
                let absence = path.isEmpty && openKeys.contains(key) ? JSONValue.object([]) : nil
                guard let before = before ?? absence else { return [(path + [key], Kind.added)] }
                guard let after = after ?? absence else { return [(path + [key], Kind.removed)] }
                return differences(before, after, at: path + [key])
            }
        case (.array(let old), .array(let new)) where old.count == new.count:
            return zip(old, new).enumerated().flatMap { index, pair in
                differences(pair.0.value, pair.1.value, at: path + ["[\(index)]"])
            }
        default: return old == new ? [] : [(path, .changed)]
        }
    }
}
