// Files that are named on the command line: read whole, whatever they are.

import Daemon
import Glibc

/// Why a file could not be read.
struct UnreadableFile: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(quoted(path)) cannot be read: \(reason)" }
}

/// What is in the file, which may be a pipe, such as that of `<(pass sinch)`; `-` is stdin.
func contents(of path: String) throws(UnreadableFile) -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    defer { if descriptor > STDIN_FILENO { close(descriptor) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = descriptor < 0 ? -1 : read(descriptor, &chunk, chunk.count)
        if count < 0 {
            let code = errno
            if descriptor >= 0, code == EINTR { continue }
            throw UnreadableFile(path: path, reason: String(cString: strerror(code)))
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
    }
}
