// Reading a JSON document by declared keys. Every reader knows the path and line of its value and where problems
// are gathered, so that whoever reads a value says only what is expected there.

/// A value of the document, with its path.
struct JSONReader {
    let node: JSONNode
    /// Such as `endpoints./callbacks.secrets[0].env`.
    let path: String
    let problems: ProblemCollector
    /// Whether text found here could be a secret that somebody wrote down in the wrong place.
    var hidesText = false

    /// Reports that the value is not what is expected. `expected` completes "expected …", without a full stop.
    func refuse(found: String? = nil, expected: String) {
        problems.refuse(line: node.line, path: path, found: found ?? describedValue, expected: expected)
    }

    /// Reports something that works and is probably not meant, as a sentence.
    func warn(_ message: String) {
        problems.warn(line: node.line, path: path, message)
    }

    /// The text of a string; nil, and reported, for anything else.
    func string(expected: String) -> String? {
        guard case .string(let text) = node.value else {
            refuse(expected: expected)
            return nil
        }
        return text
    }

    /// Readers of a list's elements; nil, and reported, for anything else.
    func elements(expected: String) -> [JSONReader]? {
        guard case .array(let nodes) = node.value else {
            refuse(expected: expected)
            return nil
        }
        return nodes.enumerated().map { index, node in reader(node, "\(path)[\(index)]") }
    }

    /// The keys of an object that the user names, with readers of their values; nil, and reported, for anything
    /// else. Doubled keys are reported, and read once.
    func entries(expected: String) -> [(key: String, reader: JSONReader)]? {
        guard case .object(let members) = node.value else {
            refuse(expected: expected)
            return nil
        }
        var seen: [String: Int] = [:]
        return members.compactMap { member in
            if let line = seen.updateValue(member.line, forKey: member.key) {
                let found = "this key a second time, after line \(line)"
                problems.refuse(line: member.line, path: path(of: member.key), found: found, expected: "it once")
                return nil
            }
            return (member.key, reader(member.value, path(of: member.key)))
        }
    }

    /// The keys of an object that `shape` declares. Unknown, doubled and missing keys are
    /// reported here; nil where the value is no object.
    func object(_ shape: Shape) -> JSONObjectReader? {
        guard let entries = entries(expected: shape.expected) else { return nil }
        var readers: [String: JSONReader] = [:]
        var isKnown = true
        for (key, reader) in entries {
            if shape.keys.contains(where: { $0.name == key }) {
                readers[key] = reader
            } else {
                isKnown = false
                refuseUnknown(key, at: reader, shape)
            }
        }
        for declaration in shape.keys where declaration.isRequired {
            guard !entries.contains(where: { $0.key == declaration.name }) else { continue }
            let path = path(of: declaration.name)
            problems.refuse(line: node.line, path: path, found: "nothing", expected: declaration.expected)
        }
        return JSONObjectReader(reader: self, isKnown: isKnown, readers: readers)
    }

    /// The path of `key` in this object. Keys with signs that could be taken for a part of the path are quoted.
    func path(of key: String) -> String {
        let plain = key.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "_-/$~".unicodeScalars.contains($0))
        }
        let name = plain && !key.isEmpty ? key : quoted(shortened(key))
        return path.isEmpty ? name : "\(path).\(name)"
    }

    /// The value as an error shows it.
    var describedValue: String {
        switch node.value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): hidesText ? "a number" : shortened(text)
        case .string(let text): hidesText || holdsPrivateKey(text) ? "a string (not shown)" : quoted(shortened(text))
        case .array(let elements): elements.isEmpty ? "an empty list" : "a list"
        case .object(let members): members.isEmpty ? "an empty object" : "an object"
        }
    }

    private func reader(_ node: JSONNode, _ path: String) -> JSONReader {
        JSONReader(node: node, path: path, problems: problems, hidesText: hidesText)
    }

    private func refuseUnknown(_ key: String, at reader: JSONReader, _ shape: Shape) {
        let known = shape.keys.map(\.name)
        // A key of a later version is worth finding too: its own message says more.
        let nearest = nearestName(to: key, among: shape.keys.map(\.name))
        let hint = nearest.map { " (did you mean `\($0)`?)" } ?? ""
        reader.refuse(found: "an unknown key", expected: "one of " + known.joined(separator: ", ") + hint)
    }
}

/// An object of the document whose keys were checked against its declaration.
struct JSONObjectReader {
    /// The object itself.
    let reader: JSONReader
    /// Whether every key was known: else what is missing may be there under a wrong name, which was reported.
    let isKnown: Bool
    fileprivate let readers: [String: JSONReader]

    /// The value of `key`, if it is there.
    subscript(key: any KeyDeclaration) -> JSONReader? { readers[key.name] }

    /// The value of the key of this name, if it is there.
    func reader(of name: String) -> JSONReader? { readers[name] }

    /// The value of `setting`, or its default where it is missing or was refused.
    func value<Kind: ValueKind>(_ setting: Setting<Kind>) -> Kind.Value {
        readers[setting.name].flatMap { setting.kind.read($0, example: setting.fallback) } ?? setting.fallback
    }

    /// The value of `setting`; nil where it is missing or was refused.
    func value<Kind: ValueKind>(_ setting: OptionalSetting<Kind>) -> Kind.Value? {
        readers[setting.name].flatMap { setting.kind.read($0, example: setting.example) }
    }
}

/// Whether `text` is or holds a private key in PEM, which somebody wrote down instead of its place.
func holdsPrivateKey(_ text: String) -> Bool { text.contains("PRIVATE KEY-----") }

/// `text` cut to a length that leaves the rest of a line readable.
func shortened(_ text: String) -> String {
    text.count <= 80 ? text : text.prefix(79) + "…"
}
