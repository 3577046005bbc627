// `hookd tail --as`: prints what was not read under a name yet, and tells the daemon what was.

import ArgumentParser
import Daemon
import Glibc

/// A reader under a name.
final class NamedTail {
    /// How a stream ended for us.
    private enum End {
        /// Everything was taken that is to be, or somebody wants us to end.
        case done
        /// The daemon went away.
        case lost(String)
    }

    private let name: String
    /// Whole names; none for every type.
    private let types: [String]
    private let since: Duration?
    private let follows: Bool
    private let runner: EventRunner?
    private let options: AdminOptions
    private let output = Output.standard
    /// The last event that was printed, or that the command has taken.
    private var taken: Int64 = 0
    /// The last one that the daemon knows of.
    private var acknowledged: Int64 = 0

    /// - Parameters:
    ///   - since: how long ago a new name begins; nil for now.
    ///   - follows: whether to go on with what is stored later.
    ///   - runner: what takes the events; nil to print them.
    init(
        name: String, types: [String], since: Duration?, follows: Bool, runner: EventRunner?, options: AdminOptions
    ) {
        (self.name, self.types, self.since, self.follows) = (name, types, since, follows)
        (self.runner, self.options) = (runner, options)
    }

    /// Reads to the end, or until somebody wants it to end.
    func run() throws {
        guard var daemon = try options.reachableDaemon() else {
            throw failure(
                "no hookd runs with the state directory \(quoted(try options.directory())), and it is the daemon that "
                    + "keeps the place of a named tail. Start it, or read without --as.", .unreachable)
        }
        let signals = try SignalWatcher()
        tell(try decoded(daemon.answer(opening()), as: TailRow.self))
        while true {
            switch try read(daemon, signals) {
            case .done: return
            case .lost(let reason):
                guard follows else {
                    throw failure("the daemon went away before everything was read: \(reason). Go on later.", .tryAgain)
                }
                Output.error.write(line: "hookd: the daemon went away: \(reason). Waiting for it")
                guard let again = try reachAgain(signals) else { return try finish(daemon) }
                daemon = again
                Output.error.write(line: "hookd: the daemon is there again")
            }
        }
    }

    // MARK: The place

    private func opening() -> AdminRequest {
        var members = ["\"name\":\(quoted(name))"]
        if let since {
            let seconds = WallTime.now().seconds - since.components.seconds
            members.append("\"since\":\(quoted(UTCTimestamp.text(ofSeconds: seconds)))")
        }
        return AdminRequest(.post, path: "/tails", body: Array("{\(members.joined(separator: ","))}".utf8))
    }

    private func tell(_ tail: TailRow) {
        (taken, acknowledged) = (tail.sequence, tail.sequence)
        if tail.new == true, since == nil {
            Output.error.write(line: "hookd: tail \(name) is new, and begins with what is stored from now on")
        }
        if tail.missedEvents > 0 {
            Output.error.write(
                line: "hookd: \(counted(tail.missedEvents, "event")) were deleted before they were read as \(name)")
        }
    }

    /// Tells the daemon what was taken. Where it is not there, it is told when it comes again.
    private func acknowledge(_ daemon: AdminClient) throws {
        guard taken > acknowledged else { return }
        let request = AdminRequest(
            .post, path: "/tails/\(name)/acknowledge", body: Array("{\"sequence\":\(taken)}".utf8))
        guard let reply = try? daemon.tryToAsk(request) else { return }
        if reply.status == 404 { throw failure("tail \(name) was dropped meanwhile.") }
        if reply.status == 200 { acknowledged = taken }
    }

    private func finish(_ daemon: AdminClient) throws {
        try acknowledge(daemon)
        guard taken > acknowledged else { return }
        throw failure("the daemon could not be told what was read: some of it will come again.", .tryAgain)
    }

    /// Waits for a daemon that went away.
    ///
    /// - Returns: nil where somebody wants us to end.
    private func reachAgain(_ signals: SignalWatcher) throws -> AdminClient? {
        while true {
            signals.wait(milliseconds: 500)
            if signals.isInterrupted || (runner == nil && output.hasEnded) { return nil }
            guard let daemon = try options.reachableDaemon(), let reply = try? daemon.tryToAsk(opening()),
                reply.status == 200
            else { continue }
            // Before the stream begins anew, so that it begins behind what we have.
            try acknowledge(daemon)
            return daemon
        }
    }

    // MARK: The stream

    private func read(_ daemon: AdminClient, _ signals: SignalWatcher) throws -> End {
        var query = ["live": follows ? "true" : "false"]
        if !types.isEmpty { query["type"] = types.joined(separator: ",") }
        let request = AdminRequest(.get, path: "/tails/\(name)/events", query: query)
        let stream: EventStream
        do {
            stream = try EventStream(request, of: daemon)
        } catch {
            throw failure(error.description)
        }
        // The name is ours for as long as the stream is open: until the daemon knows what was taken.
        defer { withExtendedLifetime(stream) {} }
        let waiting = StreamWaiting(stream: stream, signals: signals)
        while true {
            let events = stream.take()
            let goesOn = try events.allSatisfy { try handle($0, daemon, waiting) }
            if !goesOn || signals.isInterrupted || (runner == nil && output.hasEnded) {
                try finish(daemon)
                return .done
            }
            try acknowledge(daemon)
            guard events.isEmpty else { continue }
            if let end = stream.end {
                try refuse(stream)
                return .lost(end == .whole ? "it ended the stream" : "\(end)")
            }
            stream.wait(milliseconds: 1000, orFor: signals, orEndOf: runner == nil ? output : nil)
        }
    }

    /// Ends the command where the answer was no stream.
    private func refuse(_ stream: EventStream) throws {
        guard stream.status != 0, stream.status != 200 else { return }
        let reply = AdminReply(status: stream.status, body: String(decoding: stream.answer, as: UTF8.self))
        let message = reply.errorMessage ?? "the answer was \(reply.status)"
        throw failure(escapingControls(message), [409, 503].contains(reply.status) ? .tryAgain : .failure)
    }

    /// - Returns: whether to go on.
    private func handle(_ event: SentEvent, _ daemon: AdminClient, _ waiting: StreamWaiting) throws -> Bool {
        defer { taken = max(taken, event.data.isEmpty ? event.sequence ?? 0 : 0) }
        if event.type == "end" { return false }
        // What was taken before the daemon went away, and could not be told, is not taken twice.
        guard !event.data.isEmpty, let sequence = event.sequence, sequence > taken else { return true }
        guard !waiting.isInterrupted else { return false }
        let line = event.data + [UInt8(ascii: "\n")]
        if let runner {
            guard try runner.run(line, waiting) else { return false }
            taken = sequence
            try acknowledge(daemon)
            return !waiting.isInterrupted
        }
        guard output.write(line, orFor: waiting.signals) else { return false }
        taken = sequence
        return !waiting.isInterrupted
    }
}

/// Waits while a stream is kept going.
private struct StreamWaiting: Waiting {
    let stream: EventStream
    let signals: SignalWatcher

    var isInterrupted: Bool { signals.isInterrupted }
    var isPressed: Bool { signals.isPressed }

    func wait(milliseconds: Int32) { stream.wait(milliseconds: milliseconds, orFor: signals) }
}

extension EventStream.End: CustomStringConvertible {
    var description: String {
        switch self {
        case .whole: "it ended"
        case .cut(let reason): reason
        }
    }
}
