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

            With --as the running daemon keeps the place: under a name nothing comes twice and nothing is left out, \
            however the tail or the daemon ends. What was not acknowledged comes again, 256 events at most. Always \
            JSON lines.

            With --exec each event goes to a command, as a line on its stdin, with HOOKD_EVENT_ID, HOOKD_EVENT_TYPE, \
            HOOKD_EVENT_SUBJECT and HOOKD_SEQUENCE in its environment. The next event waits until it exits with 0.

            EXAMPLES
              hookd tail
              hookd tail --follow --type message_inbound
              hookd tail --since 1h --json | jq .data
              hookd tail --state-directory /var/lib/hookd --lines 100
              hookd tail --as export >> export.jsonl
              hookd tail --as crm --follow \\
                --exec 'curl -fsS --json @- https://crm.example.com'

            EXIT STATUS
              0 done or stopped, 64 no such type; with --as 69 if no daemon answers,
              75 if another reads under the name
            """)

    @OptionGroup var options: AdminOptions

    @Flag(name: .shortAndLong, help: "Then print each new event when it is stored, until stopped.")
    var follow = false

    @Option(help: ArgumentHelp("Only events stored that long ago or later: 90s, 15m, 1h, 7d.", valueName: "duration"))
    var since: Duration?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Go on where that name was; a new one begins now, or where --since says.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Run that with /bin/sh for each event, until it succeeds.", valueName: "command"))
    var exec: String?

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("At most that many of the last events. (default: 10, with --since all)", valueName: "n"))
    var lines: Int?

    @Option(
        help: ArgumentHelp(
            "Only events of that type, such as message_inbound; several with commas.", valueName: "type"))
    var type: String?

    func validate() throws {
        do {
            _ = try types()
        } catch {
            throw ValidationError("--type: \(escapingControls(error.description)).")
        }
        if let lines, lines < 0 { throw ValidationError("--lines takes a number from 0.") }
        if name != nil, lines != nil { throw ValidationError("--lines does not go with --as.") }
        if name == nil, options.admin != nil || options.tokenFile != nil {
            throw ValidationError("--admin and --token-file go with --as: without it, the store itself is read.")
        }
    }

    func run() throws {
        let runner = exec.map { EventRunner(command: $0) }
        if let name {
            let tail = NamedTail(
                name: name, types: try types(), since: since, follows: follow, runner: runner, options: options)
            return try tail.run()
        }
        let directory = try options.directory()
        do {
            try print(EventReader(stateDirectory: directory), in: directory, runner)
        } catch let error as StoreError {
            throw failure(escapingControls(error.description))
        }
    }

    private func print(_ reader: EventReader, in directory: String, _ runner: EventRunner?) throws {
        let output = Output.standard
        let isText = output.isTerminal && !options.json && runner == nil
        let printer = try EventPrinter(isText ? .text(coloured: output.takesColours, columns: output.columns) : .json)
        let signals = try SignalWatcher()
        let types = try types()
        let tail = Tail(
            events: reader,
            matches: { event, batch in types.isEmpty || types.contains { printer.isType($0, event, in: batch) } },
            damaged: { Output.error.write(line: "hookd: event \($0) is damaged on disk, and left out") },
            goesOn: { !signals.isInterrupted })
        let watcher = follow ? try DirectoryWatcher(directory) : nil
        var position = try tail.start(of: selection)
        var patience = Patience()
        var problem: (any Error)?
        while true {
            let read = try tail.read(after: position) { event, batch in
                guard !signals.isInterrupted else { return false }
                let line = printer.line(of: event, in: batch)
                guard let runner else { return output.write(line, orFor: signals) }
                do {
                    return try runner.run(line, signals)
                } catch {
                    problem = error
                    return false
                }
            }
            if let problem { throw problem }
            guard let read, let watcher else { return }
            if read > position { patience.restart() }
            position = read
            switch watcher.wait(milliseconds: patience.milliseconds, orEndOf: output, orFor: signals) {
            case .changed: patience.restart()
            case .timedOut: patience.grow()
            case .outputEnded, .interrupted: return
            }
        }
    }

    /// The whole names of the types that are asked for; none for all.
    private func types() throws(UnknownEventType) -> [String] {
        var types: [String] = []
        for text in type?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            types.append(try eventType(named: String(text)))
        }
        return types
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

    /// As `init(argument:)` reads it.
    public var defaultValueDescription: String { text }

    /// Whole microseconds; what is below is cut off.
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
