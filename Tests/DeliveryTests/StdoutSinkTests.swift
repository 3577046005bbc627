// The stdout sink against real pipes, with readers that read, stop reading, and go away.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Stdout sink") struct StdoutSinkTests {
    private func sink(_ descriptor: Int32, stallMilliseconds: Int32 = 30_000) throws -> StdoutSink {
        try StdoutSink(
            name: "journal", descriptor: descriptor, renderer: PlainRenderer(), stallMilliseconds: stallMilliseconds)
    }

    /// More than a pipe takes, in lines of about `count` bytes.
    private func bodies(_ count: Int) -> [String] {
        (0..<(400_000 / count)).map { String(repeating: String($0 % 10), count: count) }
    }

    @Test("writes every line to a reader that reads", arguments: [10, 1000, 5000, 100_000])
    func reads(lineBytes: Int) throws {
        let pipe = try Pipe()
        let bodies = bodies(lineBytes)
        let expected = plainLines(bodies)
        let sink = try sink(pipe.writing)
        let taken = Mutex(0)
        let done = inBackground {
            taken.withLock { $0 = sink.take(makeBatch(bodies), from: 0).count }
        }
        let got = read(expected.utf8.count, from: pipe.reading)
        try done.await("the sink is done")
        #expect(String(decoding: got, as: UTF8.self) == expected)
        #expect(taken.withLock { $0 } == bodies.count)
    }

    @Test("can be interrupted while nobody reads, and then has written whole lines only")
    func interrupted() throws {
        let pipe = try Pipe()
        let bodies = bodies(1000)
        let sink = try sink(pipe.writing)
        let taken = Mutex(Taken(0))
        let done = inBackground {
            let result = sink.take(makeBatch(bodies), from: 0)
            taken.withLock { $0 = result }
        }
        // Interrupted once something is in the pipe, so that the sink is in the middle of its batch.
        var poller = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
        try #require(poll(&poller, 1, 30_000) == 1)
        sink.interrupt()
        try done.await("the sink lets go")
        let result = taken.withLock { $0 }
        #expect(result.failure == .interrupted)
        #expect(result.count < bodies.count)
        pipe.closeWriting()
        let got = String(decoding: readToEnd(pipe.reading), as: UTF8.self)
        #expect(got == plainLines(Array(bodies[..<result.count])))
    }

    @Test("reports a reader that stopped, and goes on within the line when it reads again", arguments: [1000, 100_000])
    func stalled(lineBytes: Int) throws {
        let pipe = try Pipe()
        let bodies = bodies(lineBytes)
        let expected = plainLines(bodies)
        let sink = try sink(pipe.writing, stallMilliseconds: 20)
        let batch = makeBatch(bodies)

        let first = sink.take(batch, from: 0)
        #expect(first.failure == .readerStalled(seconds: 0))
        let again = sink.take(batch, from: first.count)
        #expect(again.count == 0 && again.failure == .readerStalled(seconds: 0))

        let got = Mutex("")
        let done = inBackground {
            let text = String(decoding: read(expected.utf8.count, from: pipe.reading), as: UTF8.self)
            got.withLock { $0 = text }
        }
        var next = first.count
        while next < bodies.count {
            next += sink.take(batch, from: next).count
        }
        try done.await("the reader has everything")
        #expect(got.withLock { $0 } == expected)
    }

    @Test("fails where the reader is gone, and begins the line anew for the next one")
    func readerGone() throws {
        let pipe = try Pipe()
        let body = String(repeating: "x", count: 300_000)
        let sink = try sink(pipe.writing, stallMilliseconds: 20)
        #expect(sink.take(makeBatch([body]), from: 0).failure == .readerStalled(seconds: 0))
        pipe.closeReading()
        let taken = sink.take(makeBatch([body]), from: 0)
        #expect(taken.count == 0 && taken.failure == .readerGone)
    }

    @Test("is tried again where the reader is gone, and goes on for the next one, while others are not held up")
    func readerGoneAndBack() throws {
        let directory = try TemporaryDirectory()
        let (store, notes) = (InMemoryEventStore(), Notes())
        let fifo = directory.file("fifo")
        try #require(mkfifo(fifo, 0o600) == 0)
        let first = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let writing = open(fifo, O_WRONLY | O_CLOEXEC)
        defer { close(writing) }
        close(first)
        let retry = RetryPolicy(initialMicroseconds: 1000, maximumMicroseconds: 2000)
        let pace = SinkPace(limit: ReadLimit(events: 10, bytes: 1000), pauseMicroseconds: 0, retry: retry)
        let stdout = try StdoutSink(name: "journal", descriptor: writing, renderer: PlainRenderer(), pace: pace)
        let file = FileSink(name: "archive", path: directory.file("events"), renderer: PlainRenderer())
        let endpoints = [Array("/callbacks".utf8)]
        let dispatcher = Dispatcher(
            store: store,
            subscriptions: [Subscription(stdout, endpoints: endpoints), Subscription(file, endpoints: endpoints)],
            cursorIntervalMicroseconds: 1000, log: notes.log)
        signal(SIGPIPE, SIG_IGN)
        try dispatcher.start()
        store.append(["a", "b"])
        try notes.noted.await("the failure is said")
        while store.state.withLock({ $0.cursors["archive"] }) != 2 { try store.moved.await("the other sink's cursor") }
        #expect(dispatcher.status.first?.lastError?.contains("nobody reads") == true)
        let second = open(fifo, O_RDONLY | O_CLOEXEC)
        defer { close(second) }
        #expect(read(8, from: second) == Array("1 a\n2 b\n".utf8))
        #expect(dispatcher.stop(deadline: farAway))
    }

    @Test(
        "ends a line that a full disk tore before this start, in a file that it appends to",
        arguments: [
            ("1 a\n2 to", true, "1 a\n2 to\n2 torn\n", "torn"), ("1 a\n", true, "1 a\n2 torn\n", "whole"),
            ("", true, "2 torn\n", "empty"), ("1 a", false, "1 a\n2 torn\n", "torn, and at its end all the same"),
        ])
    func torn(before: String, isAppending: Bool, after: String, why: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("events")
        try write(before, to: path)
        let file = open(path, O_WRONLY | O_CLOEXEC | (isAppending ? O_APPEND : 0))
        defer { close(file) }
        if !isAppending { lseek(file, 0, SEEK_END) }
        let sink = try sink(file)
        #expect(sink.take(makeBatch(["torn"], from: 2), from: 0).count == 1)
        #expect(sink.take(makeBatch(["next"], from: 3), from: 0).count == 1)
        #expect(try contents(of: path) == after + "3 next\n", "\(why)")
    }

    @Test("leaves the flags of the descriptor alone, which others share")
    func flags() throws {
        let pipe = try Pipe()
        let before = fcntl(pipe.writing, F_GETFL)
        #expect(try sink(pipe.writing).take(makeBatch(["a"]), from: 0).count == 1)
        #expect(fcntl(pipe.writing, F_GETFL) == before)
    }

    @Test("goes on in the middle of a line where the disk behind it was full")
    func full() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        let taken = try sink(full).take(makeBatch(["a"]), from: 0)
        #expect(taken.count == 0)
        #expect(taken.failure?.description.contains("No space left") == true)
    }
}
