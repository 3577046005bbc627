// A selftest from start to end: cycles of start, load and end, then the reckoning.

import CLinux
import Glibc

/// One run.
final class Selftest {
    private let plan: SelftestPlan
    private let home: SelftestHome
    private let leftovers: SelftestLeftovers
    private let callbacks: SelftestCallbacks
    private let ledger: SelftestLedger
    private let target: SelftestTarget
    private var random: SelftestRandom
    private var result = SelftestResult()

    init(_ plan: SelftestPlan, in home: SelftestHome, _ leftovers: SelftestLeftovers) throws {
        (self.plan, self.home, self.leftovers) = (plan, home, leftovers)
        callbacks = SelftestCallbacks(seed: plan.seed)
        ledger = SelftestLedger(callbacks)
        target = try SelftestTarget(callbacks)
        random = SelftestRandom(seed: plan.seed, stream: 0)
        try home.configure(targetPort: target.port)
    }

    /// Does what is planned.
    ///
    /// - Parameter progress: is told where the run is, before each cycle.
    func run(progress: (SelftestReport.Progress) -> Void) throws -> SelftestResult {
        if plan.storedBefore > 0 { try fill() }
        for cycle in 1...plan.cycles {
            let soFar = ledger.result
            progress(
                .init(
                    cycle: cycle, acknowledged: soFar.acknowledged, retried: soFar.retried,
                    violations: soFar.violations.total + result.violations.total))
            ledger.beginCycle(cycle)
            try runCycle(cycle)
        }
        try settle()
        var check = SelftestCheck(home, callbacks, ledger.entries) { [target] in target.has($0) }
        result.violations.add(try check.run())
        result.violations.add(target.violations)
        let told = ledger.result
        result.violations.add(told.violations)
        (result.acknowledged, result.repeated, result.retried) = (told.acknowledged, told.repeated, told.retried)
        result.deliveredAgain = target.again
        return result
    }

    /// Stores events, as fast as it goes, before anything is ended.
    private func fill() throws {
        let daemon = try start(cycle: 0)
        let clients = SelftestClients(of: home, port: daemon.port, callbacks, ledger)
        clients.begin(
            plan.clients, seed: plan.seed, cycle: 0, pauseNanoseconds: 0, count: plan.storedBefore / plan.clients + 1)
        clients.finish()
        expect(daemon.end(by: SIGTERM), .exited(0), "of the preparation")
    }

    private func runCycle(_ cycle: Int) throws {
        let daemon = try start(cycle: cycle)
        let clients = SelftestClients(of: home, port: daemon.port, callbacks, ledger)
        let pause = Int64(plan.clients) * 1_000_000_000 / Int64(plan.callbacksPerSecond)
        clients.begin(plan.clients, seed: plan.seed, cycle: cycle, pauseNanoseconds: pause)
        pauseThread(nanoseconds: .random(in: SelftestPlan.momentsNanoseconds, using: &random))
        if cycle % SelftestPlan.cyclesPerTermination == 0 {
            result.terminations += 1
            expect(daemon.end(by: SIGTERM), .exited(0), "of cycle \(cycle)")
        } else {
            result.kills += 1
            expect(daemon.end(by: SIGKILL), .signalled(SIGKILL), "of cycle \(cycle)")
        }
        clients.end()
    }

    /// Starts the daemon, and waits until it has answered 200.
    private func start(cycle: Int) throws -> SelftestDaemon {
        let began = clinux_monotonic_nanoseconds()
        let daemon = try SelftestDaemon(in: home, leftovers)
        let client = SelftestClients(of: home, port: daemon.port, callbacks, ledger)
        let patience = Int64(60_000_000_000)
        while !client.sendOne(&random) {
            guard clinux_monotonic_nanoseconds() - began < patience else {
                throw failure("hookd answered nothing with 200 for a minute; \(home.logPath) may tell why.")
            }
            pauseThread(nanoseconds: 1_000_000)
        }
        let taken = Double(clinux_monotonic_nanoseconds() - began) / 1_000_000
        // The first start makes the store, and is none after an end.
        guard cycle > 1 || plan.storedBefore > 0 && cycle == 1 else { return daemon }
        result.readyMilliseconds.append(taken)
        if taken > Double(plan.readyWithinMilliseconds) {
            result.violations.add(.ended, "the daemon of cycle \(cycle) was ready after \(Int(taken)) ms")
        }
        return daemon
    }

    private func expect(_ ending: SelftestEnding, _ expected: SelftestEnding, _ whose: String) {
        if ending != expected { result.violations.add(.ended, "the daemon \(whose) ended \(ending.text)") }
    }

    /// A last daemon has everything sent again that was never answered, and delivers everything.
    private func settle() throws {
        ledger.beginCycle(plan.cycles + 1)
        let daemon = try start(cycle: plan.cycles + 1)
        let client = SelftestClients(of: home, port: daemon.port, callbacks, ledger)
        // Twice as often as any callback needs where nothing is wrong.
        for _ in 0..<(2 * ledger.unanswered.count + 100) where !ledger.unanswered.isEmpty {
            if !client.sendOne(&random, onlyUnanswered: true) { pauseThread(nanoseconds: 10_000_000) }
        }
        for number in ledger.unanswered {
            result.violations.add(.refused, "callback \(callbacks.nonce(number)) was not accepted when sent again")
        }
        awaitForwarded()
        expect(daemon.end(by: SIGTERM), .exited(0), "of the end")
    }

    /// Waits until the forward sink has sent as many events as were acknowledged, or sends no more.
    private func awaitForwarded() {
        var (seen, since) = (target.distinct, clinux_monotonic_nanoseconds())
        while seen < ledger.result.acknowledged, clinux_monotonic_nanoseconds() - since < 10_000_000_000 {
            pauseThread(nanoseconds: 10_000_000)
            let now = target.distinct
            if now > seen { (seen, since) = (now, clinux_monotonic_nanoseconds()) }
        }
    }
}
