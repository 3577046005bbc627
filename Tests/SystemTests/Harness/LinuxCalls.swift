// What Glibc's Swift module leaves out, mostly because it needs _GNU_SOURCE, fetched from the running libc.

import Glibc

/// A pipe whose ends no other process inherits, not even one that is spawned at this very moment.
func makePipe() throws -> (reading: Int32, writing: Int32) {
    typealias Pipe2 = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
    guard let symbol = dlsym(nil, "pipe2") else { throw Failure("libc has no pipe2") }
    var ends: [Int32] = [-1, -1]
    guard unsafeBitCast(symbol, to: Pipe2.self)(&ends, O_CLOEXEC) == 0 else { throw Failure("pipe2: errno \(errno)") }
    return (ends[0], ends[1])
}

/// Sets how large the files may become that the process writes from now on: what lies beyond fails with EFBIG.
func setFileSizeLimit(_ bytes: rlim_t, ofProcess pid: pid_t) throws {
    typealias Limit =
        @convention(c) (
            pid_t, UInt32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?
        ) -> Int32
    guard let symbol = dlsym(nil, "prlimit") else { throw Failure("libc has no prlimit") }
    // The hard limit stays, so that the soft one can be raised again.
    var limit = rlimit(rlim_cur: bytes, rlim_max: rlim_t.max)
    guard unsafeBitCast(symbol, to: Limit.self)(pid, RLIMIT_FSIZE.rawValue, &limit, nil) == 0 else {
        throw Failure("prlimit: errno \(errno)")
    }
}

/// A terminal: what is written to `path` is read from `master`. It goes away when both are closed.
func makeTerminal() throws -> (master: Int32, slave: Int32, path: String) {
    typealias OpenPTY =
        @convention(c) (
            UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<CChar>?, OpaquePointer?,
            OpaquePointer?
        ) -> Int32
    guard let symbol = dlsym(nil, "openpty") else { throw Failure("libc has no openpty") }
    var master: Int32 = -1, slave: Int32 = -1
    var name = [CChar](repeating: 0, count: 256)
    guard unsafeBitCast(symbol, to: OpenPTY.self)(&master, &slave, &name, nil, nil) == 0 else {
        throw Failure("openpty: errno \(errno)")
    }
    for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return (master, slave, String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
}
