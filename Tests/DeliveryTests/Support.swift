// What tests of delivery share: a renderer that is easy to read, directories that go away, waits that end.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

/// Renders an event as its sequence number, a blank and its body.
final class PlainRenderer: EventRenderer {
    func appendLine(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(contentsOf: "\(event.sequence) ".utf8)
        output.append(contentsOf: bytes[event.body.range])
        output.append(UInt8(ascii: "\n"))
    }

    func appendHeaderLines(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        for line in ["ce-specversion: 1.0", "ce-id: \(event.sequence)", "Content-Type: application/json"] {
            output.append(contentsOf: Array(line.utf8) + [0])
        }
    }

    /// What stands before a colon in the body is the conversation.
    func orderNumber(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, by order: EventOrder) -> UInt64? {
        let parts = bytes[event.body.range].split(separator: UInt8(ascii: ":"), maxSplits: 1)
        return parts.count == 2 ? parts[0].reduce(7) { $0 &* 31 &+ UInt64($1) } : nil
    }

    func place(ofLine line: UnsafeRawBufferPointer) -> LinePlace? {
        let digits = String(decoding: line.prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
        guard let sequence = Int64(digits), line.dropFirst(digits.utf8.count).first == 0x20 else { return nil }
        // As `makeBatch` makes ids.
        return LinePlace(
            sequence: sequence, id: hex([UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: 16)))
    }

    func mayBegin(_ piece: UnsafeRawBufferPointer) -> Bool { piece.first.map { (0x30...0x39).contains($0) } ?? true }

    func traits(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> EventTraits { EventTraits() }
}

/// What `PlainRenderer` makes of `bodies`, numbered from `first`.
func plainLines(_ bodies: [String], from first: Int = 1) -> String {
    bodies.enumerated().map { "\(first + $0) \($1)\n" }.joined()
}

/// A directory that is removed with its files when the test is done with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/hookd-delivery-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in it, sorted.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

/// The whole file.
func contents(of path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0, "\(path) is there")
    defer { close(descriptor) }
    return String(decoding: readToEnd(descriptor), as: UTF8.self)
}

/// Creates or replaces a file.
func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
}

/// Everything up to the end of what is readable.
func readToEnd(_ descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &piece, piece.count)
        if count <= 0 { return all }
        all += piece[..<count]
    }
}

/// Reads until `count` bytes are there or the other end is closed.
func read(_ count: Int, from descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while all.count < count {
        let got = read(descriptor, &piece, min(piece.count, count - all.count))
        if got <= 0 { return all }
        all += piece[..<got]
    }
    return all
}

/// A pipe whose ends close with it.
final class Pipe: Sendable {
    let reading: Int32
    let writing: Int32
    private let open = Mutex(Set<Int32>())

    init() throws {
        signal(SIGPIPE, SIG_IGN)  // as the daemon does for the whole process
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        reading = ends[0]
        writing = ends[1]
        open.withLock { $0 = [reading, writing] }
    }

    func closeReading() { close(once: reading) }
    func closeWriting() { close(once: writing) }

    private func close(once end: Int32) {
        if open.withLock({ $0.remove(end) }) != nil { Glibc.close(end) }
    }

    deinit {
        closeReading()
        closeWriting()
    }
}

extension DispatchSemaphore {
    /// Waits for a signal; fails the test where none comes.
    func await(_ what: String, location: SourceLocation = #_sourceLocation) throws {
        try #require(wait(timeout: .now() + .seconds(30)) == .success, "\(what)", sourceLocation: location)
    }
}

/// Asks again every moment, where nothing tells when the answer changes; fails the test where it never does.
func until(
    _ what: String, location: SourceLocation = #_sourceLocation, _ isSo: () -> Bool
) throws {
    let end = monotonicNanoseconds() + 30_000_000_000
    while !isSo() {
        try #require(monotonicNanoseconds() < end, "\(what)", sourceLocation: location)
        pause(microseconds: 100)
    }
}

/// Runs `body` on a queue of its own; the semaphore is signalled when it is done.
func inBackground(_ body: @escaping @Sendable () -> Void) -> DispatchSemaphore {
    let done = DispatchSemaphore(value: 0)
    DispatchQueue(label: "test.background").async {
        body()
        done.signal()
    }
    return done
}

/// Gathers the log.
final class Notes: Sendable {
    private let notes = Mutex<[DeliveryNote]>([])
    /// Signalled at each note.
    let noted = DispatchSemaphore(value: 0)

    var log: DeliveryLog {
        { note in
            self.notes.withLock { $0.append(note) }
            self.noted.signal()
        }
    }

    var all: [DeliveryNote] { notes.withLock { $0 } }

    func messages(of sink: String?) -> [String] { all.filter { $0.sink == sink }.map(\.message) }
}

/// Far enough away never to be reached by a test that works.
var farAway: DispatchTime { .now() + .seconds(30) }

extension EventBatch {
    /// Its events as the parts of a letter.
    var parts: [Letter.Part] { events.map { Letter.Part(event: $0, bytes: bytes) } }
}

extension ForwardSink {
    /// Sends some events in one letter, and waits for what comes back.
    func deliver(_ batch: EventBatch, _ range: ClosedRange<Int> = 0...0) -> Reply {
        send(Letter(number: 1, parts: Array(batch.parts[range])))
        while true {
            if let reply = wait(until: nil).first { return reply }
        }
    }
}

extension Verdict {
    /// What was wrong.
    var error: SinkError? {
        switch self {
        case .done: nil
        case .retry(let error, _), .pause(let error, _), .refused(let error): error
        }
    }
}
