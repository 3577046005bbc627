// Rotation: by hookd and by others, what is kept, what is compressed, and what a crash leaves.

import CZlib
import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("File rotation") struct FileRotationTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("events.jsonl") }

    init() throws { directory = try TemporaryDirectory() }

    private func sink(_ rotation: FileRotation? = nil, sync: FileSync = .batch) -> FileSink {
        FileSink(name: "archive", path: path, rotation: rotation, sync: sync, renderer: PlainRenderer())
    }

    private func rotated(_ sequence: Int64) -> String { RotatedFiles.path(of: path, upTo: sequence) }

    @Test(
        "is due by size or by age, and never for an empty file",
        arguments: [
            (0, 1000, false), (99, 0, false), (100, 0, true), (1, 59, false), (1, 60, true),
        ] as [(Int64, Int64, Bool)])
    func due(length: Int64, age: Int64, isDue: Bool) {
        let rotation = FileRotation(sizeBytes: 100, ageSeconds: 60)
        #expect(rotation.isDue(length: length, bornAt: 5000, now: 5000 + age) == isDue)
        #expect(!FileRotation().isDue(length: length, bornAt: 0, now: 5000))
    }

    @Test("knows when a file was made")
    func birth() throws {
        let sink = sink(FileRotation(ageSeconds: 3600))
        try sink.open()
        let bornAt = sink.file.withLock { $0.bornAt }
        #expect(abs(bornAt - Int64(time(nil))) < 600)
    }

    @Test("begins a new file when the old one is full, and names the old one after its last event")
    func bySize() throws {
        let sink = sink(FileRotation(sizeBytes: 8))
        for number in 1...5 {
            #expect(sink.take(makeBatch(["aa"], from: Int64(number)), from: 0).count == 1)
        }
        #expect(try contents(of: path) == "5 aa\n")
        #expect(try contents(of: rotated(2)) == "1 aa\n2 aa\n")
        #expect(try contents(of: rotated(4)) == "3 aa\n4 aa\n")
        try sink.synchronize()
        FileUpkeep.queue.sync {}
    }

    @Test("writes through what was written under the old name, too")
    func synchronizesBoth() throws {
        let synced = Mutex<[ino_t]>([])
        let sink = FileSink(
            name: "archive", path: path, rotation: FileRotation(sizeBytes: 8), renderer: PlainRenderer(),
            writeThrough: { descriptor in
                var status = stat()
                _ = fstat(descriptor, &status)
                synced.withLock { $0.append(status.st_ino) }
                return 0
            })
        _ = sink.take(makeBatch(["a long one"], from: 1), from: 0)
        _ = sink.take(makeBatch(["b"], from: 2), from: 0)
        try sink.synchronize()
        let inodes = try [rotated(1), path].map { file in
            var status = stat()
            try #require(stat(file, &status) == 0)
            return status.st_ino
        }
        #expect(synced.withLock { $0 } == inodes)
        try sink.synchronize()
        #expect(synced.withLock { $0.count } == 2, "once")
    }

    @Test("takes no name that is taken")
    func nameTaken() throws {
        try write("precious\n", to: rotated(1))
        let sink = sink(FileRotation(sizeBytes: 4))
        for number in 1...3 { _ = sink.take(makeBatch(["aa"], from: Int64(number)), from: 0) }
        #expect(try contents(of: rotated(1)) == "precious\n")
        #expect(try contents(of: rotated(2)) == "1 aa\n2 aa\n")
    }

    @Test("keeps so many, compresses all but the newest, and touches nothing else")
    func upkeep() throws {
        for name in ["events.jsonl.1", "events.jsonl.gz", "events.jsonl2", "other.0000000000000000001"] {
            try write("precious", to: directory.file(name))
        }
        try write("left by a crash", to: rotated(7) + ".gz.tmp")
        for sequence in 1...5 { try write("\(sequence) a\n", to: rotated(Int64(sequence))) }
        try write("6 a\n", to: path)
        let sink = sink(FileRotation(sizeBytes: 1 << 20, keep: 3, compresses: true))
        try sink.open()
        FileUpkeep.queue.sync {}
        let left = directory.names.filter { $0.hasPrefix("events.jsonl.0") }
        #expect(
            left == [3, 4].map { "events.jsonl.000000000000000000\($0).gz" } + ["events.jsonl.0000000000000000005"])
        #expect(directory.names.count == 8)
        #expect(uncompressed(rotated(3) + ".gz") == "3 a\n")
        // Again, with nothing to do but for the count.
        try write("6 a\n", to: rotated(6))
        sink.upkeep?.begin()
        FileUpkeep.queue.sync {}
        #expect(
            directory.names.filter { $0.hasPrefix("events.jsonl.0") }
                == [4, 5].map { "events.jsonl.000000000000000000\($0).gz" } + ["events.jsonl.0000000000000000006"])
    }

    private func uncompressed(_ path: String) -> String {
        guard let file = gzopen(path, "rb") else { return "" }
        defer { gzclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1000)
        let count = gzread(file, &bytes, 1000)
        return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
    }

    // MARK: By others

    @Test("goes on in a new file where another program gave the old one another name, or removed it")
    func movedAway() throws {
        let sink = sink()
        _ = sink.take(makeBatch(["a"], from: 1), from: 0)
        try #require(rename(path, path + ".1") == 0)
        _ = sink.take(makeBatch(["b"], from: 2), from: 0)
        #expect(try contents(of: path) == "2 b\n")
        #expect(try contents(of: path + ".1") == "1 a\n")
        try #require(unlink(path) == 0)
        _ = sink.take(makeBatch(["c"], from: 3), from: 0)
        #expect(try contents(of: path) == "3 c\n")
        try write("somebody's\n", to: path + ".new")
        try #require(rename(path + ".new", path) == 0)
        _ = sink.take(makeBatch(["d"], from: 4), from: 0)
        #expect(try contents(of: path) == "somebody's\n4 d\n")
    }

    @Test("holds no file that it left, once it is on disk", arguments: [FileSync.batch, .none])
    func letsGo(sync: FileSync) throws {
        let sink = sink(FileRotation(sizeBytes: 2), sync: sync)
        for number in 1...4 { _ = sink.take(makeBatch(["aa"], from: Int64(number)), from: 0) }
        try sink.synchronize()
        #expect(sink.file.withLock { $0.retired.isEmpty })
    }

    @Test("opens anew when it is asked to")
    func reopens() throws {
        let sink = sink()
        _ = sink.take(makeBatch(["a"], from: 1), from: 0)
        let before = sink.file.withLock { $0.descriptor }
        sink.reopen()
        _ = sink.take(makeBatch(["b"], from: 2), from: 0)
        #expect(sink.file.withLock { $0.descriptor } !== before)
        #expect(try contents(of: path) == "1 a\n2 b\n")
    }

    @Test("loses nothing where the cursor was not yet on disk when the file was moved")
    func failsAfterMove() throws {
        let isBroken = Flag()
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(),
            writeThrough: { _ in
                guard isBroken.isRaised else { return 0 }
                errno = EIO
                return -1
            })
        isBroken.raise()
        _ = sink.take(makeBatch(["a"], from: 1), from: 0)
        try #require(rename(path, path + ".1") == 0)
        _ = sink.take(makeBatch(["b"], from: 2), from: 0)
        #expect(throws: SinkError.self, "what is in the old file is not on disk") { try sink.synchronize() }
        sink.startOver()
        _ = sink.take(makeBatch(["a", "b"], from: 1), from: 0)
        #expect(try contents(of: path) == "1 a\n2 b\n")
    }

    @Test("does not write through where it should not")
    func unsynchronized() throws {
        let calls = Mutex(0)
        let sink = FileSink(
            name: "archive", path: path, sync: .none, renderer: PlainRenderer(),
            writeThrough: { _ in
                calls.withLock { $0 += 1 }
                return 0
            })
        _ = sink.take(makeBatch(["a"], from: 1), from: 0)
        try sink.synchronize()
        #expect(calls.withLock { $0 } == 0)
    }
}
