// The repository as files, found from where this file was compiled.

import Foundation

/// A text file of the repository.
struct SourceFile: Sendable {
    /// Its path from the root of the repository.
    var path: String
    /// What is in it.
    var text: String

    /// The part of the name behind the last dot.
    var suffix: String { String(path.split(separator: ".").last ?? "") }

    /// The first folder below Sources or Tests; empty for a file that lies in neither.
    var room: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }
}

/// The root of the repository, three folders above this file.
private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// The text files with one of `suffixes` under `folder` of the repository, in the order of their paths.
func sourceFiles(under folder: String, suffixes: Set<String>) throws -> [SourceFile] {
    let found = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
    let names = (found?.compactMap { $0 as? String } ?? []).sorted()
    return try names.filter { suffixes.contains(URL(filePath: $0).pathExtension) }.map { name in
        let path = folder + "/" + name
        return SourceFile(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
    }
}

/// The names of the folders right below `folder` of the repository.
func folders(in folder: String) throws -> [String] {
    let url = root.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: [.isDirectoryKey])
        .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
        .map(\.lastPathComponent).sorted()
}
