// What is left of files that were made for nothing.

import Foundation
import Testing

@testable import Daemon

@Suite struct NewFilesTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/new" }

    init() throws { directory = try TemporaryDirectory() }

    private struct Refusal: Error {}

    @Test func whatWasMadeAndIsEmptyGoes() throws {
        var files = NewFiles()
        try files.noting(path) { _ = try directory.write("new", "") }
        #expect(try directory.contents() == ["new"])
        files.remove()
        #expect(try directory.contents() == [])
    }

    @Test func soDoesWhatWasMadeBeforeAFailure() throws {
        var files = NewFiles()
        #expect(throws: Refusal.self) {
            try files.noting(path) {
                try directory.write("new", "")
                throw Refusal()
            }
        }
        files.remove()
        #expect(try directory.contents() == [])
    }

    @Test func whatALinkLedToGoesAndTheLinkStays() throws {
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/link", withDestinationPath: directory.path + "/new")
        var files = NewFiles()
        try files.noting(directory.path + "/link") { _ = try directory.write("new", "") }
        files.remove()
        #expect(try directory.contents() == ["link"])
    }

    @Test func whatWasThereBeforeStays() throws {
        try directory.write("new", "")
        var files = NewFiles()
        files.noting(path) {}
        files.remove()
        #expect(try directory.contents() == ["new"])
    }

    @Test func whatHoldsSomethingStays() throws {
        var files = NewFiles()
        try files.noting(path) { _ = try directory.write("new", "a line") }
        files.remove()
        #expect(try directory.contents() == ["new"])
    }

    @Test func anotherFileOfTheNameStays() throws {
        var files = NewFiles()
        let first = directory.path + "/first"
        try files.noting(path) { _ = try directory.write("new", "") }
        // Kept under another name, so that its number is not given to the next file.
        try FileManager.default.moveItem(atPath: path, toPath: first)
        try directory.write("new", "")
        files.remove()
        #expect(try directory.contents() == ["first", "new"])
    }
}
