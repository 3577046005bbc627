// B13, and the promise as a whole: kill -9 at any moment loses nothing that was acknowledged and stores nothing twice.

import Foundation
import Testing

@Suite("kill -9 loses nothing that was acknowledged", .serialized) struct CrashTests {
    @Test("right after an answer") func afterEachAnswer() throws {
        let home = try DaemonHome()
        var callbacks: [SignedCallback] = []
        for round in 1...10 {
            let daemon = try DaemonProcess(in: home)
            let connection = try daemon.connect()
            for _ in 0..<round {
                let callback = try SignedCallback.unique()
                #expect(try connection.exchange(callback.request()).status == 200)
                callbacks.append(callback)
            }
            try daemon.kill()
            #expect(try storedEvents(in: home).map(\.nonce) == callbacks.map(\.nonce))
        }
        let daemon = try DaemonProcess(in: home)
        for callback in callbacks { #expect(try daemon.post(callback).text.contains("duplicate")) }
        #expect(try daemon.stop() == .exited(0))
        expectDelivered(callbacks.map(\.body), in: home)
    }

    /// What a run over many crashes knows.
    private struct Ledger {
        var acknowledged: [Acknowledged] = []
        var unanswered: [SignedCallback] = []
        var all: [String: SignedCallback] = [:]

        mutating func take(_ results: LoadClients.Results) {
            acknowledged += results.acknowledged
            unanswered = results.unanswered
            for callback in results.acknowledged.map(\.callback) + results.unanswered { all[callback.nonce] = callback }
        }
    }

    @Test("at a random moment under load, twenty times", arguments: [false, true]) func underLoad(rotates: Bool) throws
    {
        let seed = UInt64.random(in: .min ... .max)
        print("CrashTests.underLoad: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let home = try DaemonHome()
        let rotation = rotates ? #", "rotate": {"size": "64KiB", "keep": 10000}"# : ""
        let settings = Settings(sinks: ["archive": #"{"type": "file", "path": "events.jsonl"\#(rotation)}"#])
        var ledger = Ledger()
        for cycle in 0..<20 {
            let daemon = try DaemonProcess(in: home, settings)
            let clients = LoadClients(4, port: daemon.port, resending: ledger.unanswered)
            // The moment is told by answers, not by a clock.
            try clients.awaitAcknowledged(Int.random(in: 1...200, using: &random))
            try daemon.kill()
            let results = try clients.finish()
            #expect(results.surprises.isEmpty, "cycle \(cycle), seed \(seed): \(results.surprises)")
            ledger.take(results)
            try expectHeld(ledger, in: home, "cycle \(cycle), seed \(seed)")
        }
        try expectAnswered(ledger, in: home, settings, "seed \(seed)")
        try expectNothingTwiceAfterRestart(in: home, settings)
        #expect((writtenFiles(in: home).count > 1) == rotates)
    }

    /// Every acknowledged event is in the store, once, under the sequence that its answer told.
    private func expectHeld(_ ledger: Ledger, in home: DaemonHome, _ comment: Comment) throws {
        let stored = try storedEvents(in: home)
        let byNonce = Dictionary(stored.map { ($0.nonce, $0) }) { first, _ in first }
        #expect(byNonce.count == stored.count, "a callback is stored twice: \(comment)")
        for event in ledger.acknowledged {
            guard let row = byNonce[event.callback.nonce] else {
                Issue.record("an acknowledged event is lost: \(comment)")
                continue
            }
            #expect(row.body == event.callback.body, "\(comment)")
            if let sequence = event.sequence { #expect(row.sequence == sequence, "\(comment)") }
        }
        for row in stored { #expect(ledger.all[row.nonce] != nil, "an event that was never sent: \(comment)") }
    }

    /// Repeats are duplicates, what was not answered can be sent again, and then everything is delivered.
    private func expectAnswered(
        _ ledger: Ledger, in home: DaemonHome, _ settings: Settings, _ comment: Comment
    ) throws {
        let daemon = try DaemonProcess(in: home, settings)
        let connection = try daemon.connect()
        for event in ledger.acknowledged {
            #expect(try connection.exchange(event.callback.request()).text.contains(#""duplicate""#), comment)
        }
        for callback in ledger.unanswered {
            #expect(try connection.exchange(callback.request()).status == 200, comment)
        }
        #expect(try daemon.stop() == .exited(0))
        let stored = try storedEvents(in: home)
        #expect(stored.count == ledger.all.count, comment)
        expectDelivered(stored.map(\.body), in: home)
    }

    /// The file that events are written to and those that it was, oldest first.
    private func writtenFiles(in home: DaemonHome) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: home.directory.path)) ?? []
        return names.filter { $0.hasPrefix("events.jsonl.") }.sorted().map { home.directory.file($0) }
            + [home.eventsPath]
    }

    /// The file holds every event exactly once, in order, in whole lines and nothing besides: at each start the daemon
    /// reads from it how far it goes.
    private func expectDelivered(_ bodies: [[UInt8]], in home: DaemonHome) {
        let written = writtenFiles(in: home).flatMap { lines(of: $0) }
        let events = written.compactMap { try? EventLine($0) }
        #expect(events.count == written.count, "a torn line")
        let sequences = events.compactMap { $0["sequence"].flatMap { Int64($0) } }
        #expect(sequences == (1...bodies.count).map { Int64($0) })
        for (event, body) in zip(events, bodies) { #expect(event.holds(body)) }
    }

    private func expectNothingTwiceAfterRestart(in home: DaemonHome, _ settings: Settings) throws {
        let before = contents(of: home.eventsPath)
        let daemon = try DaemonProcess(in: home, settings)
        #expect(try daemon.stop() == .exited(0))
        #expect(contents(of: home.eventsPath) == before)
    }
}
