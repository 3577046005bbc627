// What is done to rotated files: the older ones are compressed, the oldest removed. On a queue of its own and with
// the least priority, so that no event waits for it.

import CZlib
import Dispatch
import Glibc

/// Keeps the rotated files of one file in order.
final class FileUpkeep: Sendable {
    private let path: String
    private let rotation: FileRotation
    /// One for all: a sink that takes the place of another may have to do with the same files.
    static let queue = DispatchQueue(label: "hookd.rotation", qos: .background)

    init(path: String, rotation: FileRotation) {
        self.path = path
        self.rotation = rotation
    }

    /// Has it done soon.
    func begin() { Self.queue.async { self.run() } }

    /// Every step leaves whole files only, so a crash between any two of them costs nothing but a second try.
    private func run() {
        let files = RotatedFiles(path: path)
        for leftover in files.unfinished() { unlink(leftover) }
        let rotated = files.rotated()
        for old in rotated.dropLast(rotation.keep) { unlink(old) }
        guard rotation.compresses else { return }
        // The newest stays as it is: a start may have to read how far it goes.
        for file in rotated.suffix(rotation.keep).dropLast() where !file.hasSuffix(RotatedFiles.compressedSuffix) {
            compress(file)
        }
    }

    private func compress(_ file: String) {
        let unfinished = file + RotatedFiles.unfinishedSuffix
        guard copyCompressed(file, to: unfinished), rename(unfinished, file + RotatedFiles.compressedSuffix) == 0 else {
            unlink(unfinished)
            return
        }
        unlink(file)
    }

    /// Returns whether all of it is there, on the disk.
    private func copyCompressed(_ file: String, to path: String) -> Bool {
        guard let source = try? Descriptor(path: file, flags: O_RDONLY), let status = try? source.status(),
            let target = try? Descriptor(
                path: path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: status.st_mode & 0o777),
            let copy = gzdopen(dup(target.number), "wb6")
        else { return false }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isWhole = true
        while isWhole {
            guard let count = try? systemCall({ read(source.number, &buffer, buffer.count) }) else {
                isWhole = false
                break
            }
            if count == 0 { break }
            isWhole = gzwrite(copy, buffer, UInt32(count)) == Int32(count)
        }
        let isClosed = gzclose(copy) == Z_OK
        return isWhole && isClosed && fsync(target.number) == 0
    }
}
