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
    /// The path of each key, from the outermost on; an element of a list is `[0]`.
    private let paths: [[String]]

    init(from old: ConfigurationDocument, to new: ConfigurationDocument) {
        paths = Self.differences(old.value, new.value, at: [])
    }

    /// Those that take a restart, such as `sinks.crm.url`.
    var needingRestart: [String] {
        paths.filter { !Self.isReloadable($0) }.map { path in
            path.reduce("") { text, key in
                if key.hasPrefix("[") || text.isEmpty { return text + shown(key) }
                return text + "." + shown(key)
            }
        }
    }

    private func shown(_ key: String) -> String { escapingControls(shortened(key)) }

    /// Whether a key can come into force while the daemon runs.
    private static func isReloadable(_ path: [String]) -> Bool {
        switch path.first {
        case TopKeys.schema.name: return true
        case TopKeys.log.name: return path.dropFirst().first == LogKeys.level.name
        // The addresses stay; what is shown there may change.
        case TopKeys.listen.name: return path.count > 3 && path[2] == "tls"
        // An endpoint that comes or goes changes what sinks get.
        case TopKeys.endpoints.name: return path.count > 2 && path[2] != EndpointKeys.sinks.name
        default: return false
        }
    }

    private static func differences(_ old: JSONValue, _ new: JSONValue, at path: [String]) -> [[String]] {
        switch (old, new) {
        case (.object(let old), .object(let new)):
            let keys = old.map(\.key) + new.map(\.key).filter { key in !old.contains { $0.key == key } }
            return keys.flatMap { key in
                let before = old.first { $0.key == key }?.value.value, after = new.first { $0.key == key }?.value.value
                guard let before, let after else { return [path + [key]] }
                return differences(before, after, at: path + [key])
            }
        case (.array(let old), .array(let new)) where old.count == new.count:
            return zip(old, new).enumerated().flatMap { index, pair in
                differences(pair.0.value, pair.1.value, at: path + ["[\(index)]"])
            }
        default: return old == new ? [] : [path]
        }
    }
}
