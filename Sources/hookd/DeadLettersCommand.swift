// `hookd dead-letters`: events that a sink was given up on.

import ArgumentParser
import Daemon

struct DeadLettersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "List, show, release and drop events that a sink was given up on.",
        discussion: """
            An event becomes a dead letter when its target refuses it for good. It stays stored until it is released \
            or dropped. Asks the running daemon, or where none runs the store itself.

            EXAMPLES
              hookd dead-letters list --sink crm
              hookd dead-letters show 12
              hookd dead-letters release 12 13
              hookd dead-letters drop --all --sink crm --yes
            """,
        subcommands: [List.self, Show.self, Release.self, Drop.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List dead letters, the oldest first.",
            discussion: """
                EXAMPLES
                  hookd dead-letters list
                  hookd dead-letters list --sink crm --json | jq .number
                """)

        @OptionGroup var options: AdminOptions

        @Option(help: ArgumentHelp("Only those of that sink.", valueName: "name"))
        var sink: String?

        func run() throws {
            let desk = try options.desk()
            defer { desk.close() }
            let query = sink.map { ["sink": $0] } ?? [:]
            let count = try eachRow(at: "/dead-letters", query, of: desk, as: DeadLetterRow.self) { row, json in
                Output.standard.write(options.json ? json : row.text)
            }
            if count == 0, !options.json { Output.error.write(line: "no dead letters") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a dead letter with its event.",
            discussion: """
                EXAMPLES
                  hookd dead-letters show 12
                  hookd dead-letters show 12 --json | jq .event.data
                """)

        @OptionGroup var options: AdminOptions

        @Argument(help: "The number that list prints.")
        var number: Int64

        func run() throws {
            try show(DeadLetterRow.self, at: "/dead-letters/\(number)", options) { $0.text }
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give the events of dead letters back to their sinks.",
            discussion: """
                The sinks count their attempts anew.

                EXAMPLES
                  hookd dead-letters release 12 13
                  hookd dead-letters release --all --sink crm --yes
                """)

        @OptionGroup var options: AdminOptions
        @OptionGroup var which: DeadLetterNumbers

        func run() throws { try which.apply(.release, options) }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget dead letters: their events are not delivered again.",
            discussion: """
                EXAMPLES
                  hookd dead-letters drop 12
                  hookd dead-letters drop --all --sink crm --yes
                """)

        @OptionGroup var options: AdminOptions
        @OptionGroup var which: DeadLetterNumbers

        func run() throws { try which.apply(.drop, options) }
    }
}

/// Which dead letters are meant.
struct DeadLetterNumbers: ParsableArguments {
    @OptionGroup var numbers: NumbersOptions

    @Option(help: ArgumentHelp("With --all: only those of that sink.", valueName: "name"))
    var sink: String?

    fileprivate func apply(_ change: RowChange, _ options: AdminOptions) throws {
        let ofSink = sink.map { " of \(escapingControls($0))" } ?? ""
        try carryOut(
            change, of: "dead letter", all: "all dead letters\(ofSink)", at: "/dead-letters", options, numbers,
            sink: sink)
    }
}

/// A dead letter as the daemon tells it.
private struct DeadLetterRow: NumberedRow {
    var number: Int64
    var sink: String
    var id: String
    var attempts: Int
    var status: Int?
    var error: String
    var buried: String

    /// For people; sink and error are from outside.
    var text: String {
        let answer = status.map { ", last answer \($0)" } ?? ""
        return "\(number)  \(buried)  \(escapingControls(sink))  event \(id)\n"
            + "  \(counted(attempts, "attempt"))\(answer): \(escapingControls(error))\n"
    }
}
