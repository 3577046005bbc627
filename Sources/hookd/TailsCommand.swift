// `hookd tails`: the names that `hookd tail --as` reads under.

import ArgumentParser
import Daemon

struct TailsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tails",
        abstract: "List and drop the names that hookd tail --as reads under.",
        discussion: """
            Asks the running daemon, or where none runs the store itself.

            EXAMPLES
              hookd tails list
              hookd tails drop export
            """,
        subcommands: [List.self, Drop.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the names, with what each has yet to read.",
            discussion: """
                EXAMPLES
                  hookd tails list
                  hookd tails list --json | jq 'select(.missed_events > 0)'
                """)

        @OptionGroup var options: AdminOptions

        func run() throws {
            let desk = try options.desk()
            defer { desk.close() }
            let lines = try desk.answer(AdminRequest(.get, path: "/tails"))
            if options.json {
                Output.standard.write(lines)
                return
            }
            let rows = try lines.split(separator: "\n").map { try decoded($0, as: TailRow.self) }
            for row in rows { Output.standard.write(line: row.text) }
            if rows.isEmpty { Output.error.write(line: "no named tails") }
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget names: what is read under one of them later begins anew.",
            discussion: """
                EXAMPLES
                  hookd tails drop export

                EXIT STATUS
                  0 dropped, 1 there was no such name, 75 one is being read
                """)

        @OptionGroup var options: AdminOptions

        @Argument(help: "The names that list prints.")
        var names: [String]

        func run() throws {
            let desk = try options.desk(waits: true)
            defer { desk.close() }
            let body = "{\"names\":[\(names.map { quoted($0) }.joined(separator: ","))]}"
            // What is being read is let go of later.
            let answer = try desk.answer(
                AdminRequest(.post, path: "/tails/drop", body: Array(body.utf8)), onConflict: .tryAgain)
            let changed = try decoded(answer, as: ChangedRows.self)
            if options.json {
                Output.standard.write(answer)
            } else {
                Output.standard.write(line: "\(counted(changed.dropped ?? 0, "tail")) dropped")
            }
            guard changed.missing == 0 else { throw failure("\(counted(changed.missing, "name")) did not exist.") }
        }
    }
}

/// A named tail as the daemon tells it.
struct TailRow: Decodable {
    var name: String
    var sequence: Int64
    var backlogEvents: Int
    var missedEvents: Int
    var lastRead: String
    var beingRead: Bool?
    var new: Bool?

    enum CodingKeys: String, CodingKey {
        case name, sequence, new
        case backlogEvents = "backlog_events"
        case missedEvents = "missed_events"
        case lastRead = "last_read"
        case beingRead = "being_read"
    }

    /// For people.
    var text: String {
        let state = backlogEvents == 0 ? "has read all events" : "\(counted(backlogEvents, "event")) behind"
        let reading = beingRead == true ? ", being read" : ", last read at \(lastRead)"
        let missed = missedEvents > 0 ? "; \(counted(missedEvents, "event")) deleted before it read them" : ""
        return "tail \(escapingControls(name)): \(state)\(reading)\(missed)"
    }
}
