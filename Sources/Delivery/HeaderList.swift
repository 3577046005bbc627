// The header lines of one request as libcurl takes them: a linked list. libcurl's own list costs two allocations a
// line; here the lines of one request are in one piece of memory, which is used again for the next.

import CCurl
import Glibc

/// A list of header lines that stays where it is until the next is set.
final class HeaderList {
    private var lines: UnsafeMutableBufferPointer<CChar> = .allocate(capacity: 4096)
    private var nodes: UnsafeMutableBufferPointer<curl_slist> = .allocate(capacity: 64)

    deinit {
        lines.deallocate()
        nodes.deallocate()
    }

    /// Replaces the list.
    ///
    /// - Parameter bytes: lines such as `ce-id: 1`, each ended by a NUL.
    /// - Returns: the first line, in force until the next call; nil where there is none.
    func set(_ bytes: [UInt8]) -> UnsafeMutablePointer<curl_slist>? {
        if bytes.count > lines.count {
            lines.deallocate()
            lines = .allocate(capacity: bytes.count * 2)
        }
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(lines).copyMemory(from: $0) }
        let count = bytes.count { $0 == 0 }
        if count > nodes.count {
            nodes.deallocate()
            nodes = .allocate(capacity: count * 2)
        }
        guard count > 0, let firstLine = lines.baseAddress, let firstNode = nodes.baseAddress else { return nil }
        var start = 0
        for index in 0..<count {
            let isLast = index == count - 1
            (firstNode + index).initialize(
                to: curl_slist(data: firstLine + start, next: isLast ? nil : firstNode + index + 1))
            start += strlen(firstLine + start) + 1
        }
        return firstNode
    }
}
