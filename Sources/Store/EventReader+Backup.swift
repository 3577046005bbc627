// A consistent copy of a store in one file, while the daemon writes.

import Glibc

extension EventReader {
    /// Copies the store as it is at this moment into a new file that only its owner may read, and returns when that is
    /// on disk. Pages that hold nothing are not copied. Until it is done the write-ahead log grows by what is stored
    /// meanwhile.
    ///
    /// - Parameter path: where there must be nothing yet.
    public func backup(to path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .backupFailed(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        do throws(StoreError) {
            // An empty file is what SQLite fills, so nobody else can read it for even a moment.
            let statement = try connection.prepare("VACUUM INTO ?", for: "copying to \(path)")
            statement.bind(1, copying: path)
            try statement.step()
            guard fsync(descriptor) == 0, synchronizeDirectory(of: path) else {
                throw .backupFailed(path: path, reason: String(cString: strerror(errno)))
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// The entry of a new file is on disk when its directory was synced.
    private func synchronizeDirectory(of path: String) -> Bool {
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let parent = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return false }
        defer { close(directory) }
        return fsync(directory) == 0
    }
}
