// `hookd quarantine`: genuine callbacks that came outside the time window.

import ArgumentParser
import Daemon

struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "List, show, release and drop genuine callbacks that came too late.",
        discussion: """
            A callback outside the time window was answered 401, and is kept here where its endpoint says so. \
            Released, it is an event like any other. Asks the running daemon, or where none runs the store itself.

            EXAMPLES
              hookd quarantine list
              hookd quarantine show 3
              hookd quarantine release 3
              hookd quarantine drop --all --yes
            """,
        subcommands: [List.self, Show.self, Release.self, Drop.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the callbacks in quarantine, the oldest first.",
            discussion: """
                EXAMPLES
                  hookd quarantine list
                  hookd quarantine list --json | jq 'select(.times > 1)'
                """)

        @OptionGroup var options: AdminOptions

        func run() throws {
            let desk = try options.desk()
            defer { desk.close() }
            let count = try eachRow(at: "/quarantine", of: desk, as: QuarantineRow.self) { row, json in
                Output.standard.write(options.json ? json : row.text)
            }
            if count == 0, !options.json { Output.error.write(line: "the quarantine is empty") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a callback in quarantine, as the event that it would be.",
            discussion: """
                EXAMPLES
                  hookd quarantine show 3
                  hookd quarantine show 3 --json | jq .event.data
                """)

        @OptionGroup var options: AdminOptions

        @Argument(help: "The number that list prints.")
        var number: Int64

        func run() throws { try show(QuarantineRow.self, at: "/quarantine/\(number)", options) { $0.text } }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make events of callbacks in quarantine.",
            discussion: """
                One that was stored meanwhile is not stored again; one that may be a repeat of an event that was \
                deleted long ago is marked so in the list.

                EXAMPLES
                  hookd quarantine release 3 4
                  hookd quarantine release --all --yes
                """)

        @OptionGroup var options: AdminOptions
        @OptionGroup var which: NumbersOptions

        func run() throws { try carryOut(.release, options, which) }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget callbacks in quarantine for good.",
            discussion: """
                EXAMPLES
                  hookd quarantine drop 3
                  hookd quarantine drop --all --yes
                """)

        @OptionGroup var options: AdminOptions
        @OptionGroup var which: NumbersOptions

        func run() throws { try carryOut(.drop, options, which) }
    }
}

private func carryOut(_ change: RowChange, _ options: AdminOptions, _ which: NumbersOptions) throws {
    try carryOut(change, of: "callback", all: "everything in quarantine", at: "/quarantine", options, which)
}

/// A callback in quarantine as the daemon tells it.
private struct QuarantineRow: NumberedRow {
    var number: Int64
    var endpoint: String
    var received: String
    var times: Int
    var signed: String
    var bodyBytes: Int
    var mayBeRepeat: Bool

    enum CodingKeys: String, CodingKey {
        case number, endpoint, received, times, signed
        case bodyBytes = "body_bytes"
        case mayBeRepeat = "may_be_repeat"
    }

    /// For people; the endpoint is from the configuration.
    var text: String {
        let repeats = mayBeRepeat ? ", may be a repeat of a deleted event" : ""
        return "\(number)  \(received)  \(escapingControls(endpoint))\n"
            + "  signed \(signed), came \(counted(times, "time")), \(counted(bodyBytes, "byte"))\(repeats)\n"
    }
}
