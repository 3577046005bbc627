// The lines that sinks write, and the wait for them.

import Foundation
import Glibc

/// An event as a line of JSON.
struct EventLine {
    let text: String
    private let members: [String: Any]

    init(_ text: String) throws {
        self.text = text
        guard let members = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw Failure("not a JSON object: \(text.debugDescription)")
        }
        self.members = members
    }

    subscript(name: String) -> String? { members[name] as? String }

    /// Whether the line holds `body`: byte for byte but for the line ends of JSON, or else in base64.
    ///
    /// A line end can stand in JSON only between its tokens, for within strings it is escaped (RFC 8259 §7).
    func holds(_ body: [UInt8]) -> Bool {
        if let base64 = self["data_base64"] {
            return members["data"] == nil && Data(base64Encoded: base64) == Data(body)
        }
        let data = body.filter { $0 != 0x0A && $0 != 0x0D }
        return text.utf8.elementsEqual(text.utf8.prefix(text.utf8.count - data.count - 1) + data + [UInt8(ascii: "}")])
            && text.utf8.dropLast(data.count + 1).suffix(7).elementsEqual("\"data\":".utf8)
    }
}

/// The lines of a text that ends with a line; what is behind the last line's end is not looked at.
func wholeLines(of bytes: [UInt8]) -> [String] {
    guard let end = bytes.lastIndex(of: 0x0A) else { return [] }
    return bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
}

/// The lines of a file.
func lines(of path: String) -> [String] { wholeLines(of: contents(of: path)) }

/// Waits with inotify(7) until a file has at least `count` lines.
func awaitLines(_ count: Int, in path: String) throws -> [String] {
    let watcher = inotify_init1(Int32(IN_CLOEXEC))
    defer { close(watcher) }
    let directory = URL(filePath: path).deletingLastPathComponent().path
    guard inotify_add_watch(watcher, directory, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO)) >= 0 else {
        throw Failure("\(directory) cannot be watched")
    }
    let deadline = Deadline()
    var events = [UInt8](repeating: 0, count: 65_536)
    while true {
        // Looked at after the watch began, so that nothing is missed in between.
        let found = lines(of: path)
        if found.count >= count { return found }
        guard wait(for: POLLIN, on: watcher, until: deadline) else {
            throw Failure("\(path) has \(found.count) lines, and not \(count) within a minute")
        }
        _ = read(watcher, &events, events.count)
    }
}

/// Waits until a process has written at least `count` lines.
func awaitLines(_ count: Int, in output: Collected) throws -> [String] {
    let found = try output.wait("\(count) lines on stdout") { text in
        let lines = wholeLines(of: Array(text.utf8))
        return lines.count >= count ? lines : nil
    }
    guard let found else { throw Failure("stdout ended without \(count) lines") }
    return found
}
