// `hookd check`: everything that `serve` would refuse, told without starting.

import ArgumentParser
import Daemon
import Samples

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what serve would refuse, without starting.",
        discussion: """
            Lists every error of the configuration at once, each with the path of its key, and ends with 78. \
            Without an error it says in a few lines what each endpoint lets in.

            EXAMPLES
              hookd check
              hookd check --sample message_inbound.text
              hookd check --config hookd.json && systemctl restart hookd
            """)

    @OptionGroup var option: ConfigurationOption

    @Option(
        help: ArgumentHelp("Say which sinks would get this sample; send --list-samples names them.", valueName: "name"),
        completion: .list(Sample.all.map(\.name)))
    var sample: String?

    func run() throws {
        let configuration = try option.load()
        for warning in configuration.warnings { Output.error.write(line: "\(warning)") }
        guard let sample else {
            Output.standard.write(configuration.posture)
            return
        }
        guard let body = Sample.named(sample)?.body else {
            throw failure("there is no sample \(quoted(sample)): see hookd send --list-samples.", .wrongUsage)
        }
        Output.standard.write(try configuration.routing(ofBody: body))
    }
}
