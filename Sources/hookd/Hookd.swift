// The command line begins here. Each command is a file of its own; this one lists them.

import ArgumentParser
import Daemon
import Glibc

@main
struct Hookd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hookd",
        abstract: "Receives Sinch callbacks, proves them genuine, stores them before it answers, and hands them on.",
        discussion: """
            EXAMPLES
              hookd check --config /etc/hookd/config.json
              hookd serve --config /etc/hookd/config.json
              hookd send http://127.0.0.1:8080/callbacks --secret-file secret
              hookd tail --follow
              hookd status

            EXIT STATUS
              0 done, 64 wrong usage, 69 daemon not reachable, 75 try again,
              78 bad configuration, 1 anything else
            """,
        version: hookdVersion,
        subcommands: [
            ServeCommand.self, CheckCommand.self, SendCommand.self, TailCommand.self, TailsCommand.self,
            StatusCommand.self,
            HealthCommand.self, ReloadCommand.self, DeadLettersCommand.self, QuarantineCommand.self,
            ReplayCommand.self, BackupCommand.self, StoreCommand.self, SelftestCommand.self,
        ])

    static func main() {
        // A reader that goes away is told by write(2): `hookd tail | head` ends in silence.
        signal(SIGPIPE, SIG_IGN)
        fillStandardDescriptors()
        main(nil)
    }

    /// Started without one of the standard descriptors, a file of ours would get its number, and log lines or events
    /// would end up in it.
    private static func fillStandardDescriptors() {
        var descriptor = open("/dev/null", O_RDWR)
        while descriptor >= 0, descriptor <= STDERR_FILENO { descriptor = open("/dev/null", O_RDWR) }
        close(descriptor)
    }
}
