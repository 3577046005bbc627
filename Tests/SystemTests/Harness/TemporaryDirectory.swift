// A directory that is removed, with all that is in it, when nobody holds it any more.

import Foundation

/// A directory of one test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/hookd-system-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: \(String(cString: strerror(errno)))") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        // Again where somebody who has not ended yet made another file meanwhile.
        for _ in 0..<100 where FileManager.default.fileExists(atPath: path) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Creates or replaces a file that only its owner may read.
    func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), to: name)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        guard
            FileManager.default.createFile(
                atPath: file(name), contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        else { throw Failure("\(file(name)) cannot be written") }
    }
}

/// All of a file; empty where there is none.
func contents(of path: String) -> [UInt8] {
    FileManager.default.contents(atPath: path).map { Array($0) } ?? []
}

/// The paths of all files under a directory.
func files(under directory: String) -> [String] {
    let found = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
    return found.map { directory + "/" + $0 }
}
