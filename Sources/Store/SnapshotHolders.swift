// Who keeps the write-ahead log from being written back: SQLite's readers hold locks, and the kernel tells whose.

import Glibc

extension SQLiteEventStore {
    /// A process that reads one state of the file.
    public struct SnapshotHolder: Sendable, Equatable {
        /// Its number.
        public var pid: Int32
        /// The name of its program; empty where that is not to be seen.
        public var name: String

        /// A process of this number and name.
        public init(pid: Int32, name: String) {
            self.pid = pid
            self.name = name
        }
    }

    /// The processes that hold a snapshot of the file now, other ones than this if there are any. None where
    /// /proc is not to be seen.
    func snapshotHolders() -> [SnapshotHolder] {
        var status = stat()
        guard stat(directory.sharedMemoryPath, &status) == 0 else { return [] }
        let found = processes(readingWith: UInt64(status.st_ino), inLocks: smallFile("/proc/locks"))
        // A backup of our own is a reader like any other; but we also read now and then for sinks.
        let others = found.filter { $0 != getpid() }
        return (others.isEmpty ? found : others).map { pid in
            let name = smallFile("/proc/\(pid)/comm").prefix { $0 != "\n" }
            return SnapshotHolder(pid: pid, name: String(name))
        }
    }
}

/// The processes that hold a reader's lock in SQLite's shared memory.
///
/// SQLite locks bytes of it (wal.c, WALINDEX_LOCK_OFFSET and WAL_READ_LOCK): 123 to 127 are held, shared, for as long
/// as a snapshot is. A line is `1: POSIX  ADVISORY  READ 4711 fe:00:1234 124 124`, with the file's device and number.
/// The device is left out of account: some file systems show another one there than by stat(2).
///
/// - Parameters:
///   - file: the number (inode) of the shared memory's file.
///   - text: what is in /proc/locks.
func processes(readingWith file: UInt64, inLocks text: String) -> [Int32] {
    var found: [Int32] = []
    for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count == 8, words[1] == "POSIX", words[3] == "READ", let pid = Int32(words[4]), pid > 0,
            words[5].split(separator: ":").last.flatMap({ UInt64($0) }) == file, let first = Int64(words[6])
        else { continue }
        // Locks of one process that touch each other are shown as one.
        let last = Int64(words[7]) ?? .max
        if first <= 127, last >= 123, !found.contains(pid) { found.append(pid) }
    }
    return found
}

/// What is in a file of /proc, of which no length is known beforehand; empty where it is not to be read.
private func smallFile(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while bytes.count < 1 << 20 {
        let count = read(descriptor, &piece, piece.count)
        guard count > 0 else { break }
        bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}
