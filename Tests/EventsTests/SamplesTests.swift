// The samples in the program are the files in the folder.

import Foundation
import Samples
import Testing

@Suite("Samples") struct SamplesTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Samples/Bodies")

    @Test("are the files in Bodies, byte for byte") func listAndFolderAgree() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
        let names = files.map { $0.deletingPathExtension().lastPathComponent }.sorted()
        #expect(Sample.all.map(\.name) == names)
        for sample in Sample.all {
            let file = Self.folder.appending(path: sample.name + ".json")
            #expect(try [UInt8](Data(contentsOf: file)) == sample.body, "\(sample.name)")
        }
    }

    @Test("are found by name") func isFound() {
        #expect(Sample.named("message_inbound.text")?.name == "message_inbound.text")
        #expect(Sample.named("message_inbound") == nil)
    }

    @Test("all have their origin in README.md") func haveOrigins() throws {
        let readme = Self.folder.deletingLastPathComponent().appending(path: "README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        for sample in Sample.all { #expect(text.contains("| `\(sample.name).json` |")) }
    }
}
