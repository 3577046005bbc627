// JSON as the admin listener answers it.

/// A value of a JSON text that is to be written. Keys keep their order.
enum JSONOutput: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONOutput])
    case object([(key: String, value: JSONOutput)])
    /// A JSON text that is there already.
    case written(String)

    /// The text, on one line.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        // JSON has no other numbers (RFC 8259 §6).
        case .number(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): quoted(value)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { quoted($0.key) + ":" + $0.value.text }.joined(separator: ",") + "}"
        case .written(let text): text
        }
    }
}

extension JSONOutput {
    static func integer(_ value: Int) -> JSONOutput { .integer(Int64(value)) }

    static func optional(_ value: String?) -> JSONOutput { value.map { .string($0) } ?? .null }

    static func optional(_ value: Int64?) -> JSONOutput { value.map { .integer($0) } ?? .null }

    static func optional(_ value: Double?) -> JSONOutput { value.map { .number($0) } ?? .null }

    /// A time in microseconds since 1970 (UTC) as RFC 3339 writes it.
    static func time(ofMicroseconds time: Int64?) -> JSONOutput {
        optional(time.map { UTCTimestamp.text(ofMicroseconds: $0) })
    }

    /// A time in seconds since 1970 (UTC) as RFC 3339 writes it.
    static func time(ofSeconds time: Int64?) -> JSONOutput {
        optional(time.map { UTCTimestamp.text(ofSeconds: $0) })
    }
}
