// The highest sequence number that was stored, in a file outside the database: a database that lost its end is found
// out by it.

import Glibc
import Synchronization

/// The mark in its file. The file holds the number and its complement, 16 bytes in all, so that a flipped bit makes it
/// no mark and not another number. It is not synced: it is behind after a power cut, never ahead.
final class StoredMark: Sendable {
    private static let byteCount = 2 * MemoryLayout<Int64>.size

    private let descriptor: Int32
    private let highest: Mutex<Int64>

    /// Opens the file, or makes one that says nothing.
    init(directory: StateDirectory) throws(StoreError) {
        descriptor = open(directory.markPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .directoryUnusable(path: directory.path, reason: String(cString: strerror(errno)))
        }
        highest = Mutex(Self.read(descriptor))
    }

    deinit { close(descriptor) }

    /// The highest sequence number that was stored; 0 where none is known.
    var sequence: Int64 { highest.withLock { $0 } }

    /// Remembers that `sequence` is on disk. The mark never falls.
    func raise(to sequence: Int64) {
        highest.withLock { highest in
            guard sequence > highest else { return }
            highest = sequence
            var words = (sequence.littleEndian, ~sequence.littleEndian)
            pwrite(descriptor, &words, Self.byteCount, 0)
        }
    }

    private static func read(_ descriptor: Int32) -> Int64 {
        var words: (Int64, Int64) = (0, 0)
        guard pread(descriptor, &words, byteCount, 0) == byteCount, words.0 == ~words.1 else { return 0 }
        return max(0, Int64(littleEndian: words.0))
    }
}
