// Stores of every layout that hookd has written: they open, hold what they held, and take what is new.
//
// The files under Fixtures were made by Fixtures/make with the hookd of that time.

import Foundation
import Store
import Testing

@Suite("C-21: a store of any layout") struct UpgradeTests {
    /// A state directory with the store of that version in it.
    private func directory(version: Int) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let fixture = try #require(
            Bundle.module.url(forResource: "version-\(version)", withExtension: "db", subdirectory: "Fixtures"))
        try FileManager.default.copyItem(atPath: fixture.path, toPath: directory.database)
        return directory
    }

    private static let versions = [1, 3, 4]

    @Test("opens and holds its events, nonces and cursors", arguments: versions) func opens(_ version: Int) throws {
        let directory = try directory(version: version)
        let store = try openStore(directory)
        let events = try store.allEvents()
        #expect(events.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(events.map(\.body.count) == [612, 684, 634, 528, 334])
        #expect(events.allSatisfy { $0.client == (version < 2 ? [] : [127, 0, 0, 1]) && $0.endpoint == "/callbacks" })
        #expect(try store.cursor(of: "archive") == 5)
        let again = Callback(events[1].nonce).with {
            $0.signedAt = events[1].signedAt
            $0.isLate = true
            $0.body = events[1].body
        }
        #expect(store.outcome(of: again) == .reusedNonce, "the nonce is known, and the signature is another one")
    }

    @Test("takes new events, and is of the new layout from then on", arguments: versions) func takes(_ version: Int)
        throws
    {
        let directory = try directory(version: version)
        let callback = Callback("new").with { $0.client = [203, 0, 113, 9] }
        do {
            let store = try openStore(directory)
            #expect(store.outcome(of: callback) == .stored(sequence: 6))
            store.close()
        }
        let store = try openStore(directory)
        #expect(try store.allEvents().last == Event(callback, sequence: 6))
        #expect(try store.tails().map(\.sequence) == (version < 4 ? [] : [5]))
        #expect(try store.openTail("new", newFrom: 5) == .new(sequence: 5))
        #expect(try number("PRAGMA user_version", on: directory.database) == 4)
    }

    @Test("is read as it is by who may not change it", arguments: versions) func isRead(_ version: Int) throws {
        let directory = try directory(version: version)
        let before = directory.contents(of: "hookd.db")
        let events = try EventReader(stateDirectory: directory.path).all
        #expect(events.map(\.sequence) == [1, 2, 3, 4, 5])
        let tails = try EventReader(stateDirectory: directory.path).tails()
        #expect(tails.map(\.name) == (version < 4 ? [] : ["archive"]))
        #expect(directory.contents(of: "hookd.db") == before)
        #expect(try number("PRAGMA user_version", on: directory.database) == version)
    }
}
