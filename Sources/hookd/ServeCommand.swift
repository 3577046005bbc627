// `hookd serve`: the daemon, in the foreground.

import ArgumentParser
import Daemon
import FoundationEssentials

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Receive callbacks until told to stop.",
        discussion: """
            Stays in the foreground. SIGTERM or SIGINT: finish what has begun and end with 0; a second one ends at \
            once. Logs go to stderr; stdout belongs to the stdout sink's events.

            EXAMPLES
              hookd serve --config /etc/hookd/config.json
              hookd serve --config hookd.json >>events.jsonl
            """)

    @OptionGroup var option: ConfigurationOption

    func run() throws {
        // First, while descriptors are as they were handed over.
        let sockets = ActivatedSockets.handedOver()
        let configuration = try option.load()
        do {
            try configuration.validateSockets(sockets)
        } catch {
            Output.error.write(line: "\(error)")
            throw ExitCode.badConfiguration
        }
        let environment = ProcessInfo.processInfo.environment
        let log = DaemonLog(configuration.log, environment: environment)
        let daemon: Daemon
        do {
            daemon = try Daemon(configuration, environment: environment, sockets: sockets, log: log)
        } catch {
            log.flush()
            throw failure("did not start: \(error)")
        }
        daemon.runUntilSignalled()
    }
}
