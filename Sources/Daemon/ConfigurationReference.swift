// The reference of all keys, made of the declarations that the parser reads by: a table for each kind of object.

/// The reference of the configuration's keys, in Markdown.
public enum ConfigurationReference {
    /// The line in docs/configuration.md behind which `text` stands.
    public static let mark = "<!-- The rest is made by `make reference`. -->"

    /// A section with a table for each kind of object, in the order of the file.
    public static var text: String {
        sections(of: .top, path: []).map(\.text).joined(separator: "\n")
    }

    private struct Section {
        var path: [String]
        var shape: Shape
        /// Of an object whose keys depend on one of them, its value.
        var variant: (key: String, value: String)?

        var title: String {
            let path = path.isEmpty ? "The file" : "`\(ConfigurationReference.text(of: path))`"
            return variant.map { "\(path) with `\"\($0.key)\": \"\($0.value)\"`" } ?? path
        }

        var text: String {
            var lines = ["## \(title)", ""]
            lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
            lines += shape.keys.map { ConfigurationReference.row($0, in: path, variant) }
            if !shape.oneOf.isEmpty { lines += ["", "Exactly one of \(list(shape.oneOf))."] }
            if !shape.anyOf.isEmpty { lines += ["", "One of \(list(shape.anyOf)), or both."] }
            if !shape.together.isEmpty { lines += ["", "\(list(shape.together)) only together."] }
            return lines.joined(separator: "\n") + "\n"
        }

        private func list(_ names: [String]) -> String {
            names.map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    private static func sections(
        of shape: Shape, path: [String], _ variant: (key: String, value: String)? = nil
    ) -> [Section] {
        [Section(path: path, shape: shape, variant: variant)]
            + shape.keys.flatMap { key in
                guard case .content(let content) = key.form else { return [Section]() }
                return sections(of: content, path: path + [key.name])
            }
    }

    private static func sections(of content: Entry.Content, path: [String]) -> [Section] {
        switch content {
        case .string, .path, .url, .hidden: []
        // Where a secret is, is told once: with those of endpoints.
        case .object(let shape): shape.isSource && !shape.hasUntil ? [] : sections(of: shape, path: path)
        case .stringOrObject(let shape): sections(of: shape, path: path)
        case .list(let element, _): sections(of: element, path: path + ["[*]"])
        case .map(let element, _, _): sections(of: element, path: path + ["*"])
        case .variants(let key, let shapes):
            shapes.sorted { $0.key < $1.key }.flatMap { sections(of: $1, path: path, (key, $0)) }
        }
    }

    private static func row(
        _ key: any KeyDeclaration, in path: [String], _ variant: (key: String, value: String)?
    ) -> String {
        let isFixed = key.name == variant?.key
        let value = isFixed ? "`\(variant?.value ?? "")`" : words(key.form)
        let fallback = key.isRequired ? "**required**" : key.fallbackValue.map { "`\($0.text)`" } ?? ""
        let full = path + [key.name]
        // What is inside of an object that is always there is told where that is told.
        let isOpen = (key as? Entry)?.hasDefaults ?? false
        let restart = ConfigurationChanges.takesRestart(full) && !isOpen ? " Takes a restart." : ""
        return "| `\(key.name)` | \(value) | \(fallback) | \(cell(key.meaning))\(restart) |"
    }

    private static func words(_ form: ValueForm) -> String {
        switch form {
        case .single(_, let words): words
        case .content(let content): words(content)
        }
    }

    private static func words(_ content: Entry.Content) -> String {
        switch content {
        case .string, .hidden: "text"
        case .path: "path"
        case .url: "URL"
        case .object(let shape): shape.isSource ? "place of a secret" : "object"
        case .stringOrObject: "text or object"
        case .list(.stringOrObject, _): "list of texts or objects"
        case .list(.object(let shape), _): shape.isSource ? "list of places of secrets" : "list of objects"
        case .list(let element, _): "list of \(words(element))s"
        case .map(.hidden, _, _): "object of names and texts"
        case .map, .variants: "object"
        }
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

    /// `endpoints.*.secrets[*]`.
    private static func text(of path: [String]) -> String {
        path.reduce("") { $0.isEmpty || $1.hasPrefix("[") ? $0 + $1 : $0 + "." + $1 }
    }
}

extension Shape {
    fileprivate var hasUntil: Bool { keys.contains { $0.name == SecretKeys.until.name } }
}
