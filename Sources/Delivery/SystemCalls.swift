// The few system calls that sinks make, with the one place where `errno` is read, and a descriptor with an owner.

import Glibc

/// A system call that failed.
struct SystemFailure: Error, Equatable {
    let code: Int32

    /// What the system says it means, in words and as its number.
    var reason: String {
        // glibc's strerror is safe from any thread for every number that the kernel returns.
        let words = strerror(code).map { String(cString: $0) } ?? "unknown"
        return "\(words) (errno \(code))"
    }
}

/// Runs `body` again for as long as a signal interrupts it.
func systemCall<R: FixedWidthInteger>(_ body: () -> R) throws(SystemFailure) -> R {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno  // before any other call can overwrite it
        if code != EINTR { throw SystemFailure(code: code) }
    }
}

/// An open descriptor, closed with its last owner. A call on it from another queue keeps it open until it returns.
final class Descriptor: Sendable {
    let number: Int32

    /// Takes over a descriptor that is open.
    init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // Never repeated after EINTR: on Linux the descriptor is gone by then (close(2)).
        close(number)
    }

    /// Opens `path` as open(2) does.
    convenience init(path: String, flags: Int32, mode: mode_t = 0) throws(SystemFailure) {
        try self.init(owning: systemCall { open(path, flags | O_CLOEXEC, mode) })
    }

    /// What fstat(2) says.
    func status() throws(SystemFailure) -> stat {
        var status = stat()
        _ = try systemCall { fstat(number, &status) }
        return status
    }
}

/// A switch that a blocked poll(2) notices: a pipe that is readable from `raise()` on.
final class Interruption: Sendable {
    private let reading: Descriptor
    private let writing: Descriptor

    init() throws(SinkError) {
        var ends: [Int32] = [-1, -1]
        do throws(SystemFailure) {
            _ = try systemCall { pipe(&ends) }
        } catch {
            throw .exhausted(what: "descriptors")
        }
        reading = Descriptor(owning: ends[0])
        writing = Descriptor(owning: ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    /// Readable once raised.
    var descriptor: Int32 { reading.number }

    /// Takes it back.
    func lower() {
        var bytes = [UInt8](repeating: 0, count: 64)
        var entry = pollfd(fd: reading.number, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, 0) > 0, read(reading.number, &bytes, bytes.count) > 0 {}
    }

    /// Raises it until it is lowered.
    func raise() {
        // One byte always fits: whoever lowers it takes all of them out, and a second one does no harm.
        var byte: UInt8 = 0
        _ = write(writing.number, &byte, 1)
    }
}
