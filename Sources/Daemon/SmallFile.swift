// Reading a file that must be small: a configuration, a secret.

import Glibc

/// A file that was read whole.
struct SmallFile {
    var bytes: [UInt8]
    /// Whether users besides owner and group may read it.
    var isReadableByOthers: Bool

    /// Reads the file at `path`, which may be a pipe.
    ///
    /// - Parameter limitBytes: the most bytes; a larger file is an error before it is read further, so that
    ///   naming a device or the wrong file does no harm.
    init(path: String, limitBytes: Int) throws(SmallFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw .unreadable(reason: systemMessage(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(reason: systemMessage(errno)) }
        isReadableByOthers = status.st_mode & S_IFMT == S_IFREG && status.st_mode & S_IROTH != 0
        bytes = []
        while true {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                throw .unreadable(reason: systemMessage(code))
            }
            if count == 0 { return }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        }
    }
}

/// Why a small file could not be read.
enum SmallFileError: Error, Equatable {
    case unreadable(reason: String)
    case tooLarge(limitBytes: Int)

    /// Completes "found …, which …".
    var reason: String {
        switch self {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .tooLarge(let limitBytes): "has more than \(limitBytes) bytes"
        }
    }
}

/// What the C library says of an error number, such as `No such file or directory`.
func systemMessage(_ code: Int32) -> String {
    guard let message = strerror(code) else { return "error \(code)" }
    return String(cString: message)
}
