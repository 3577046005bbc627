import Foundation
import Testing

@testable import hookd

@Suite("a watched directory", .timeLimit(.minutes(1))) final class DirectoryWatcherTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "hookd-watch-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { remove() }

    private func remove() { try? FileManager.default.removeItem(at: directory) }

    @Test("wakes for what was written since the last wait, even before this one") func wakes() throws {
        let pipe = Pipe()
        defer { withExtendedLifetime(pipe) {} }  // or its descriptors are closed after their last use
        let watcher = try DirectoryWatcher(directory.path)
        try Data("x".utf8).write(to: directory.appending(path: "file"))
        let output = Output(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        #expect(watcher.wait(milliseconds: 30_000, orEndOf: output) == .changed)
        #expect(watcher.wait(milliseconds: 0, orEndOf: output) == .timedOut, "one change is told of once")
    }

    @Test("ends the wait when the reader went away") func ends() throws {
        let pipe = Pipe()
        defer { withExtendedLifetime(pipe) {} }
        let watcher = try DirectoryWatcher(directory.path)
        try pipe.fileHandleForReading.close()
        let output = Output(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        #expect(watcher.wait(milliseconds: 30_000, orEndOf: output) == .outputEnded)
    }

    @Test("is looked at soon after a change, then ever more rarely") func patience() {
        var patience = Patience()
        let first = patience.milliseconds
        for _ in 0..<20 { patience.grow() }
        #expect(first < 100 && patience.milliseconds == 5000)
        patience.restart()
        #expect(patience.milliseconds == first)
    }

    @Test("that is not there cannot be watched") func missing() {
        remove()
        #expect(throws: (any Error).self) { try DirectoryWatcher(directory.path) }
    }
}
