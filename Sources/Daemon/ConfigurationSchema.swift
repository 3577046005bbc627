// The JSON Schema of the configuration, made of the declarations that the parser reads by. An editor that has it
// completes keys and shows what they mean; what the schema refuses, hookd refuses too, but not the other way: whether a
// secret is there, or whether two sinks write to one file, no schema tells.

/// The JSON Schema (draft 2020-12) of the configuration file.
public enum ConfigurationSchema {
    /// The schema, as it stands in `hookd.schema.json`.
    public static var text: String {
        let head: [(key: String, value: JSONOutput)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Configuration of hookd")),
        ]
        return JSONOutput.object(head + members(of: .top)).indentedText + "\n"
    }

    private static func members(of shape: Shape, fixed: (key: String, value: String)? = nil) -> [Member] {
        let properties = shape.keys.map { key in
            let isFixed = key.name == fixed?.key
            return (key.name, isFixed ? constant(fixed?.value ?? "", key) : property(key))
        }
        var members: [Member] = [
            ("type", .string("object")), ("properties", .object(properties)), ("additionalProperties", .bool(false)),
        ]
        let required = shape.keys.filter(\.isRequired).map(\.name)
        if !required.isEmpty { members.append(("required", .strings(required))) }
        for (keyword, names) in [("oneOf", shape.oneOf), ("anyOf", shape.anyOf)] where !names.isEmpty {
            members.append((keyword, .array(names.map { .object([("required", .strings([$0]))]) })))
        }
        if !shape.together.isEmpty {
            let others = shape.together.map { name in
                (name, JSONOutput.strings(shape.together.filter { $0 != name }))
            }
            members.append(("dependentRequired", .object(others)))
        }
        return members
    }

    private typealias Member = (key: String, value: JSONOutput)

    private static func property(_ key: any KeyDeclaration) -> JSONOutput {
        var members: [Member] = [("description", .string(key.meaning))]
        switch key.form {
        case .single(let schema, let words):
            members[0].value = .string(key.meaning + " " + capitalized(words.replacing("`", with: "")) + ".")
            members += schema
        case .content(let content): members += self.members(of: content)
        }
        if let value = key.fallbackValue { members.append(("default", value)) }
        return .object(members)
    }

    private static func constant(_ value: String, _ key: any KeyDeclaration) -> JSONOutput {
        .object([("description", .string(key.meaning)), ("const", .string(value))])
    }

    private static func members(of content: Entry.Content) -> [Member] {
        switch content {
        case .string(let pattern?): [("type", .string("string")), ("pattern", .string(pattern))]
        case .string(nil): [("type", .string("string"))]
        case .path, .hidden: [("type", .string("string")), ("minLength", .integer(1))]
        case .url: [("type", .string("string")), ("pattern", .string("^[Hh][Tt][Tt][Pp][Ss]?://"))]
        case .object(let shape): members(of: shape)
        case .list(let element, let mayBeEmpty):
            [("type", .string("array")), ("items", .object(members(of: element)))]
                + (mayBeEmpty ? [] : [("minItems", .integer(1))])
        case .stringOrObject(let shape):
            [("anyOf", .array([.object(members(of: .string())), .object(members(of: shape))]))]
        case .map(let element, let keys, let mayBeEmpty):
            [("type", .string("object")), ("additionalProperties", .object(members(of: element)))]
                + (keys.map { [("propertyNames", .object([("pattern", .string($0))]))] } ?? [])
                + (mayBeEmpty ? [] : [("minProperties", .integer(1))])
        case .variants(let key, let shapes):
            [
                (
                    "oneOf",
                    .array(
                        shapes.sorted { $0.key < $1.key }.map { value, shape in
                            .object(members(of: shape, fixed: (key, value)))
                        })
                )
            ]
        }
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}

extension JSONOutput {
    fileprivate static func strings(_ texts: [String]) -> JSONOutput { .array(texts.map { .string($0) }) }

    /// The text over several lines, for people. What holds nothing but single values stands on one.
    var indentedText: String { indented("") }

    private func indented(_ margin: String) -> String {
        let inner = margin + "  "
        switch self {
        case .object(let members) where !members.isEmpty && !(isFlat && text.utf8.count + margin.utf8.count < 90):
            let lines = members.map { inner + quoted($0.key) + ": " + $0.value.indented(inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + margin + "}"
        case .array(let elements) where !isFlat:
            return "[\n" + elements.map { inner + $0.indented(inner) }.joined(separator: ",\n") + "\n" + margin + "]"
        case .object(let members) where !members.isEmpty:
            return "{ " + members.map { quoted($0.key) + ": " + $0.value.text }.joined(separator: ", ") + " }"
        case .array(let elements): return "[" + elements.map(\.text).joined(separator: ", ") + "]"
        default: return text
        }
    }

    private var isFlat: Bool {
        switch self {
        case .object(let members): members.allSatisfy { $0.value.isSingle }
        case .array(let elements): elements.allSatisfy(\.isSingle)
        default: true
        }
    }

    private var isSingle: Bool {
        switch self {
        case .object, .array: false
        default: true
        }
    }
}
