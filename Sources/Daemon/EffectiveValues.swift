// Every value of a configuration and where it came from, for `hookd check --print`. Never a secret: of one, its place
// is told; no query of a URL, and no value of a header, for those may hold tokens.

/// The values that are in force with a configuration.
public struct EffectiveValues {
    private struct Line {
        var path: String
        var value: String
        var origin: String
    }

    private let file: String
    private let directory: String
    private var lines: [Line] = []

    /// The values of `configuration`.
    public init(_ configuration: Configuration) {
        file = configuration.file
        directory = configuration.directory
        addObject(.top, configuration.document.value, path: "", stateDirectory: configuration.stateDirectory)
    }

    /// A line for each value: `path = value`, and behind it where that came from.
    public var text: String {
        let width = min(70, lines.map { $0.path.count + $0.value.count + 3 }.max() ?? 0)
        return lines.map { line in
            let start = "\(line.path) = \(line.value)"
            return start + String(repeating: " ", count: max(0, width - start.count)) + "  # \(line.origin)\n"
        }.joined()
    }

    private mutating func addObject(
        _ shape: Shape, _ value: JSONValue, path: String, stateDirectory: String? = nil
    ) {
        guard case .object(let members) = value else { return }
        for key in shape.keys {
            let keyPath = path.isEmpty ? key.name : "\(path).\(key.name)"
            if let member = members.first(where: { $0.key == key.name }) {
                add(key, member.value, path: keyPath)
            } else if let fallback = key.fallbackValue {
                lines.append(Line(path: keyPath, value: fallback.text, origin: "default"))
            } else if let entry = key as? Entry, entry.hasDefaults, case .object(let inner) = entry.content {
                addObject(inner, .object([]), path: keyPath)
            } else if key.name == TopKeys.stateDirectory.name, let stateDirectory {
                lines.append(
                    Line(path: keyPath, value: quoted(stateDirectory), origin: "environment variable STATE_DIRECTORY"))
            }
        }
    }

    private mutating func add(_ key: any KeyDeclaration, _ node: JSONNode, path: String) {
        if case .content(let content) = key.form { return add(content, node, path: path) }
        lines.append(Line(path: path, value: shown(node.value), origin: place(node)))
    }

    private mutating func add(_ content: Entry.Content, _ node: JSONNode, path: String) {
        switch (content, node.value) {
        case (.object(let shape), .object(let members)) where shape.isSource: addSource(members, node, path: path)
        case (.object(let shape), _), (.stringOrObject(let shape), .object): addObject(shape, node.value, path: path)
        case (.list(let element, _), .array(let nodes)):
            if nodes.isEmpty { lines.append(Line(path: path, value: "[]", origin: place(node))) }
            for (index, node) in nodes.enumerated() { add(element, node, path: "\(path)[\(index)]") }
        case (.map(let element, _, _), .object(let members)):
            for member in members { add(element, member.value, path: inner(path, member.key)) }
        case (.variants(let key, let shapes), .object(let members)):
            guard case .string(let name)? = members.first(where: { $0.key == key })?.value.value,
                let shape = shapes[name]
            else { return }
            addObject(shape, node.value, path: path)
        default: lines.append(Line(path: path, value: shown(node.value, content), origin: place(node)))
        }
    }

    private mutating func addSource(_ members: [JSONMember], _ node: JSONNode, path: String) {
        for member in members {
            guard case .string(let text) = member.value.value else { continue }
            let origin: String
            switch member.key {
            case SecretKeys.environment.name: origin = "environment variable \(shownVariable(text))"
            case SecretKeys.file.name: origin = "file \(quoted(ConfigurationReading.absolute(text, in: directory)))"
            case SecretKeys.credential.name: origin = "credential \(quoted(text))"
            default:
                lines.append(
                    Line(path: "\(path).\(member.key)", value: shown(member.value.value), origin: place(member.value)))
                continue
            }
            lines.append(Line(path: path, value: "(not shown)", origin: origin))
        }
    }

    private func shown(_ value: JSONValue, _ content: Entry.Content? = nil) -> String {
        switch (value, content) {
        case (.string(let text), .path?): quoted(ConfigurationReading.absolute(text, in: directory))
        case (.string(let text), .url?): ForwardURL.shown(text)
        case (.string, .hidden?): "(not shown)"
        case (.string(let text), _): quoted(text)
        case (.number(let text), _): text
        case (.bool(let value), _): value ? "true" : "false"
        case (.null, _): "null"
        case (.array, _): "[]"
        case (.object, _): "{}"
        }
    }

    private func place(_ node: JSONNode) -> String { "\(escapingControls(file)):\(node.line)" }

    private func inner(_ path: String, _ key: String) -> String {
        JSONReader(node: JSONNode(line: 0, value: .null), path: path, problems: ProblemCollector(file: file))
            .path(of: key)
    }
}
