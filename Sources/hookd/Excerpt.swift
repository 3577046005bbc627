// What a person would read first in a callback, whatever its shape. FoundationEssentials is Foundation without
// its tables of languages, which are larger than the daemon.

import FoundationEssentials

/// The words of a callback that a person would look at first.
struct Excerpt: Equatable {
    /// At most that many characters are shown: with `…` they fit behind the time on a terminal of 80 columns.
    static let limit = 57
    /// What is looked for, in this order, at any depth.
    private static let keys = ["text", "caption", "title", "postback_data", "emoji", "url", "description"]

    var text: String

    /// Nil where the body has none of it.
    init?(ofBody body: ArraySlice<UInt8>) {
        guard let root = try? JSONDecoder().decode(JSONValue.self, from: Data(body)),
            let found = Self.keys.lazy.compactMap({ root.string($0) }).first
        else { return nil }
        // Scalars, for a single character may be made of thousands of them.
        let scalars = found.unicodeScalars
        text =
            scalars.count <= Self.limit
            ? found : String(String.UnicodeScalarView(scalars.prefix(Self.limit))) + "…"
    }
}

/// JSON of any shape; what is neither text nor holds any is left out.
private enum JSONValue: Decodable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let object = try? container.decode([String: JSONValue].self) {
            self = .object(object)
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else if let string = try? container.decode(String.self) {
            self = .string(string)
        } else {
            self = .other
        }
    }

    /// The first string of that name that is not empty, the least deep one first.
    func string(_ key: String) -> String? {
        var level = [self]
        while !level.isEmpty {
            var next: [JSONValue] = []
            for value in level {
                switch value {
                case .object(let members):
                    if case .string(let text) = members[key], !text.isEmpty { return text }
                    // The order of a dictionary is another one in each run.
                    next += members.sorted { $0.key < $1.key }.map(\.value)
                case .array(let elements): next += elements
                case .string, .other: break
                }
            }
            level = next
        }
        return nil
    }
}
