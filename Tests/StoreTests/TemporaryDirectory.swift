// A directory of a test's own, gone with the object.

import Foundation

/// An empty directory that is removed with everything in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/hookd-store-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        path = String(cString: made)
    }

    deinit {
        // Again where somebody who has not ended yet made another file meanwhile.
        for _ in 0..<100 where FileManager.default.fileExists(atPath: path) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    /// The path of the store's database file.
    var database: String { path + "/hookd.db" }

    func contents(of name: String) -> Data? { FileManager.default.contents(atPath: path + "/" + name) }

    /// Copies what is in this directory, as a crash would leave it, into another.
    func copied() throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != "hookd.lock" {
            try FileManager.default.copyItem(atPath: path + "/" + name, toPath: copy.path + "/" + name)
        }
        return copy
    }
}
