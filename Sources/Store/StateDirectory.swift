// The directory that a daemon owns: where its files are, and the lock that keeps a second daemon out.

import CLinux
import Glibc

/// A state directory, held by this process from `open` to the end of the object.
public final class StateDirectory: Sendable {
    /// The directory.
    public let path: String
    private let lockDescriptor: Int32

    /// The database file of the store in `directory`.
    public static func databasePath(in directory: String) -> String { directory + "/hookd.db" }

    /// Whether a file of that name, in a state directory, is the daemon's own: nobody else may write to it.
    public static func owns(fileName: String) -> Bool { fileName.hasPrefix("hookd.") }

    var databasePath: String { Self.databasePath(in: path) }
    /// Holds the highest sequence number that was stored: known outside the database, so that a database that lost its
    /// end is found out.
    var markPath: String { path + "/hookd.mark" }
    /// Held as long as a process has the directory.
    var lockPath: String { Self.lockPath(in: path) }
    private static func lockPath(in directory: String) -> String { directory + "/hookd.lock" }
    /// Takes room on the disk until it is needed.
    var ballastPath: String { path + "/hookd.ballast" }
    /// A repair's new store while it is made, and once it is whole and is to take the place of the damaged one.
    var repairingPath: String { databasePath + ".repairing" }
    var repairedPath: String { Self.repairedPath(in: path) }
    static func repairedPath(in directory: String) -> String { databasePath(in: directory) + ".repaired" }
    /// The write-ahead log.
    var logPath: String { databasePath + "-wal" }
    /// The index of the write-ahead log, in which readers hold locks.
    var sharedMemoryPath: String { databasePath + "-shm" }

    /// Makes the directory if it is missing (0700) and takes its lock.
    public init(path: String) throws(StoreError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .directoryUnusable(path: path, reason: String(cString: strerror(errno)))
        }
        let lockPath = Self.lockPath(in: path)
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .directoryUnusable(path: path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let reason = String(cString: strerror(errno))
            let owner = Self.readOwner(descriptor)
            close(descriptor)
            throw isHeld ? .locked(directory: path, pid: owner) : .directoryUnusable(path: path, reason: reason)
        }
        Self.writeOwner(descriptor)
        self.path = path
        lockDescriptor = descriptor
    }

    deinit {
        // A child that is between fork and exec has the descriptor, too, and would hold the lock for a moment more.
        flock(lockDescriptor, LOCK_UN)
        close(lockDescriptor)
    }

    private static func readOwner(_ descriptor: Int32) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text[..<count].prefix { $0 != 0x0a }, as: UTF8.self))
    }

    /// For the error message of a second daemon; the lock itself does not depend on it.
    private static func writeOwner(_ descriptor: Int32) {
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }
}
