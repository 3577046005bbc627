// `hookd replay`: has a sink take events again.

import ArgumentParser
import Daemon

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Have a sink take events again that it has taken before.",
        discussion: """
            They come beside the new ones, with the ids and sequence numbers that they had, so that a target can tell \
            them. Asks the running daemon, or where none runs the store itself: then they are delivered after the next \
            start.

            EXAMPLES
              hookd replay --sink crm --since 2h --dry-run
              hookd replay --sink crm --since 2026-12-01T08:00:00Z \\
                --until 2026-12-01T09:30:00Z
              hookd replay --sink crm --type message_inbound --since 1d
              hookd replay --sink crm --id 4d6ed0c4c0a1f59a3a41b6be202f260e
            """)

    @OptionGroup var options: AdminOptions

    @Option(help: ArgumentHelp("The sink that takes them.", valueName: "name"))
    var sink: String

    @Option(
        help: ArgumentHelp("Stored then or later: a time in UTC, or how long ago (90s, 2h, 1d).", valueName: "time"))
    var since: Moment?

    @Option(help: ArgumentHelp("Stored before then.", valueName: "time"))
    var until: Moment?

    @Option(help: ArgumentHelp("Only events of that type, such as message_inbound.", valueName: "type"))
    var type: String?

    @Option(help: ArgumentHelp("Only the event of that id; may be said more than once.", valueName: "id"))
    var id: [String] = []

    @Flag(help: "All events that the sink has taken and that are still stored.")
    var all = false

    @Flag(help: "Say how many events are meant, and change nothing.")
    var dryRun = false

    func validate() throws {
        let narrows = since != nil || until != nil || type != nil || !id.isEmpty
        if narrows, all { throw ValidationError("--all goes with none of --since, --until, --type and --id.") }
        if !narrows, !all { throw ValidationError("Name --since, --until, --type or --id, or --all.") }
    }

    func run() throws {
        do {
            _ = try type.map { text throws(UnknownEventType) in try eventType(named: text) }
        } catch {
            throw failure("--type: \(escapingControls(error.description)).", .wrongUsage)
        }
        let desk = try options.desk(waits: true)
        defer { desk.close() }
        let answer = try desk.answer(AdminRequest(.post, path: "/replay", body: body))
        if options.json {
            Output.standard.write(answer)
            return
        }
        let result = try decoded(answer, as: Result.self)
        let name = escapingControls(sink)
        Output.standard.write(
            line: dryRun
                ? "\(counted(result.matched, "event")) would be delivered to \(name) again"
                : "\(counted(result.matched, "event")) found, \(result.queued) newly queued for \(name)")
    }

    private struct Result: Decodable {
        var matched: Int
        var queued: Int
    }

    private var body: [UInt8] {
        var members = ["\"sink\":\(quoted(sink))"]
        if let since { members.append("\"since\":\(quoted(since.text))") }
        if let until { members.append("\"until\":\(quoted(until.text))") }
        if let type { members.append("\"type\":\(quoted(type))") }
        if !id.isEmpty { members.append("\"ids\":[\(id.map { quoted($0) }.joined(separator: ","))]") }
        if all { members.append("\"all\":true") }
        if dryRun { members.append("\"dry_run\":true") }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }
}

/// A moment: a time in UTC, or so long ago.
struct Moment: ExpressibleByArgument {
    /// Seconds since 1970 (UTC).
    var seconds: Int64

    init?(argument: String) {
        if let seconds = UTCTimestamp.seconds(fromText: argument) {
            self.seconds = seconds
        } else if let age = Duration(text: argument) {
            seconds = WallTime.now().seconds - age.components.seconds
        } else {
            return nil
        }
    }

    /// As RFC 3339 writes it.
    var text: String { UTCTimestamp.text(ofSeconds: seconds) }
}
