// What operators do with stored events: dead letters, quarantine, replay, backup. The admin listener puts their
// questions here, and so does a command that finds no daemon and has opened the store itself.

import Glibc
import Store

/// Answers operators' questions about a store.
public final class OperatorDesk: Sendable {
    /// How many rows a list holds if it is not said.
    static let usualLimit = 100
    /// How many rows a list holds at most, and how many a commit changes.
    static let pieceLimit = 1000

    let store: SQLiteEventStore
    let stateDirectory: String
    /// What a sink gets of itself; nil where that is not known.
    let terms: @Sendable (_ sink: String) -> SinkTerms?
    /// The streams that are open; nil where no daemon runs.
    let feeds: EventFeeds?

    init(
        store: SQLiteEventStore, stateDirectory: String, feeds: EventFeeds?,
        terms: @escaping @Sendable (_ sink: String) -> SinkTerms?
    ) {
        (self.store, self.stateDirectory, self.terms) = (store, stateDirectory, terms)
        self.feeds = feeds
    }

    /// Opens the store of a daemon that does not run. Fails where one does.
    ///
    /// - Parameter terms: what each sink gets of itself, as far as that is known.
    public convenience init(
        stateDirectory: String, terms: [String: SinkTerms], notify: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        let path = StateDirectory.databasePath(in: stateDirectory)
        // Opening would make an empty one.
        guard access(path, F_OK) == 0 else { throw .missing(path: path) }
        let directory = try StateDirectory(path: stateDirectory)
        let store = try SQLiteEventStore(directory: directory) { notice in notify(notice.message) }
        self.init(store: store, stateDirectory: stateDirectory, feeds: nil) { terms[$0] }
    }

    /// Closes the store.
    public func close() { store.close() }

    /// Answers a question. Blocks for as long as the disk needs.
    public func answer(_ request: AdminRequest) -> AdminAnswer {
        do throws(AdminRefusal) {
            return try route(request)
        } catch {
            return .error(error.status, error.message)
        }
    }

    private func route(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let parts = request.path.split(separator: "/").map(String.init)
        switch (request.method, parts.first, parts.dropFirst().first, parts.count) {
        case (.get, "dead-letters", nil, 1): return try listDeadLetters(request)
        case (.get, "dead-letters", let number?, 2): return try showDeadLetter(number, isWhole: true)
        case (.get, "dead-letters", let number?, 3) where parts[2] == "event":
            return try showDeadLetter(number, isWhole: false)
        case (.post, "dead-letters", "release", 2): return try changeDeadLetters(request, releases: true)
        case (.post, "dead-letters", "drop", 2): return try changeDeadLetters(request, releases: false)
        case (.get, "quarantine", nil, 1): return try listQuarantine(request)
        case (.get, "quarantine", let number?, 2): return try showQuarantined(number, isWhole: true)
        case (.get, "quarantine", let number?, 3) where parts[2] == "event":
            return try showQuarantined(number, isWhole: false)
        case (.post, "quarantine", "release", 2): return try releaseQuarantined(request)
        case (.post, "quarantine", "drop", 2): return try dropQuarantined(request)
        case (.post, "replay", nil, 1): return try replay(request)
        case (.post, "backup", nil, 1): return try backup(request)
        case (.get, "tails", nil, 1): return try listTails(request)
        case (.post, "tails", nil, 1): return try openTail(request)
        case (.post, "tails", "drop", 2): return try dropTails(request)
        case (.post, "tails", let name?, 3) where parts[2] == "acknowledge":
            return try acknowledge(name, request)
        case (.get, "replay", nil, 1), (.get, "backup", nil, 1): throw AdminRefusal(405, "this is asked by POST")
        default: throw AdminRefusal(404, "there is nothing at \(request.path)")
        }
    }

    private func backup(_ request: AdminRequest) throws(AdminRefusal) -> AdminAnswer {
        let body = try AdminBody(request, keys: ["path"])
        guard let path = try body.string("path"), path.hasPrefix("/") else {
            throw AdminRefusal(400, "path must be an absolute path")
        }
        do throws(StoreError) {
            try store.backup(to: path)
        } catch {
            throw AdminRefusal(error)
        }
        return AdminAnswer(200, .object([("path", .string(path))]))
    }
}

/// Why a question is not answered.
struct AdminRefusal: Error {
    var status: Int
    var message: String

    init(_ status: Int, _ message: String) {
        (self.status, self.message) = (status, message)
    }

    init(_ error: StoreError) {
        message = error.description
        status =
            switch error {
            case .unavailable: 503
            case .backupFailed: 409
            default: 500
            }
    }
}

/// The whole name of a type that a question names.
func askedType(_ text: String) throws(AdminRefusal) -> String {
    do throws(UnknownEventType) {
        return try eventType(named: text)
    } catch {
        throw AdminRefusal(400, error.description)
    }
}

/// Runs what asks the store, and makes a refusal of its error.
func asking<Result>(_ body: () throws(StoreError) -> Result) throws(AdminRefusal) -> Result {
    do throws(StoreError) {
        return try body()
    } catch {
        throw AdminRefusal(error)
    }
}
