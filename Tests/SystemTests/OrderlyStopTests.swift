// SIGTERM: what was acknowledged is delivered, once, and the exit status says that all is well. B26.

import Foundation
import Testing

@Suite("An orderly stop", .serialized) struct OrderlyStopTests {
    @Test("under load delivers what was acknowledged exactly once", arguments: [SIGTERM, SIGINT])
    func underLoad(_ signal: Int32) throws {
        let home = try DaemonHome()
        var acknowledged: [SignedCallback] = []
        for _ in 0..<3 {
            let daemon = try DaemonProcess(in: home, Settings(sinks: RoundTripTests.sinks))
            let clients = LoadClients(4, port: daemon.port)
            try clients.awaitAcknowledged(300)
            daemon.process.signal(signal)
            let results = try clients.finish()
            #expect(try daemon.process.wait() == .exited(0))
            #expect(results.surprises.isEmpty)
            acknowledged += results.acknowledged.map(\.callback)
            // An event whose answer got lost with the connection may be there as well; none may be there twice.
            let stored = try storedEvents(in: home)
            let ids = try lines(of: home.eventsPath).map { try EventLine($0)["id"] }
            #expect(ids == stored.map(\.id))
            #expect(try Set(acknowledged.map { try $0.id }).subtracting(stored.map(\.id)).isEmpty)
            #expect(Set(ids).count == ids.count)
            // Callbacks here have bodies of their own, so that stdout has just the last lines of the file.
            let output = wholeLines(of: Array(try daemon.process.output.toEnd().utf8))
            #expect(output == lines(of: home.eventsPath).suffix(output.count))
            #expect(output.count >= results.acknowledged.count)
        }
    }

    @Test("answers the request that has begun, and takes no other") func begun() throws {
        let daemon = try DaemonProcess()
        let begun = try daemon.connect(), idle = try daemon.connect()
        let callback = try SignedCallback.unique()
        try begun.send(callback.request().dropLast())
        #expect(try idle.exchange(SignedCallback.unique().request()).status == 200)
        daemon.process.signal(SIGTERM)
        // An idle connection is closed, which also tells that the stop has begun.
        #expect(try idle.readToEnd().isEmpty)
        #expect(throws: Failure.self) { try daemon.connect().exchange(SignedCallback.unique().request()) }
        try begun.send([callback.body.last ?? 0])
        let answer = try begun.answer()
        #expect(answer.text.contains(#""stored""#))
        #expect(answer.field("connection") == "close")
        #expect(try daemon.process.wait() == .exited(0))
        #expect(lines(of: daemon.home.eventsPath).count == 2)
    }

    @Test("is not held up by a request that never ends") func stalled() throws {
        let daemon = try DaemonProcess(Settings(limits: ["drain_timeout": "\"200ms\""]))
        let connection = try daemon.connect()
        try connection.send("POST /callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        #expect(try daemon.stop() == .exited(0))
        #expect(daemon.process.errors.text.contains("cut at the drain timeout"))
    }

    @Test("leaves the database in one file that opens without hookd") func cleanDatabase() throws {
        let daemon = try DaemonProcess()
        for _ in 0..<10 { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
        #expect(try daemon.stop() == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: daemon.home.databasePath + "-wal"))
        #expect(try storedEvents(in: daemon.home).count == 10)
    }
}
