// The units that are shipped, as systemd itself judges them.

import Foundation
import Testing

@Suite(
    "The units", .enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "needs systemd-analyze"))
struct UnitFileTests {
    private let units = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "systemd").path

    private func analyze(_ arguments: String...) throws -> (ending: Ending, output: String, errors: String) {
        try SpawnedProcess("/usr/bin/systemd-analyze", arguments, environment: ["PATH": "/usr/bin:/bin"]).finish()
    }

    @Test("are understood without a word") func verify() throws {
        let directory = try TemporaryDirectory()
        for name in ["hookd.service", "hookd.socket"] {
            // The program need not be installed here.
            let text = String(decoding: contents(of: "\(units)/\(name)"), as: UTF8.self)
            try directory.write(text.replacing("/usr/bin/hookd", with: try hookdExecutable()), to: name)
        }
        let run = try analyze("verify", directory.file("hookd.service"), directory.file("hookd.socket"))
        #expect(run.ending == .exited(0))
        // What else is installed here is not ours to judge.
        #expect(!(run.output + run.errors).contains("hookd."), "\(run.errors)")
    }

    @Test("expose next to nothing") func security() throws {
        let run = try analyze("security", "--offline=true", "--threshold=12", "\(units)/hookd.service")
        #expect(run.ending == .exited(0), "\(run.output.suffix(200))")
    }
}
