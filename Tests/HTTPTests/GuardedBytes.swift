// Memory that ends at a border: a read or write one byte behind it is a crash and not a silent success.

import CLinux
import Glibc

/// Bytes laid up to the edge of a page that cannot be touched.
final class GuardedBytes {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private let pageSize = Int(getpagesize())

    /// Room for `capacity` bytes before the border.
    init(capacity: Int) throws {
        self.capacity = (capacity + pageSize - 1) / pageSize * pageSize
        let size = self.capacity + pageSize
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { throw GuardError(call: "mmap", code: errno) }
        self.base = base
        guard mprotect(base + self.capacity, pageSize, PROT_NONE) == 0 else {
            throw GuardError(call: "mprotect", code: errno)
        }
    }

    deinit { munmap(base, capacity + pageSize) }

    /// Copies `bytes` to the border and calls `body` with them there.
    func with<R>(_ bytes: some Collection<UInt8>, _ body: (UnsafeMutableBufferPointer<UInt8>) throws -> R) rethrows -> R
    {
        precondition(bytes.count <= capacity, "more bytes than were asked for")
        let start = (base + capacity - bytes.count).assumingMemoryBound(to: UInt8.self)
        let buffer = UnsafeMutableBufferPointer(start: start, count: bytes.count)
        _ = buffer.update(fromContentsOf: bytes)
        return try body(buffer)
    }
}

/// A system call that failed.
struct GuardError: Error {
    let call: String
    let code: Int32
}
