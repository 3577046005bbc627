// The examples of docs/listening.md are configurations that hookd takes.

import Foundation
import Testing

@testable import Daemon

@Suite("The examples of docs/listening.md") struct ListeningPageTests {
    /// The insides of the fences of JSON: one key and its value each.
    private static func examples() throws -> [String] {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/listening.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        return text.matches(of: /```json\n([^`]*)```/).map { String($0.1) }
    }

    @Test("are taken without a warning") func taken() throws {
        let examples = try Self.examples()
        #expect(examples.count >= 8)
        for example in examples {
            let separator = try #require(example.firstRange(of: ": "))
            let value = String(example[separator.upperBound...])
            let text: ConfigurationText? =
                switch example[..<separator.lowerBound] {
                case "\"listen\"": .listen(value)
                case "\"allow\"", "\"rate_limit\"": .endpointKeys(example)
                case "\"limits\"":
                    .limits(String(value.trimmingCharacters(in: .whitespacesAndNewlines.union(["{", "}"]))))
                default: nil
                }
            let configuration = try #require(text, "an example of what? \(example)").load()
            #expect(configuration.warnings == [], "\(example)")
        }
    }
}
