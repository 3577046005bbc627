// A child that does not outlive this process, whatever ends it: `kill -9` leaves no time to end a child.

import CLinux
import Glibc

/// Starts a program that is killed when the calling thread ends. To be called on the main thread, which ends last.
///
/// It reads nothing, what it prints is gone, and its signals are as by default. It has a process group of its own, so
/// that Ctrl-C is not for it.
///
/// - Parameters:
///   - arguments: with its name as the first.
///   - errors: where its standard error goes.
///   - parent: this process. The child ends at once where that is another one by then.
func startBoundChild(
    _ path: String, _ arguments: [String], errors: Int32, parent: pid_t = getpid()
) throws -> pid_t {
    let words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let child = clinux_start_bound(path, words, errors, parent)
    guard child > 0 else {
        throw failure("\(arguments[0]) cannot be started: \(String(cString: strerror(errno))).")
    }
    return child
}
