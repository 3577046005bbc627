// What a key of the configuration is: its name, what may be its value, its default, what it means. The parser
// reads by these declarations, so whatever else is made of them (a schema, a manual page) agrees with the parser.

import Glibc

/// A key of an object.
protocol KeyDeclaration: Sendable {
    var name: String { get }
    /// What it means, for whoever writes the file.
    var meaning: String { get }
    /// Whether the object is refused without it.
    var isRequired: Bool { get }
    /// Completes "expected …".
    var expected: String { get }
    /// What the value is, for a schema and for the reference.
    var form: ValueForm { get }
    /// What the value is where the key is missing, as it would stand in the file.
    var fallbackValue: JSONOutput? { get }
}

/// The keys of one kind of object.
struct Shape: Sendable {
    /// Completes "expected …".
    let expected: String
    let keys: [any KeyDeclaration]
    /// Keys of which exactly one must be there.
    var oneOf: [String] = []
    /// Keys of which at least one must be there.
    var anyOf: [String] = []
    /// Keys that are there together or not at all.
    var together: [String] = []

    /// Whether it says where a secret is.
    var isSource: Bool { oneOf == SecretKeys.sources.map(\.name) }
}

/// What a value is.
indirect enum ValueForm: Sendable {
    /// A single value: how a schema describes it, and how people do.
    case single(schema: [(key: String, value: JSONOutput)], words: String)
    case content(Entry.Content)
}

/// A key with a single value, and a default where it is missing.
struct Setting<Kind: ValueKind>: KeyDeclaration {
    let name: String
    let kind: Kind
    let fallback: Kind.Value
    let meaning: String

    var isRequired: Bool { false }
    var expected: String { kind.expected(example: fallback) }
    var form: ValueForm { .single(schema: kind.schema, words: kind.words) }
    var fallbackValue: JSONOutput? { kind.written(fallback) }

    init(_ name: String, _ kind: Kind, default fallback: Kind.Value, _ meaning: String) {
        (self.name, self.kind, self.fallback, self.meaning) = (name, kind, fallback, meaning)
    }
}

/// A key with a single value, and nothing in its place where it is missing.
struct OptionalSetting<Kind: ValueKind>: KeyDeclaration {
    let name: String
    let kind: Kind
    let isRequired: Bool
    let example: Kind.Value
    let meaning: String

    var expected: String { kind.expected(example: example) }
    var form: ValueForm { .single(schema: kind.schema, words: kind.words) }
    var fallbackValue: JSONOutput? { nil }

    init(_ name: String, _ kind: Kind, required: Bool = false, example: Kind.Value, _ meaning: String) {
        (self.name, self.kind, self.isRequired, self.example) = (name, kind, required, example)
        self.meaning = meaning
    }
}

/// A key without a default, or with an inner life of its own.
struct Entry: KeyDeclaration {
    let name: String
    let content: Content
    let isRequired: Bool
    let expected: String
    let meaning: String
    /// Whether an object that is missing is the same as an empty one, so that its keys have their defaults.
    let hasDefaults: Bool

    var form: ValueForm { .content(content) }
    var fallbackValue: JSONOutput? { nil }

    init(
        _ name: String, _ content: Content, required: Bool = false, hasDefaults: Bool = false, expected: String,
        _ meaning: String
    ) {
        (self.name, self.content, self.isRequired, self.hasDefaults) = (name, content, required, hasDefaults)
        (self.expected, self.meaning) = (expected, meaning)
    }

    /// What is inside.
    indirect enum Content: Sendable {
        /// A text. Where there is a pattern, every value that is right has it (ECMA-262).
        case string(pattern: String? = nil)
        /// A path, from the directory of the configuration file on where it is relative.
        case path
        /// An http or https URL, whose query may hold a token.
        case url
        /// A text that may hold a token.
        case hidden
        case list(of: Content, mayBeEmpty: Bool = false)
        case object(Shape)
        /// A text, or an object that says more.
        case stringOrObject(Shape)
        /// An object whose keys the user names, by a pattern.
        case map(of: Content, keys: String? = nil, mayBeEmpty: Bool = false)
        /// An object whose keys depend on its `key`.
        case variants(key: String, shapes: [String: Shape])
    }
}

/// What single values a key may have.
protocol ValueKind: Sendable {
    associatedtype Value: Sendable

    /// Completes "expected …".
    func expected(example: Value) -> String

    /// The value, or nil where it was refused.
    func read(_ reader: JSONReader, example: Value) -> Value?

    /// What a schema says of a value. It may let through what `read` refuses, and never the other way.
    var schema: [(key: String, value: JSONOutput)] { get }

    /// What the reference says of a value.
    var words: String { get }

    /// A value as it stands in the file.
    func written(_ value: Value) -> JSONOutput
}

/// A duration such as `"5m"`, within bounds.
struct DurationKind: ValueKind {
    let bounds: ClosedRange<Duration>
    /// Whether parts of a second make no sense.
    var wholeSeconds = false

    var schema: [(key: String, value: JSONOutput)] {
        // Whole seconds may be written in milliseconds, too.
        let pattern = wholeSeconds ? "^([0-9]+(s|m|h|d)|[0-9]+000ms)$" : "^[0-9]+(ms|s|m|h|d)$"
        return [("type", .string("string")), ("pattern", .string(pattern))]
    }

    var words: String { "duration, `\(bounds.lowerBound.text)` to `\(bounds.upperBound.text)`" }

    func written(_ value: Duration) -> JSONOutput { .string(value.text) }

    func expected(example: Duration) -> String {
        let whole = wholeSeconds ? " in whole seconds" : ""
        return "a duration\(whole) from \(bounds.lowerBound.text) to \(bounds.upperBound.text), such as "
            + quoted(example.text)
    }

    func read(_ reader: JSONReader, example: Duration) -> Duration? {
        guard let text = reader.string(expected: expected(example: example)) else { return nil }
        guard let value = Duration(text: text), bounds.contains(value),
            !wholeSeconds || value.components.attoseconds == 0
        else {
            reader.refuse(expected: expected(example: example))
            return nil
        }
        return value
    }
}

/// A size such as `"64KiB"`, within bounds, in bytes.
struct SizeKind: ValueKind {
    let bounds: ClosedRange<Int>

    var schema: [(key: String, value: JSONOutput)] {
        [("type", .string("string")), ("pattern", .string("^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB)$"))]
    }

    var words: String {
        "size, `\(ByteSize.text(ofBytes: bounds.lowerBound))` to `\(ByteSize.text(ofBytes: bounds.upperBound))`"
    }

    func written(_ value: Int) -> JSONOutput { .string(ByteSize.text(ofBytes: value)) }

    func expected(example: Int) -> String {
        let (least, most) = (ByteSize.text(ofBytes: bounds.lowerBound), ByteSize.text(ofBytes: bounds.upperBound))
        return "a size from \(least) to \(most), such as \(quoted(ByteSize.text(ofBytes: example)))"
    }

    func read(_ reader: JSONReader, example: Int) -> Int? {
        guard let text = reader.string(expected: expected(example: example)) else { return nil }
        guard let value = ByteSize.bytes(fromText: text), bounds.contains(value) else {
            reader.refuse(expected: expected(example: example))
            return nil
        }
        return value
    }
}

/// A whole number, within bounds.
struct CountKind: ValueKind {
    let bounds: ClosedRange<Int>

    var schema: [(key: String, value: JSONOutput)] {
        [
            ("type", .string("integer")), ("minimum", .integer(bounds.lowerBound)),
            ("maximum", .integer(bounds.upperBound)),
        ]
    }

    var words: String { "number, \(bounds.lowerBound) to \(bounds.upperBound)" }

    func written(_ value: Int) -> JSONOutput { .integer(value) }

    func expected(example: Int) -> String {
        "a whole number from \(bounds.lowerBound) to \(bounds.upperBound), such as \(example)"
    }

    func read(_ reader: JSONReader, example: Int) -> Int? {
        guard case .number(let text) = reader.node.value, let value = Int(text), bounds.contains(value) else {
            reader.refuse(expected: expected(example: example))
            return nil
        }
        return value
    }
}

/// `true` or `false`.
struct FlagKind: ValueKind {
    var schema: [(key: String, value: JSONOutput)] { [("type", .string("boolean"))] }

    var words: String { "`true` or `false`" }

    func written(_ value: Bool) -> JSONOutput { .bool(value) }

    func expected(example: Bool) -> String { "true or false" }

    func read(_ reader: JSONReader, example: Bool) -> Bool? {
        guard case .bool(let value) = reader.node.value else {
            reader.refuse(expected: expected(example: example))
            return nil
        }
        return value
    }
}

/// The permissions of a file as text, in the octal digits of chmod(1). As a number of JSON they would be decimal.
struct FileModeKind: ValueKind {
    var schema: [(key: String, value: JSONOutput)] {
        [("type", .string("string")), ("pattern", .string("^0?[0-7]{3}$"))]
    }

    var words: String { "permissions, as `\"0660\"`" }

    func written(_ value: mode_t) -> JSONOutput { .string(fileModeText(value)) }

    func expected(example: mode_t) -> String {
        "permissions in three octal digits, a zero before them or not, such as \(quoted(fileModeText(example)))"
    }

    func read(_ reader: JSONReader, example: mode_t) -> mode_t? {
        let expected = expected(example: example)
        guard let text = reader.string(expected: expected) else { return nil }
        let digits = text.utf8.count == 4 && text.hasPrefix("0") ? text.dropFirst() : text[...]
        guard digits.utf8.count == 3, digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }),
            let mode = mode_t(digits, radix: 8)
        else {
            reader.refuse(expected: expected)
            return nil
        }
        return mode
    }
}

/// `0660`.
func fileModeText(_ mode: mode_t) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// One of a few words.
struct ChoiceKind<Value: RawRepresentable & CaseIterable & Sendable>: ValueKind where Value.RawValue == String {
    var schema: [(key: String, value: JSONOutput)] {
        [("type", .string("string")), ("enum", .array(Value.allCases.map { .string($0.rawValue) }))]
    }

    var words: String { Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") }

    func written(_ value: Value) -> JSONOutput { .string(value.rawValue) }

    func expected(example: Value) -> String {
        let words = Value.allCases.map { quoted($0.rawValue) }
        return words.count == 1 ? words.joined() : "one of " + words.joined(separator: ", ")
    }

    func read(_ reader: JSONReader, example: Value) -> Value? {
        let expected = expected(example: example)
        guard let text = reader.string(expected: expected) else { return nil }
        guard let value = Value(rawValue: text) else {
            let nearest = nearestName(to: text, among: Value.allCases.map(\.rawValue))
            reader.refuse(expected: expected + (nearest.map { " (did you mean \(quoted($0))?)" } ?? ""))
            return nil
        }
        return value
    }
}
