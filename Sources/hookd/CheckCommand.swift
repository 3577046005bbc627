// `hookd check`: everything that `serve` would refuse, told without starting.

import ArgumentParser
import Daemon

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what serve would refuse, without starting.",
        discussion: """
            Lists every error of the configuration at once, each with the path of its key, and ends with 78. \
            Without an error it says in a few lines what each endpoint lets in.

            EXAMPLES
              hookd check
              hookd check --config hookd.json && systemctl restart hookd
            """)

    @OptionGroup var option: ConfigurationOption

    func run() throws {
        let configuration = try option.load()
        for warning in configuration.warnings { Output.error.write(line: "\(warning)") }
        Output.standard.write(configuration.posture)
    }
}
