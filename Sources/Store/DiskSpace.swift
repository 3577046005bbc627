// The room on the disk: how much is free, how much of it is kept, and the ballast that is given up when all of it is
// gone. A full disk locks SQLite in: deleting and writing back the log need free bytes, too.

import CLinux
import Glibc

/// How much of a disk is kept.
struct DiskBudget: Equatable {
    /// The write-ahead log is written back at so many bytes, and cut back to twice as many.
    let checkpointBytes: Int64
    /// Callbacks are turned away when fewer bytes are free: room for the log, and for deleting.
    private(set) var reserveBytes: Int64
    /// The size of the ballast: 4 times the bound of the log, on all but the smallest disks.
    let ballastBytes: Int64

    /// A budget for a disk of `totalBytes`: 8, 32 and 64 MiB from half a gigabyte on, and less on a smaller one.
    ///
    /// - Parameter reserveBytes: the reserve, if it is not to be what suits the disk; 0 for no reserve and no ballast.
    init(totalBytes: Int64, reserveBytes: Int64? = nil) {
        checkpointBytes = min(max(totalBytes / 64, 256 << 10), 8 << 20)
        self.reserveBytes = reserveBytes ?? Self.fittingReserve(checkpointBytes, totalBytes)
        ballastBytes = reserveBytes == 0 ? 0 : min(8 * checkpointBytes, totalBytes / 8)
    }

    /// On a disk of some megabytes, no more than an eighth.
    private static func fittingReserve(_ checkpointBytes: Int64, _ totalBytes: Int64) -> Int64 {
        min(4 * checkpointBytes, totalBytes / 8)
    }

    /// Another reserve; what suits the disk where it is nil.
    mutating func setReserve(_ bytes: Int64?, totalBytes: Int64?) {
        reserveBytes = bytes ?? Self.fittingReserve(checkpointBytes, totalBytes ?? .max)
    }
}

/// The bytes of a file system.
struct DiskSpace {
    let totalBytes: Int64
    /// What is free for who is not root.
    let freeBytes: Int64

    /// Asks the file system of `path`; nil where it does not answer.
    init?(path: String) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        totalBytes = Int64(status.f_blocks) * Int64(status.f_frsize)
        freeBytes = Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}

/// A file that does nothing but take room, until the room is needed.
struct Ballast {
    let path: String
    /// How large it is to be.
    let wantedBytes: Int64
    /// How large it is.
    private(set) var heldBytes: Int64

    /// Takes over the ballast that is there.
    init(path: String, wantedBytes: Int64) {
        self.path = path
        self.wantedBytes = wantedBytes
        heldBytes = sizeOfFile(path)
    }

    var isWhole: Bool { heldBytes >= wantedBytes }

    /// Gives it up. Returns how many bytes that frees.
    mutating func release() -> Int64 {
        defer { heldBytes = 0 }
        guard heldBytes > 0, unlink(path) == 0 else { return 0 }
        return heldBytes
    }

    /// Takes it back. Returns why not, as an error number.
    mutating func take() -> Int32? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, off_t(wantedBytes))
        guard code == 0 else {
            unlink(path)
            heldBytes = 0
            return code
        }
        heldBytes = wantedBytes
        return nil
    }
}

/// The size of a file in bytes; 0 where there is none.
func sizeOfFile(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}
