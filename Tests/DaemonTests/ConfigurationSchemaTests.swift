// The schema and the reference: in the tree as the declarations have them, and of one mind with the parser.

import Foundation
import Testing

@testable import Daemon

@Suite("The schema and the reference of the configuration") struct ConfigurationSchemaTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

    private func file(_ name: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: name), encoding: .utf8)
    }

    @Test("stand in the tree as the code makes them; make schema writes them anew") func areCurrent() throws {
        #expect(try file("hookd.schema.json") == ConfigurationSchema.text)
        let page = try file("docs/configuration.md")
        let start = try #require(page.range(of: ConfigurationReference.mark + "\n"))
        #expect(String(page[start.upperBound...]) == ConfigurationReference.text)
    }

    /// A JSON value as Foundation reads it: not by the parser that the configuration is read with.
    private func schema() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(ConfigurationSchema.text.utf8))
        return try #require(value as? [String: Any])
    }

    /// All keys that the parser knows, by their names and those of the objects around them.
    private func keys(of shape: Shape, _ path: String) -> Set<String> {
        shape.keys.reduce(into: []) { found, key in
            let keyPath = path + "/" + key.name
            found.insert(keyPath)
            if case .content(let content) = key.form { found.formUnion(keys(of: content, keyPath)) }
        }
    }

    private func keys(of content: Entry.Content, _ path: String) -> Set<String> {
        switch content {
        case .string, .path, .url, .hidden: []
        case .object(let shape), .stringOrObject(let shape): keys(of: shape, path)
        case .list(let element, _), .map(let element, _, _): keys(of: element, path)
        case .variants(_, let shapes): shapes.values.reduce(into: []) { $0.formUnion(keys(of: $1, path)) }
        }
    }

    /// All keys that a schema has, likewise. Every object with keys must be closed, and every key have a meaning.
    private func properties(of schema: [String: Any], _ path: String) -> Set<String> {
        var found: Set<String> = []
        if let properties = schema["properties"] as? [String: [String: Any]] {
            #expect(schema["additionalProperties"] as? Bool == false, "\(path) is closed")
            for (name, property) in properties {
                #expect((property["description"] as? String)?.hasSuffix(".") == true, "\(path)/\(name) has a meaning")
                found.insert(path + "/" + name)
                found.formUnion(self.properties(of: property, path + "/" + name))
            }
        }
        let inner = [schema["items"], schema["additionalProperties"]].compactMap { $0 as? [String: Any] }
        let choices = [schema["anyOf"], schema["oneOf"]].compactMap { $0 as? [[String: Any]] }.joined()
        for schema in inner + choices { found.formUnion(properties(of: schema, path)) }
        return found
    }

    @Test("know every key of the parser, and no other") func keys() throws {
        let known = keys(of: Shape.top, "")
        #expect(known.count > 80 && known.contains("/sinks/retry/initial"))
        #expect(try properties(of: schema(), "") == known)
        for key in known {
            let name = key.split(separator: "/").last ?? ""
            #expect(ConfigurationReference.text.contains("| `\(name)` |"), "the reference has \(key)")
        }
    }

    @Test("have the defaults and bounds of the parser") func values() throws {
        let properties = try #require(try schema()["properties"] as? [String: [String: Any]])
        let limits = try #require(properties["limits"]?["properties"] as? [String: [String: Any]])
        #expect(limits["body"]?["default"] as? String == "1MiB")
        #expect(limits["header_count"]?["maximum"] as? Int == 1000)
        #expect(limits["header_count"]?["minimum"] as? Int == 1)
        #expect(limits["idle_timeout"]?["default"] as? String == "75s")
        #expect(try schema()["required"] as? [String] == ["listen", "endpoints"])
    }

    @Test("`$schema` may stand in a configuration") func schemaKey() throws {
        _ = try ConfigurationText.more(#""$schema": "./hookd.schema.json""#).load()
    }

    /// What a pattern of the schema would refuse, the parser must refuse.
    @Test(
        "let pass whatever the parser takes",
        arguments: [
            "1s", "1000ms", "60000ms", "5m", "1h", "1500ms", "1", "s", "1.5s", "+1s", "-1s", "01s", "1 s", "0s",
        ]
    ) func durations(_ text: String) throws {
        let isTaken = ConfigurationText.endpointKeys(#""tolerance": "\#(text)""#).problems().isEmpty
        let pattern = try #require(
            EndpointKeys.tolerance.kind.schema.lazy.compactMap { key, value -> String? in
                guard key == "pattern", case .string(let text) = value else { return nil }
                return text
            }.first)
        let passes = try Regex(pattern).wholeMatch(in: text) != nil
        #expect(!isTaken || passes)
        #expect(passes || !["1s", "1000ms", "60000ms", "5m", "1h", "01s"].contains(text))
    }
}
