// `hookd selftest`: the promise put to the test on this machine, by killing a daemon again and again.

import ArgumentParser
import Daemon
import Glibc

struct SelftestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Kill a daemon again and again under load, and look whether it kept its promise.",
        discussion: """
            Starts this program as a daemon on a temporary directory and a free port of loopback, with a secret of \
            its own, a file sink and a forward sink. Clients send signed callbacks, some of them twice, until the \
            daemon is killed at a random moment; every fifth time it is stopped in mid-batch instead. It is started \
            again, and what was not answered is sent again. At the end nothing that was answered 200 may be missing, \
            nothing be stored twice, and the file must hold every event once and in order.

            A daemon that runs already is not touched. kill -9 leaves what the kernel holds, so a power cut is not \
            tried here.

            EXAMPLES
              hookd selftest
              hookd selftest --cycles 200 --stored 100000
              hookd selftest --seed 7 --keep --json

            EXIT STATUS
              0 the promise was kept, 1 it was not: then the directory stays
            """)

    @Option(help: ArgumentHelp("How often the daemon is ended.", valueName: "n"))
    var cycles = 20

    @Option(help: ArgumentHelp("How many clients send at a time.", valueName: "n"))
    var clients = 8

    @Option(help: ArgumentHelp("How many callbacks they send in a second, at most.", valueName: "n"))
    var rate = 3000

    @Option(help: ArgumentHelp("How many events are stored before the daemon is first ended.", valueName: "n"))
    var stored = 0

    @Option(help: ArgumentHelp("Within what time after its start a callback must be stored.", valueName: "duration"))
    var readyWithin = Duration.seconds(1)

    @Option(help: ArgumentHelp("Repeats the random choices of the run that told this seed.", valueName: "number"))
    var seed: UInt64?

    @Flag(help: "Leave the directory behind.")
    var keep = false

    @Flag(help: "Print the figures as a line of JSON.")
    var json = false

    func validate() throws {
        guard cycles >= 1, cycles <= 1_000_000 else { throw ValidationError("--cycles takes a number from 1.") }
        guard (1...256).contains(clients) else { throw ValidationError("--clients takes a number from 1 to 256.") }
        guard rate >= 1 else { throw ValidationError("--rate takes a number from 1.") }
        guard stored >= 0 else { throw ValidationError("--stored takes a number from 0.") }
    }

    func run() throws {
        let plan = SelftestPlan(
            cycles: cycles, clients: clients, callbacksPerSecond: rate, storedBefore: stored,
            readyWithinMilliseconds: Int(readyWithin / .milliseconds(1)),
            seed: seed ?? .random(in: 0...999_999))
        let home = try SelftestHome()
        let leftovers = SelftestLeftovers(directory: home.path, keeps: keep)
        leftovers.goWithSignals()
        let report = SelftestReport(plan: plan, directory: home.path, asJSON: json)
        let result: SelftestResult
        do {
            result = try Selftest(plan, in: home, leftovers).run { report.progress($0) }
        } catch {
            leftovers.finish(keepsAnyway: true)
            report.clear()
            throw failure("the selftest could not be done: \(error). Its directory is \(quoted(home.path)).")
        }
        let isKept = leftovers.finish(keepsAnyway: !result.isKept)
        report.end(result, directoryIsKept: isKept)
        if !result.isKept { throw ExitCode.failure }
    }
}
