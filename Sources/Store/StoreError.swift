// What can go wrong with the store, told so that an operator knows what to do.

import Glibc

/// A failure of the store. `description` is the sentence for the operator.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another daemon holds the state directory. `pid` is nil where it could not be read.
    case locked(directory: String, pid: Int32?)
    /// The state directory cannot be used.
    case directoryUnusable(path: String, reason: String)
    /// The file was written by a newer hookd.
    case schemaTooNew(path: String, found: Int, supported: Int)
    /// The file is there but is not a store of hookd's.
    case notAStore(path: String, reason: String)
    /// A part of the file cannot be read, for it is not what was written.
    case damaged(path: String, reason: String)
    /// A repair ended between having made a new store and putting it into the old one's place.
    case repairInterrupted(directory: String)
    /// A repair could not be made; nothing was changed.
    case repairFailed(path: String, reason: String)
    /// SQLite failed; `code` is its extended result code.
    case sqlite(operation: String, path: String, code: Int32, message: String)
    /// There is no store to read.
    case missing(path: String)
    /// A backup could not be made.
    case backupFailed(path: String, reason: String)
    /// The store is closed or being reopened after a failure.
    case unavailable

    /// What was wrong, where, and what to do.
    public var description: String {
        switch self {
        case .locked(let directory, let pid):
            let owner = pid.map { "the hookd with process id \($0)" } ?? "another hookd"
            return "state directory \(directory) is in use by \(owner). Stop that one, or give this one another "
                + "state_directory."
        case .directoryUnusable(let path, let reason):
            return "state directory \(path) cannot be used: \(reason). hookd needs a directory that it may write."
        case .schemaTooNew(let path, let found, let supported):
            return "\(path) has schema version \(found), and this hookd knows only up to \(supported). "
                + "It was written by a newer hookd: start that one. Nothing was changed."
        case .notAStore(let path, let reason):
            return "\(path) is not an event store that hookd can use: \(reason). Move it away to start empty, "
                + "or restore it from a backup."
        case .damaged(let path, let reason):
            return
                "\(path) is damaged: \(reason). Stop hookd and run `hookd store repair`: it makes a new store of all "
                + "that can be read, and keeps the damaged one."
        case .repairInterrupted(let directory):
            return
                "the repair of the store in \(directory) was interrupted. Run `hookd store repair` again: it goes on "
                + "where it was."
        case .repairFailed(let path, let reason):
            return "\(path) was not repaired: \(reason). Nothing was changed."
        case .sqlite(let operation, let path, let code, let message):
            return "\(operation) failed on \(path): \(message) (SQLite code \(code))."
        case .missing(let path):
            return "there is no event store at \(path). Has hookd run with this state directory?"
        case .backupFailed(let path, let reason):
            return "no backup was made to \(path): \(reason). hookd makes a new file there and overwrites none."
        case .unavailable:
            return "the event store is not available at the moment."
        }
    }
}

extension StoreError {
    /// What the system calls an error.
    static func text(ofErrorNumber code: Int32) -> String { String(cString: strerror(code)) }
}
