// The file sink against real files, real devices and real ends of what a file system holds.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("File sink") struct FileSinkTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func sink(_ path: String) -> FileSink {
        FileSink(name: "archive", path: path, renderer: PlainRenderer())
    }

    @Test("appends a line for each event, to what is there")
    func appends() throws {
        let path = directory.file("events.jsonl")
        try write("before\n", to: path)
        let sink = sink(path)
        let first = sink.take(makeBatch(["a", "b"]), from: 0)
        let second = sink.take(makeBatch(["c", "d", "e"], from: 3), from: 1)
        #expect(first.count == 2 && first.failure == nil)
        #expect(second.count == 2 && second.failure == nil)
        #expect(try contents(of: path) == "before\n1 a\n2 b\n4 d\n5 e\n")
    }

    @Test("creates the file for its owner and group only")
    func mode() throws {
        let path = directory.file("events.jsonl")
        try sink(path).open()
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 & ~0o640 == 0 && status.st_mode & 0o600 == 0o600)
    }

    @Test(
        "cuts off half a line that a crash left, and gives another's half line an end",
        arguments: [
            ("1 a\n2 hal", "1 a\n", "ours"), ("2 hal", "", "ours, and nothing else"),
            ("1 a\nhal", "1 a\nhal\n", "somebody else's"), ("hal", "hal\n", "somebody else's, and nothing else"),
            ("1 a\n", "1 a\n", "whole"), ("", "", "nothing"),
        ])
    func halfLine(before: String, kept: String, why: String) throws {
        let path = directory.file("events.jsonl")
        try write(before, to: path)
        let sink = sink(path)
        try sink.open()
        if why.hasPrefix("ours") { #expect(try contents(of: path) == kept, "at once") }
        #expect(sink.take(makeBatch(["half"], from: 2), from: 0).count == 1)
        #expect(try contents(of: path) == kept + "2 half\n", "\(why)")
    }

    @Test(
        "says what is wrong with a path that cannot work",
        arguments: [
            ("", "is a directory", "a directory"), ("missing/events.jsonl", "No such file", "no directory"),
            ("fifo", "a named pipe", "a pipe, which must not block the start"),
        ])
    func unusable(name: String, words: String, why: String) throws {
        try #require(mkfifo(directory.file("fifo"), 0o600) == 0)
        let error = #expect(throws: SinkError.self) { try sink(directory.file(name)).open() }
        #expect(error?.description.lowercased().contains(words.lowercased()) == true, "\(why): \(error as Any)")
    }

    @Test("says that it may not write", .enabled(if: geteuid() != 0, "nothing is forbidden to root"))
    func forbidden() throws {
        let path = directory.file("events.jsonl")
        try write("", to: path)
        chmod(path, 0o400)
        let error = #expect(throws: SinkError.self) { try sink(path).open() }
        #expect(error?.description.contains("Permission denied") == true)
    }

    @Test("takes nothing where the disk is full")
    func full() {
        let taken = sink("/dev/full").take(makeBatch(["a", "b"]), from: 0)
        #expect(taken.count == 0)
        #expect(taken.failure?.description.contains("No space left on device") == true)
    }

    @Test("needs no disk behind it")
    func device() throws {
        let sink = sink("/dev/null")
        #expect(sink.take(makeBatch(["a"]), from: 0).count == 1)
        try sink.synchronize()
    }

    /// The most bytes that a file in `path`'s file system can have: a write across it is a short write, as on a full
    /// disk, and needs no disk to be filled.
    private func largestFile(_ descriptor: Int32) -> off_t {
        var low: off_t = 0
        var high = off_t.max
        while low < high {
            let middle = low + (high - low) / 2 + 1
            if ftruncate(descriptor, middle) == 0 { low = middle } else { high = middle - 1 }
        }
        return low
    }

    @Test("cuts a torn line off, keeps the whole ones, and tries the rest again")
    func tornLine() throws {
        let path = directory.file("events.jsonl")
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        defer { close(file) }
        // Room for two lines of 6 bytes and a part of the third.
        let start = largestFile(file) - 15
        try #require(ftruncate(file, start) == 0)
        try #require(pwrite(file, "\n", 1, start - 1) == 1)
        let batch = makeBatch(["aaa", "bbb", "ccc", "ddd"])
        let sink = sink(path)

        let taken = sink.take(batch, from: 0)
        #expect(taken.count == 2)
        guard case .writeFailed = taken.failure else {
            Issue.record("\(taken)")
            return
        }
        #expect(lseek(file, 0, SEEK_END) == start + 12, "the file ends with a whole line")

        // Room again: the whole batch's rest follows.
        try #require(ftruncate(file, 0) == 0)
        #expect(sink.take(batch, from: 2).count == 2)
        #expect(try contents(of: path) == "3 ccc\n4 ddd\n")
    }

    @Test("keeps in mind that half a line wants an end, until a line is written")
    func halfLineAndFailure() throws {
        let path = directory.file("events.jsonl")
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        defer { close(file) }
        let start = largestFile(file) - 3
        try #require(ftruncate(file, start) == 0)
        try #require(pwrite(file, "l", 1, start - 1) == 1)
        let sink = sink(path)
        #expect(sink.take(makeBatch(["aaa"]), from: 0).count == 0)
        #expect(lseek(file, 0, SEEK_END) == start)

        try #require(ftruncate(file, 0) == 0 && pwrite(file, "hal", 3, 0) == 3)
        #expect(sink.take(makeBatch(["aaa"]), from: 0).count == 1)
        #expect(try contents(of: path) == "hal\n1 aaa\n")
    }

    @Test("says so where a torn line cannot be cut off, and ends it before the next")
    func tornForGood() throws {
        // A file in memory that is sealed against being cut (memfd_create(2)): MFD_ALLOW_SEALING is 2,
        // F_ADD_SEALS 1033, F_SEAL_SHRINK 2. Glibc's Swift module has neither names nor function.
        typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        let create = unsafeBitCast(try #require(dlsym(nil, "memfd_create")), to: Create.self)
        let file = create("hookd-test", 2)
        try #require(file >= 0)
        defer { close(file) }
        let start = largestFile(file) - 15
        try #require(ftruncate(file, start) == 0)
        try #require(pwrite(file, "\n", 1, start - 1) == 1)
        try #require(fcntl(file, 1033, 2) == 0)
        let sink = sink("/proc/self/fd/\(file)")

        let taken = sink.take(makeBatch(["aaa", "bbb", "ccccccccc"]), from: 0)
        #expect(taken.count == 2)
        guard case .tornLine = taken.failure else {
            Issue.record("\(taken)")
            return
        }
        #expect(lseek(file, 0, SEEK_END) == start + 15)
    }

    @Test("synchronizes only what was written since")
    func synchronize() throws {
        let calls = Mutex(0)
        let sink = FileSink(
            name: "archive", path: directory.file("events.jsonl"), renderer: PlainRenderer(),
            writeThrough: { descriptor in
                calls.withLock { $0 += 1 }
                return fdatasync(descriptor)
            })
        try sink.synchronize()
        _ = sink.take(makeBatch(["a"]), from: 0)
        try sink.synchronize()
        try sink.synchronize()
        #expect(calls.withLock { $0 } == 1)
    }

    @Test(
        "writes what it found through, for whoever wrote it may have been killed before",
        arguments: [
            ([], 0, "nothing there"), ([""], 1, "the file"),
            (["", ".0000000000000000001"], 2, "and the one that it was before"),
            ([".0000000000000000001"], 1, "which may be all there is"),
        ])
    func found(suffixes: [String], count: Int, why: String) throws {
        let path = directory.file("events.jsonl")
        for suffix in suffixes { try write("1 a\n", to: path + suffix) }
        let calls = Mutex(0)
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(),
            writeThrough: { descriptor in
                calls.withLock { $0 += 1 }
                return fdatasync(descriptor)
            })
        #expect(sink.places().isEmpty == suffixes.isEmpty, "\(why)")
        try sink.synchronize()
        #expect(calls.withLock { $0 } == count, "\(why)")
        try sink.synchronize()
        #expect(calls.withLock { $0 } == count, "once: \(why)")
    }

    @Test(
        "takes a disk that cannot be written through for no disk only where there is none",
        arguments: [
            ("a file", EIO, false), ("a file", EROFS, false), ("a file", ENOSPC, false), ("a file", EINVAL, true),
            ("/dev/null", EROFS, true), ("/dev/null", EINVAL, true), ("/dev/null", EIO, false),
        ] as [(String, Int32, Bool)])
    func noDisk(kind: String, code: Int32, isFine: Bool) throws {
        let sink = FileSink(
            name: "archive", path: kind == "a file" ? directory.file("events.jsonl") : kind,
            renderer: PlainRenderer(),
            writeThrough: { _ in
                errno = code
                return -1
            })
        _ = sink.take(makeBatch(["a"]), from: 0)
        if isFine {
            try sink.synchronize()
        } else {
            #expect(throws: SinkError.self) { try sink.synchronize() }
        }
    }

    @Test("cuts nothing off that it found, where that cannot be written through") func foundAndUnsynced() throws {
        let path = directory.file("events.jsonl")
        try write("1 a\n", to: path)
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(),
            writeThrough: { _ in
                errno = EIO
                return -1
            })
        #expect(sink.places().map(\.sequence) == [1])
        #expect(throws: SinkError.self) { try sink.synchronize() }
        sink.startOver()
        #expect(try contents(of: path) == "1 a\n")
    }

    @Test("starts over from what reached the disk")
    func startOver() throws {
        let path = directory.file("events.jsonl")
        let isBroken = Flag()
        let sink = FileSink(
            name: "archive", path: path, renderer: PlainRenderer(),
            writeThrough: { _ in
                guard isBroken.isRaised else { return 0 }
                errno = EIO
                return -1
            })
        _ = sink.take(makeBatch(["a"]), from: 0)
        try sink.synchronize()
        isBroken.raise()
        _ = sink.take(makeBatch(["b"], from: 2), from: 0)
        #expect(throws: SinkError.self) { try sink.synchronize() }
        sink.startOver()
        #expect(try contents(of: path) == "1 a\n")
    }

    @Test("starts over with whole lines where the file was emptied meanwhile, as log rotation does")
    func startOverEmptied() throws {
        let path = directory.file("events.jsonl")
        let sink = FileSink(name: "archive", path: path, renderer: PlainRenderer(), writeThrough: { _ in 0 })
        _ = sink.take(makeBatch(["a"]), from: 0)
        try sink.synchronize()
        try write("", to: path)
        _ = sink.take(makeBatch(["bbb", "ccc"], from: 2), from: 0)
        sink.startOver()
        let left = try contents(of: path)
        #expect(left.isEmpty || left.hasSuffix("\n"), "\(left)")
    }

    @Test("cuts nothing off that somebody else wrote")
    func startOverShared() throws {
        let path = directory.file("events.jsonl")
        let sink = FileSink(name: "archive", path: path, renderer: PlainRenderer(), writeThrough: { _ in 0 })
        _ = sink.take(makeBatch(["a"]), from: 0)
        let other = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        defer { close(other) }
        try #require(write(other, "x\n", 2) == 2)
        sink.startOver()
        #expect(try contents(of: path) == "1 a\nx\n")
    }
}
