// Rotated files: their names, and which of them are kept.
//
// A file that is full is renamed to its name, a dot, and the number of the last event that it may hold, in 19 digits:
// names sort as events do, none is used twice, and no chain of renames can be torn by a crash.

import Glibc

/// When a file is full, and what becomes of it.
public struct FileRotation: Sendable, Equatable {
    /// The size from which on a file is full, in bytes; nil for no such limit.
    public var sizeBytes: Int64?
    /// The age from which on a file is full, in seconds; nil for no such limit.
    public var ageSeconds: Int64?
    /// How many rotated files are kept.
    public var keep: Int
    /// Whether rotated files are compressed, but for the newest.
    public var compresses: Bool

    /// A rotation; see the properties.
    public init(sizeBytes: Int64? = nil, ageSeconds: Int64? = nil, keep: Int = 7, compresses: Bool = false) {
        (self.sizeBytes, self.ageSeconds) = (sizeBytes, ageSeconds)
        (self.keep, self.compresses) = (keep, compresses)
    }

    /// Whether a file is full.
    func isDue(length: Int64, bornAt: Int64, now: Int64) -> Bool {
        guard length > 0 else { return false }
        if let sizeBytes, length >= sizeBytes { return true }
        if let ageSeconds, now - bornAt >= ageSeconds { return true }
        return false
    }
}

/// The rotated files beside a file.
struct RotatedFiles {
    static let compressedSuffix = ".gz"
    static let unfinishedSuffix = ".gz.tmp"

    let directory: String
    /// The name of the file that is rotated.
    let name: String

    init(path: String) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// The name that a file gets whose events are no later than `sequence`.
    static func path(of path: String, upTo sequence: Int64) -> String {
        let digits = String(max(0, sequence))
        return path + "." + String(repeating: "0", count: 19 - digits.count) + digits
    }

    /// Files rotated by us, oldest first, compressed or not.
    func rotated() -> [String] { ours { $0.count == 19 || $0.hasSuffix(Self.compressedSuffix) && $0.count == 22 } }

    /// What a crash left of compressing.
    func unfinished() -> [String] { ours { $0.hasSuffix(Self.unfinishedSuffix) && $0.count == 26 } }

    /// The newest files that this one may have been a moment ago: rotated by us, or by another program, which may call
    /// them what it likes behind the name. Newest first.
    func predecessors() -> [String] {
        let others = entries().filter { $0 != name && $0.hasPrefix(name) && !$0.hasSuffix(Self.compressedSuffix) }
        let dated = others.compactMap { entry -> (path: String, modified: Int)? in
            var status = stat()
            let path = "\(directory)/\(entry)"
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return (path, status.st_mtim.tv_sec)
        }
        return dated.sorted { ($0.modified, $0.path) > ($1.modified, $1.path) }.prefix(3).map(\.path)
    }

    private func ours(_ isOurs: (Substring) -> Bool) -> [String] {
        let suffixes = entries().compactMap { entry -> Substring? in
            guard entry.hasPrefix(name + ".") else { return nil }
            let rest = entry.dropFirst(name.count + 1)
            return rest.utf8.prefix(19).count == 19 && rest.utf8.prefix(19).allSatisfy { (0x30...0x39).contains($0) }
                && isOurs(rest) ? rest : nil
        }
        return suffixes.sorted().map { "\(directory)/\(name).\($0)" }
    }

    private func entries() -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var entries: [String] = []
        while let entry = readdir(stream) {
            entries.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return entries
    }
}
