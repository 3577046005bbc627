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
        let level = SharedLogLevel(configuration.log.level)
        let logger = configuration.log.makeLogger(level: level)
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let daemon: Daemon
        do {
            daemon = try Daemon(
                configuration, environment: ProcessInfo.processInfo.environment, sockets: sockets, logger: logger,
                level: level)
        } catch {
            throw failure("did not start: \(error)")
        }
        daemon.runUntilSignalled()
    }
}
