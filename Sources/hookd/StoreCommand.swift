// `hookd store`: what is done to the store's file while no daemon has it.

import ArgumentParser
import Daemon
import Store

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Mend the store's file, while the daemon does not run.",
        discussion: """
            EXAMPLES
              hookd store repair --dry-run
            """,
        subcommands: [Repair.self])

    struct Repair: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new store of what can be read of a damaged one.",
            discussion: """
                Stop the daemon first. The damaged file is kept beside the new one. Events keep their numbers, and no \
                number is ever used again; the places of sinks, nonces, dead letters and the quarantine are kept. \
                Needs room for a second store. Where nothing is damaged, nothing is changed.

                EXAMPLES
                  hookd store repair --dry-run
                  hookd store repair --config /etc/hookd/config.json
                """)

        @OptionGroup var option: ConfigurationOption

        @Option(
            help: ArgumentHelp("Where the store is, without asking a configuration.", valueName: "directory"),
            completion: .directory)
        var stateDirectory: String?

        @Flag(help: "Say what can be read, and change nothing.")
        var dryRun = false

        @Flag(help: "Print JSON, one object on a line.")
        var json = false

        func run() throws {
            let path = try stateDirectory ?? option.stateDirectory()
            let sinks = try stateDirectory == nil ? option.sinkNames() : []
            do throws(StoreError) {
                let repair = try StoreRepair(stateDirectory: path, sinks: sinks)
                let report = try repair.run(isDryRun: dryRun)
                Output.standard.write(json ? report.json + "\n" : report.text(isDryRun: dryRun))
            } catch {
                if case .locked = error { throw failure(escapingControls(error.description), .tryAgain) }
                throw failure(escapingControls(error.description))
            }
        }
    }
}

extension RepairReport {
    /// For people.
    fileprivate func text(isDryRun: Bool) -> String {
        if isResumed { return "the repair that was interrupted is finished\n" + placeText }
        guard isDamaged else { return "nothing is damaged: \(counted(events, "event")). Nothing was changed\n" }
        let verb = isDryRun ? "can be read" : "kept"
        var lines = ["\(verb): \(counted(events, "event"))" + rowsText]
        if !lost.isEmpty {
            lines.append("lost: \(counted(Int(lostCount), "event number")): \(lostText)")
        }
        if !incomplete.isEmpty { lines.append("incomplete: \(incomplete.joined(separator: ", "))") }
        if lost.isEmpty, incomplete.isEmpty { lines.append("lost: nothing; what is damaged can be made anew") }
        if !restarted.isEmpty {
            let names = restarted.map(escapingControls).joined(separator: ", ")
            lines.append("begin again at the oldest event, for their places are lost: \(names)")
        } else if incomplete.contains("cursors") {
            lines.append(
                "a sink whose place is lost gets what is stored from now on. Name --config to have it begin again")
        }
        lines.append("the next event is number \(nextSequence)")
        return lines.joined(separator: "\n") + "\n" + placeText
    }

    private var placeText: String {
        damagedPath.map { "the damaged store is \(escapingControls($0))\n" } ?? ""
    }

    private var rowsText: String {
        let names = [
            ("cursors", "place of a sink", "places of sinks"), ("tails", "named tail", "named tails"),
            ("dead_letters", "dead letter", "dead letters"),
            ("redeliveries", "redelivery", "redeliveries"),
            ("quarantine", "callback in quarantine", "callbacks in quarantine"),
        ]
        return names.map { table, one, many in
            let count = rows[table] ?? 0
            return ", \(count) \(count == 1 ? one : many)"
        }.joined()
    }

    private var lostText: String {
        let shown = lost.prefix(20).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        let more = lost.count > shown.count ? " and \(counted(lost.count - shown.count, "further range"))" : ""
        return shown.joined(separator: ", ") + more
    }

    /// For programs.
    fileprivate var json: String {
        let ranges = lost.map { "[\($0.lowerBound),\($0.upperBound)]" }.joined(separator: ",")
        let counts = rows.keys.sorted().map { "\(quoted($0)):\(rows[$0] ?? 0)" }.joined(separator: ",")
        let members = [
            "\"damaged\":\(isDamaged)", "\"resumed\":\(isResumed)", "\"events\":\(events)", "\"lost\":[\(ranges)]",
            "\"rows\":{\(counts)}", "\"incomplete\":[\(incomplete.map(quoted).joined(separator: ","))]",
            "\"restarted\":[\(restarted.map(quoted).joined(separator: ","))]", "\"next\":\(nextSequence)",
            "\"damaged_file\":\(damagedPath.map(quoted) ?? "null")",
        ]
        return "{\(members.joined(separator: ","))}"
    }
}
