// `hookd selftest` as anyone runs it. What its reckoning finds is tested in CommandTests.

import Foundation
import Glibc
import Testing

@Suite("hookd selftest") struct SelftestTests {
    private let directory: TemporaryDirectory
    private var environment: [String: String] { ["TMPDIR": directory.path] }

    init() throws { directory = try TemporaryDirectory() }

    @Test("sees the promise kept over six ends, and leaves nothing behind") func kept() throws {
        let run = try hookd(
            ["selftest", "--cycles", "6", "--clients", "4", "--json", "--ready-within", "60s"], environment: environment
        )
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
        let figures = try jsonObject(run.output)
        #expect(figures["kept"] as? Bool == true)
        #expect(figures["kills"] as? Int == 5 && figures["terminations"] as? Int == 1)
        #expect(figures["acknowledged"] as? Int ?? 0 > 20 && figures["repeated"] as? Int ?? 0 > 0)
        for kind in ["lost", "doubled", "disordered", "changed", "refused", "ended"] {
            #expect(figures[kind] as? Int == 0, "\(kind)")
        }
        #expect(files(under: directory.path).isEmpty)
    }

    @Test("says that a daemon comes back late, and keeps what there is to look at") func late() throws {
        let run = try hookd(["selftest", "--cycles", "2", "--ready-within", "0s"], environment: environment)
        #expect(run.ending == .exited(1))
        #expect(run.output.contains("THE PROMISE WAS NOT KEPT (seed "))
        #expect(files(under: directory.path).contains { $0.hasSuffix("/state/hookd.db") })
        #expect(run.output.contains("store, file and log: \(directory.path)/hookd-selftest-"))
    }

    /// A selftest, and the number of its daemon.
    private func start() throws -> (SpawnedProcess, daemon: pid_t) {
        let process = try SpawnedProcess(
            hookdExecutable(), ["selftest", "--cycles", "1000"], environment: environment)
        // The daemon writes its number there.
        let daemon = try poll("a daemon") { () -> pid_t? in
            let lock = files(under: directory.path).first { $0.hasSuffix("/hookd.lock") }
            return lock.flatMap { pid_t(String(decoding: contents(of: $0), as: UTF8.self).dropLast()) }
        }
        return (process, daemon)
    }

    @Test("a signal ends its daemon, and takes its directory along", arguments: [SIGINT, SIGTERM])
    func interrupted(_ number: Int32) throws {
        let (process, daemon) = try start()
        process.signal(number)
        #expect(try process.wait() == .signalled(number))
        #expect(files(under: directory.path).isEmpty)
        #expect(kill(daemon, 0) != 0 && errno == ESRCH)
    }

    @Test("kill -9 ends its daemon, too") func killed() throws {
        let (process, _) = try start()
        defer { for daemon in daemons() { kill(daemon, SIGKILL) } }
        process.signal(SIGKILL)
        #expect(try process.wait() == .signalled(SIGKILL))
        // It may have started another one meanwhile.
        _ = try poll("the end of every daemon") { daemons().isEmpty ? true : nil }
    }

    /// The daemons with a configuration in the directory. One that has ended has no command line.
    private func daemons() -> [pid_t] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { pid_t($0) }.filter { process in
            String(decoding: contents(of: "/proc/\(process)/cmdline"), as: UTF8.self).contains(directory.path)
        }
    }
}
