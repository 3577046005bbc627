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
}

/// The keys of one kind of object.
struct Shape: Sendable {
    /// Completes "expected …".
    let expected: String
    let keys: [any KeyDeclaration]
}

/// A key with a single value, and a default where it is missing.
struct Setting<Kind: ValueKind>: KeyDeclaration {
    let name: String
    let kind: Kind
    let fallback: Kind.Value
    let meaning: String

    var isRequired: Bool { false }
    var expected: String { kind.expected(example: fallback) }

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

    init(_ name: String, _ content: Content, required: Bool = false, expected: String, _ meaning: String) {
        (self.name, self.content, self.isRequired) = (name, content, required)
        (self.expected, self.meaning) = (expected, meaning)
    }

    /// What is inside.
    indirect enum Content: Sendable {
        case string
        case list(of: Content)
        case object(Shape)
        /// A text, or an object that says more.
        case stringOrObject(Shape)
        /// An object whose keys the user names.
        case map(of: Content)
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
}

/// A duration such as `"5m"`, within bounds.
struct DurationKind: ValueKind {
    let bounds: ClosedRange<Duration>
    /// Whether parts of a second make no sense.
    var wholeSeconds = false

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
