// Holding one thread of a process, as a bug or a starved machine might, while all others go on: ptrace(2).

import Foundation
import Glibc

/// A thread that does nothing until it is let go. To be used on one thread of ours, for the kernel lets no other.
struct StuckThread {
    private let id: pid_t

    private static func ptrace(_ request: Int, _ id: pid_t) throws {
        typealias PTrace = @convention(c) (Int, pid_t, Int, Int) -> Int
        guard let symbol = dlsym(nil, "ptrace") else { throw Failure("libc has no ptrace") }
        guard unsafeBitCast(symbol, to: PTrace.self)(request, id, 0, 0) != -1 else {
            throw Failure("ptrace \(request): \(String(cString: strerror(errno)))")
        }
    }

    /// Holds the thread of this name.
    init(_ name: String, of pid: pid_t) throws {
        // A program that was just started has the name of the one that started it for a moment.
        id = try poll("a thread \(name) of process \(pid)") { try Self.thread(name, of: pid) }
        try Self.ptrace(0x4206, id)  // PTRACE_SEIZE
        try Self.ptrace(0x4207, id)  // PTRACE_INTERRUPT
        try poll("the stop of thread \(name)") { [id] in state(pid, id) == "t" ? () : nil }
        self.pid = pid
    }

    private let pid: pid_t

    private static func thread(_ name: String, of pid: pid_t) throws -> pid_t? {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").compactMap { pid_t($0) }
        return threads.first { id in
            String(decoding: contents(of: "/proc/\(pid)/task/\(id)/comm"), as: UTF8.self) == name + "\n"
        }
    }

    /// Lets it go on.
    func letGo() throws { try Self.ptrace(17, id) }  // PTRACE_DETACH
}

/// The letter that says what a thread does; behind the name, which stands in brackets.
private func state(_ pid: pid_t, _ id: pid_t) -> Substring? {
    let line = String(decoding: contents(of: "/proc/\(pid)/task/\(id)/stat"), as: UTF8.self)
    return line.split(separator: ") ").last?.prefix(1)
}
