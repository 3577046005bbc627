// Each input that fuzzing found worth keeping, and each seed, through the function that is fuzzed.

import Foundation
import FuzzTargets
import Testing

@Suite("What fuzzing found") struct CorpusTests {
    /// Fuzz/Corpus has inputs that reach far, Fuzz/Regressions those that once were a fault: a folder for each target.
    private static let folders = ["Corpus", "Regressions"]

    private static func files(of target: FuzzTarget) throws -> [URL] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz").standardized
        return try folders.flatMap { folder -> [URL] in
            let path = root.appending(path: folder).appending(path: target.name)
            guard FileManager.default.fileExists(atPath: path.path) else { return [] }
            return try FileManager.default.contentsOfDirectory(at: path, includingPropertiesForKeys: nil)
        }
    }

    @Test("holds", arguments: FuzzTarget.all.map(\.name)) func holds(_ name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let files = try Self.files(of: target)
        #expect(!files.isEmpty, "the corpus is part of the tree")
        for file in files { check(target, Array(try Data(contentsOf: file)), file.lastPathComponent) }
        for (index, seed) in try target.seeds().enumerated() { check(target, seed, "seed \(index)") }
    }

    private func check(_ target: FuzzTarget, _ input: [UInt8], _ name: String) {
        do {
            try input.withUnsafeBufferPointer(target.run)
        } catch {
            Issue.record("\(name): \(error)\n\(String(decoding: input, as: UTF8.self).debugDescription)")
        }
    }
}
