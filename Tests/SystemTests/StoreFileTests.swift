// The store's file as operators handle it: a copy made under load that a daemon starts from, and a damaged one that is
// repaired.

import Foundation
import Testing

@Suite("The store's file") struct StoreFileTests {
    @Test("copies made under load hold all that was acknowledged before, to the last, and a daemon starts from one")
    func backup() throws {
        let daemon = try DaemonProcess()
        let clients = LoadClients(4, port: daemon.port)
        let admin = try RawConnection(path: daemon.home.adminPath)
        var held: [StoredEvent] = []
        var copy = try DaemonHome()
        for number in 1...5 {
            copy = try DaemonHome()
            try FileManager.default.createDirectory(atPath: copy.statePath, withIntermediateDirectories: true)
            let body = #"{"path": "\#(copy.databasePath)"}"#
            let request = "POST /backup HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            try clients.awaitAcknowledged(100 * number)
            // Nothing comes between this and the question, so that the newest count too.
            let before = clients.acknowledged
            let answer = try admin.exchange(Array(request.utf8))
            #expect(answer.status == 200, "\(answer.text)")
            held = try storedEvents(in: copy)
            let sequences = Dictionary(held.map { ($0.nonce, $0.sequence) }) { first, _ in first }
            #expect(sequences.count == held.count, "nothing is in it twice")
            let missing = before.filter { sequences[$0.callback.nonce] != $0.sequence }
            #expect(missing.isEmpty, "\(missing.count) of \(before.count), \(missing.compactMap(\.sequence))")
        }
        try clients.awaitAcknowledged(held.count + 100)
        try daemon.kill()
        let results = try clients.finish()
        #expect(results.surprises.isEmpty)

        // What came after it is not in it, and can be sent again.
        let nonces = Set(held.map(\.nonce))
        #expect(results.acknowledged.contains { !nonces.contains($0.callback.nonce) })
        let second = try DaemonProcess(in: copy)
        let connection = try second.connect()
        for event in results.acknowledged {
            let isHeld = nonces.contains(event.callback.nonce)
            let answer = try connection.exchange(event.callback.request())
            #expect(answer.status == 200 && answer.text.contains(isHeld ? #""duplicate""# : #""stored""#))
        }
        #expect(
            try storedEvents(in: copy).count == nonces.union(results.acknowledged.map(\.callback.nonce)).count)
        #expect(try second.stop() == .exited(0))
    }

    @Test("a damaged one is repaired by command, and all but what is lost is there again") func repair() throws {
        let home = try DaemonHome()
        let first = try DaemonProcess(in: home)
        let connection = try first.connect()
        for _ in 0..<300 { #expect(try connection.exchange(SignedCallback.unique().request()).status == 200) }
        func repair(_ more: String...) throws -> (ending: Ending, output: String, errors: String) {
            try hookd(["store", "repair", "--config", home.configurationPath] + more)
        }
        let beside = try repair()
        #expect(beside.ending == .exited(75) && beside.errors.contains("\(first.process.pid)"), "\(beside.errors)")
        #expect(try first.stop() == .exited(0))
        let events = try storedEvents(in: home)
        #expect(try repair().output.hasPrefix("nothing is damaged: 300 events."))
        // The page that the index of timestamps begins with, which every start reads.
        let page = try #require(
            rows(of: home, "SELECT rootpage FROM sqlite_schema WHERE name = 'events_signed_at'").first?.first)
        let number = try #require(UInt64(page))
        let file = try FileHandle(forWritingTo: URL(filePath: home.databasePath))
        try file.seek(toOffset: (number - 1) * 16_384)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 16_384))
        try file.close()
        let refused = try home.serveToEnd()
        #expect(refused.ending == .exited(1) && refused.errors.contains("`hookd store repair`"), "\(refused.errors)")
        let asked = try repair("--dry-run")
        #expect(asked.ending == .exited(0) && asked.output.hasPrefix("can be read: 300 events"), "\(asked.output)")
        let made = try repair("--json")
        let said = try jsonObject(made.output)
        #expect(said["damaged"] as? Bool == true && said["events"] as? Int == 300 && said["next"] as? Int == 301)
        #expect(FileManager.default.fileExists(atPath: try #require(said["damaged_file"] as? String)))
        let second = try DaemonProcess(in: home)
        #expect(try second.post(SignedCallback.unique()).text.contains("0000000000000000301"))
        #expect(try second.stop() == .exited(0))
        #expect(try storedEvents(in: home).map(\.nonce).prefix(300) == events.map(\.nonce)[...])
    }
}
