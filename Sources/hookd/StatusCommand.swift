// `hookd status`: how the daemon is doing.

import ArgumentParser
import Daemon
import FoundationEssentials

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how the running daemon is doing.",
        discussion: """
            Endpoints with what became of their callbacks since the start, each sink with what it has yet to take and \
            its last error, and the store.

            EXAMPLES
              hookd status
              hookd status --json | jq '.sinks[] | select(.backlog_events > 0)'
              hookd status --state-directory /var/lib/hookd

            EXIT STATUS
              0 whatever the status is, 69 if no daemon answers
            """)

    @OptionGroup var options: AdminOptions

    func run() throws {
        let daemon = try options.daemon()
        let request = AdminRequest(.get, path: "/status")
        if options.json {
            Output.standard.write(try daemon.answer(request))
        } else {
            let status = try decoded(daemon.answer(request), as: DaemonStatus.self)
            Output.standard.write(StatusText(status, coloured: Output.standard.takesColours).text)
        }
    }
}

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Say whether a callback would be stored now.",
        discussion: """
            Has the store write something, as a callback would. A sink that fails is no reason to be unhealthy: its \
            events wait.

            EXAMPLES
              hookd health
              HEALTHCHECK CMD ["hookd", "health"]

            EXIT STATUS
              0 a callback would be stored, 75 it would be answered 503, 69 no daemon
              answers
            """)

    @OptionGroup var options: AdminOptions

    func run() throws {
        let reply = try options.daemon().ask(AdminRequest(.get, path: "/readyz"))
        if options.json { Output.standard.write(reply.body) }
        let readiness = Readiness(reply)
        if let problem = readiness.problem { throw failure(escapingControls(problem), .tryAgain) }
        guard reply.status == 200 else { throw failure("the answer was \(reply.status).") }
        if !options.json { Output.standard.write(line: "ready") }
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read its configuration again, and wait for the verdict.",
        discussion: """
            The file is checked as a whole and put in force as a whole, or not at all: then the reason is printed, and \
            what was in force stays so. What cannot change while the daemon runs is named.

            EXAMPLES
              hookd reload
              hookd check && hookd reload

            EXIT STATUS
              0 the new configuration is in force, 78 it was refused, 75 the daemon is
              stopping, 69 none answers
            """)

    @OptionGroup var options: AdminOptions

    func run() throws {
        let daemon = try options.daemon(waits: true)
        let reply = try daemon.ask(AdminRequest(.post, path: "/reload"))
        if options.json { Output.standard.write(reply.body) }
        if reply.status == 409 || reply.status == 503 {
            // A line for each thing that is wrong.
            for line in (reply.errorMessage ?? reply.body).split(separator: "\n") {
                Output.error.write(line: escapingControls(String(line)))
            }
            throw reply.status == 409 ? ExitCode.badConfiguration : .tryAgain
        }
        guard reply.status == 200 else { throw failure("the answer was \(reply.status).") }
        guard !options.json else { return }
        let changes = try? JSONDecoder().decode(ReloadAnswer.self, from: Data(reply.body.utf8)).changes
        let what = changes.map {
            $0.isEmpty ? "; the file says what it said before" : ": " + $0.joined(separator: "; ")
        }
        Output.standard.write(line: "the new configuration is in force" + escapingControls(what ?? ""))
    }
}

/// What the daemon answers to a reload that it made.
private struct ReloadAnswer: Decodable {
    var changes: [String]
}
