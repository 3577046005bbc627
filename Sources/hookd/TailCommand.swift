// `hookd tail`: stored events, and those to come.

import ArgumentParser
import Daemon
import Store

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print stored events, and with --follow those to come.",
        discussion: """
            Reads the store itself: the daemon may run or not. On a terminal each event is a short line for \
            people; elsewhere, and with --json, it is a CloudEvent, one JSON object per line.

            EXAMPLES
              hookd tail
              hookd tail --follow --type message_inbound
              hookd tail --since 1h --json | jq .data
              hookd tail --state-directory /var/lib/hookd --lines 100
            """)

    @OptionGroup var configuration: ConfigurationOption

    @Option(
        help: ArgumentHelp("Where the store is, without asking a configuration.", valueName: "directory"),
        completion: .directory)
    var stateDirectory: String?

    @Flag(name: .shortAndLong, help: "Then print each new event when it is stored, until stopped.")
    var follow = false

    @Option(help: ArgumentHelp("Only events stored that long ago or later: 90s, 15m, 1h, 7d.", valueName: "duration"))
    var since: Duration?

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("At most that many of the last events. (default: 10, with --since all)", valueName: "n"))
    var lines: Int?

    @Option(help: ArgumentHelp("Only events of that type, such as message_inbound.", valueName: "type"))
    var type: String?

    @Flag(help: "Print JSON lines on a terminal, too.")
    var json = false

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines takes a number from 0.") }
    }

    func run() throws {
        let directory = try stateDirectory ?? configuration.stateDirectory()
        do {
            try print(EventReader(stateDirectory: directory), in: directory)
        } catch let error as StoreError {
            throw failure(escapingControls(error.description))
        }
    }

    private func print(_ reader: EventReader, in directory: String) throws {
        let output = Output.standard
        let printer = try EventPrinter(
            json || !output.isTerminal
                ? .json : .text(coloured: output.takesColours, columns: output.columns))
        let tail = Tail(
            events: reader,
            matches: { event, batch in type.map { printer.isType($0, event, in: batch) } ?? true },
            damaged: { Output.error.write(line: "hookd: event \($0) is damaged on disk, and left out") })
        let watcher = follow ? try DirectoryWatcher(directory) : nil
        var position = try tail.start(of: selection)
        var patience = Patience()
        while true {
            let read = try tail.read(after: position) { event, batch in
                output.write(printer.line(of: event, in: batch))
            }
            guard let read, let watcher else { return }
            if read > position { patience.restart() }
            position = read
            switch watcher.wait(milliseconds: patience.milliseconds, orEndOf: output) {
            case .changed: patience.restart()
            case .timedOut: patience.grow()
            case .outputEnded: return
            }
        }
    }

    private var selection: EventSelection {
        EventSelection(
            since: since.map { WallTime.now().microseconds - $0.microseconds },
            lines: lines ?? (since == nil ? 10 : nil))
    }
}

extension Duration: @retroactive ExpressibleByArgument {
    /// Reads a duration as the configuration writes them.
    public init?(argument: String) {
        self.init(text: argument)
    }

    /// Whole microseconds; what is below is cut off.
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
