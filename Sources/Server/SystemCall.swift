// System calls: where errno is read, and the error that comes of it.

import Glibc

/// A system call that failed.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, and on what: `bind 127.0.0.1:8080`.
    public let call: String
    /// The error number, as in errno(3).
    public let code: Int32

    /// `call` failed with `code`.
    public init(call: String, code: Int32) {
        (self.call, self.code) = (call, code)
    }

    /// What failed and why.
    public var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Calls `body` again for as long as a signal interrupts it.
///
/// - Parameter name: the call and its object, for the error.
/// - Returns: what `body` returned, which is not -1.
@discardableResult
func systemCall<R: FixedWidthInteger>(
    _ name: @autoclosure () -> String, _ body: () -> R
) throws(SystemError) -> R {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno  // before any other call can overwrite it
        if code != EINTR { throw SystemError(call: name(), code: code) }
    }
}

/// What became of a read or write on a non-blocking socket.
enum Transfer {
    case bytes(Int)
    case wouldBlock
    case failed
}

/// Calls `body`, a read or a write, again for as long as a signal interrupts it. Would-block is a value, no error.
@inline(__always)
func transfer(_ body: () -> Int) -> Transfer {
    while true {
        let result = body()
        if result >= 0 { return .bytes(result) }
        switch errno {
        case EINTR: continue
        case EAGAIN: return .wouldBlock
        default: return .failed
        }
    }
}
