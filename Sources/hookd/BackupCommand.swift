// `hookd backup`: a consistent copy of the store.

import ArgumentParser
import Daemon
import FoundationEssentials

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store into a new file, while the daemon runs.",
        discussion: """
            The copy is the store as it was at one moment. The daemon writes it, so the file must be where the daemon \
            may write; only its owner may read it. A file that is there is never overwritten.

            EXAMPLES
              hookd backup /var/lib/hookd/backup-$(date +%F).db
            """)

    @OptionGroup var options: AdminOptions

    @Argument(help: "The new file.", completion: .file())
    var file: String

    func run() throws {
        let desk = try options.desk(waits: true)
        defer { desk.close() }
        // The daemon's working directory is another one.
        let path = URL(filePath: file, relativeTo: URL(filePath: FileManager.default.currentDirectoryPath + "/")).path
        let body = Array("{\"path\":\(quoted(path))}".utf8)
        let answer = try desk.answer(AdminRequest(.post, path: "/backup", body: body))
        if options.json {
            Output.standard.write(answer)
        } else {
            Output.standard.write(line: "copied to \(escapingControls(path))")
        }
    }
}
