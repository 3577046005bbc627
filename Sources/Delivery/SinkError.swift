// What can go wrong with a sink, told so that an operator knows what to do. Every case but `interrupted` and
// `urlInvalid` is retried for as long as it lasts.

/// A failure of a sink. `description` is the sentence for the operator; it never holds more of a URL than its
/// origin, since paths, queries and user information of webhook URLs are often secrets.
public enum SinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file could not be opened or created.
    case cannotOpen(path: String, reason: String)
    /// The path leads to something that lines cannot be appended to.
    case notAFile(path: String, kind: String)
    /// Writing to the file failed; what is in it ends with a whole line.
    case writeFailed(path: String, reason: String)
    /// Writing to the file failed in the middle of a line, which could not be cut off again.
    case tornLine(path: String, reason: String, cutReason: String)
    /// The file could not be written through to the disk.
    case synchronizeFailed(path: String, reason: String)
    /// Nobody reads standard output any more.
    case readerGone
    /// The reader of standard output has not read for `seconds`.
    case readerStalled(seconds: Int)
    /// Writing to standard output failed.
    case outputFailed(reason: String)
    /// The URL is none that events can be sent to. Final: a matter of configuration.
    case urlInvalid(reason: String)
    /// libcurl or the system gave out no memory or no descriptors.
    case exhausted(what: String)
    /// The target answered with a status that is not 2xx. `excerpt` has its control characters escaped.
    case answered(origin: String, status: Int, excerpt: String)
    /// The target answered with a redirect.
    case redirected(origin: String, status: Int)
    /// No answer came.
    case unreachable(origin: String, reason: String)
    /// The target's name leads to an address that events are not sent to.
    case addressRefused(origin: String, address: String, reason: String)
    /// `interrupt()` was called.
    case interrupted

    /// The status of the answer; nil where it is about none.
    var status: Int? {
        switch self {
        case .answered(_, let status, _), .redirected(_, let status): status
        default: nil
        }
    }

    /// What was wrong, where, and what to do.
    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "\(path) cannot be opened: \(reason). hookd needs a directory and a file there that it may write."
        case .notAFile(let path, let kind):
            "\(path) is \(kind). Name a file that lines can be appended to."
        case .writeFailed(let path, let reason):
            "writing to \(path) failed: \(reason). The file ends with a whole line."
        case .tornLine(let path, let reason, let cutReason):
            "writing to \(path) failed in the middle of a line: \(reason). Cutting the file back to its last whole "
                + "line failed too: \(cutReason). The next line will begin on a line of its own."
        case .synchronizeFailed(let path, let reason):
            "writing \(path) through to the disk failed: \(reason). Check the disk; events written since the last "
                + "success are written again."
        case .readerGone:
            "nobody reads standard output any more. Restart whatever read it, and hookd with it."
        case .readerStalled(let seconds):
            "the reader of standard output has read nothing for \(seconds) s. Its events wait in the store."
        case .outputFailed(let reason):
            "writing to standard output failed: \(reason)."
        case .urlInvalid(let reason):
            "the URL cannot be used: \(reason). Name the http or https URL that events are to be sent to."
        case .exhausted(let what):
            "the system has no more \(what) to give. Free some, or raise the limits of the service."
        case .answered, .redirected, .unreachable, .addressRefused:
            forwardDescription
        case .interrupted:
            "given up because hookd stops."
        }
    }

    private var forwardDescription: String {
        switch self {
        case .answered(let origin, let status, let excerpt):
            "\(origin) answered \(status)" + (excerpt.isEmpty ? "." : ": \"\(excerpt)\".")
        case .redirected(let origin, let status):
            "\(origin) answered \(status), a redirect, and hookd follows none. Name the final URL."
        case .unreachable(let origin, let reason):
            "\(origin) gave no answer: \(reason)."
        case .addressRefused(let origin, let address, let reason):
            "\(origin) leads to \(address), \(reason). Check the name in DNS, or name another host."
        default:
            ""
        }
    }
}
