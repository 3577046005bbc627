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
              hookd check --print
              hookd check --sample message_inbound.text
              hookd check --schema >hookd.schema.json
              hookd check --config hookd.json && systemctl restart hookd
            """)

    @OptionGroup var option: ConfigurationOption

    @Option(
        help: ArgumentHelp("Say which sinks would get this sample; send --list-samples names them.", valueName: "name"),
        completion: .list(Sample.all.map(\.name)))
    var sample: String?

    @Flag(name: .customLong("print"), help: "Print every value that is in force, and where it came from.")
    var prints = false

    @Flag(help: "Print the JSON Schema of the configuration, for editors, and look at no file.")
    var schema = false

    @Flag(help: ArgumentHelp("Print the reference of all keys in Markdown.", visibility: .hidden))
    var reference = false

    func validate() throws {
        guard [prints, schema, reference, sample != nil].count(where: { $0 }) < 2 else {
            throw ValidationError("--print, --schema and --sample ask for different things: name one of them.")
        }
    }

    func run() throws {
        if schema || reference {
            Output.standard.write(schema ? ConfigurationSchema.text : ConfigurationReference.text)
            return
        }
        let configuration = try option.load()
        for warning in configuration.warnings { Output.error.write(line: "\(warning)") }
        guard let sample else {
            Output.standard.write(prints ? EffectiveValues(configuration).text : configuration.posture)
            return
        }
        guard let body = Sample.named(sample)?.body else {
            throw failure("there is no sample \(quoted(sample)): see hookd send --list-samples.", .wrongUsage)
        }
        Output.standard.write(try configuration.routing(ofBody: body))
    }
}
