// What a process writes, gathered by a thread as it comes, for tests to wait on.

import Foundation
import Glibc

/// The bytes read from a descriptor so far, up to its end.
final class Collected: @unchecked Sendable {  // `bytes` and `hasEnded`: only with `condition` locked
    private let condition = NSCondition()
    private var bytes: [UInt8] = []
    private var hasEnded = false

    /// Reads `descriptor` on a thread of its own, and closes it.
    func read(from descriptor: Int32) {
        Thread.detachNewThread { [self] in
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = Glibc.read(descriptor, &piece, piece.count)
                if count < 0 && errno == EINTR { continue }
                condition.withLock {
                    if count > 0 { bytes += piece[..<count] } else { hasEnded = true }
                    condition.broadcast()
                }
                if count <= 0 { break }
            }
            close(descriptor)
        }
    }

    var all: [UInt8] { condition.withLock { bytes } }
    var text: String { String(decoding: all, as: UTF8.self) }

    /// Waits until `find` finds something in what has been written.
    ///
    /// - Returns: nil if the writer ended without it.
    func wait<T>(_ what: String, seconds: Double = 60, for find: (String) throws -> T?) throws -> T? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = try find(String(decoding: bytes, as: UTF8.self)) { return found }
            if hasEnded { return nil }
            guard condition.wait(until: deadline) else { throw Failure("\(what): not within \(seconds) s") }
        }
    }

    /// Waits until the writer has closed its end. Returns all that it wrote.
    func toEnd() throws -> String {
        _ = try wait("the end of the output") { _ in Bool?.none }
        return text
    }
}
