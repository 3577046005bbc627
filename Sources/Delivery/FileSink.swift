// The file sink: a JSON line for each event, appended to one file. After every failure the file ends with a whole
// line, and a cursor is durable only once the lines before it are.

import Glibc
import Store
import Synchronization

/// Appends events to a file that no other program writes to.
public final class FileSink: Sink, @unchecked Sendable {  // variables: only in take, and in open before
    /// The name in the configuration.
    public let name: String
    /// How much is written at once, and when it is tried again.
    public let pace: SinkPace
    /// Where the file is.
    public let path: String

    private let file = Mutex(File())
    private let writeThrough: @Sendable (Int32) -> Int32
    private var lines: LineBuffer
    private var repair = Repair.none

    /// What both queues know about the file.
    private struct File {
        var descriptor: Descriptor?
        /// The length after the last write of ours, and after the last of them that reached the disk.
        var length: Int64 = 0
        var lengthOnDisk: Int64 = 0
        var isNew = false
        var isDirty = false
    }

    /// What a failure left to be done before the next write.
    private enum Repair {
        case none
        /// A torn line begins at this offset.
        case cut(at: Int64)
        /// The file ends within a line that is not to be cut.
        case endLine
    }

    /// A sink for `path`. The file is opened, and created with mode 0640, by `open()` or the first event.
    public convenience init(
        name: String, path: String, renderer: sending any EventRenderer, pace: SinkPace = defaultPace
    ) {
        self.init(name: name, path: path, renderer: renderer, pace: pace, writeThrough: { fdatasync($0) })
    }

    /// `writeThrough` stands in for fdatasync(2) in tests, since a disk does not fail on demand.
    init(
        name: String, path: String, renderer: sending any EventRenderer, pace: SinkPace = defaultPace,
        writeThrough: @escaping @Sendable (Int32) -> Int32
    ) {
        self.name = name
        self.path = path
        self.pace = pace
        self.writeThrough = writeThrough
        lines = LineBuffer(renderer: renderer)
    }

    /// Writes of up to 1 MiB of bodies, at most about every 3 ms; a failure is tried again within 5 s.
    public static let defaultPace = SinkPace(
        limit: ReadLimit(events: 2048, bytes: 1 << 20), pauseMicroseconds: 3000,
        retry: RetryPolicy(initialMicroseconds: 250_000, maximumMicroseconds: 5_000_000))

    /// Opens the file where it is not open yet, so that a path that cannot work is known before the first event.
    /// For the time before the dispatcher starts, which then calls `take` from a queue of its own.
    public func open() throws(SinkError) {
        _ = try opened()
    }

    /// Writes the events with one write(2), and says how many lines are in the file whole.
    public func take(_ batch: EventBatch, from first: Int) -> Taken {
        do throws(SinkError) {
            let descriptor = try opened()
            lines.clear()
            if try endsWithinLine(descriptor) { lines.prepend([UInt8(ascii: "\n")]) }
            lines.append(batch, from: first)
            return try write(to: descriptor)
        } catch {
            return Taken(0, failure: error)
        }
    }

    /// Mends what the last failure left. Returns whether a line end has to go before the next line.
    private func endsWithinLine(_ descriptor: Descriptor) throws(SinkError) -> Bool {
        switch repair {
        case .none:
            return false
        case .endLine:
            return true
        case .cut(let offset):
            // A file that may only grow (chattr +a) stays torn; then the torn line gets an end of its own.
            // One that is shorter by now was cut by somebody else.
            let isShorter = (try? descriptor.status().st_size).map { Int64($0) <= offset } ?? false
            let isCut = isShorter || (try? systemCall { ftruncate(descriptor.number, off_t(offset)) }) != nil
            repair = isCut ? .none : .endLine
            return !isCut
        }
    }

    private func write(to descriptor: Descriptor) throws(SinkError) -> Taken {
        let before: Int64
        do { before = Int64(try descriptor.status().st_size) } catch { throw failed(error) }
        let (written, failure) = writeAll(lines.bytes, to: descriptor.number)
        let taken = lines.wholeLines(in: written)
        var length = before + Int64(written)
        var problem = failure.map(failed)
        if taken > 0 { repair = .none }
        if let failure, written > lines.end(of: taken) {
            length = before + Int64(lines.end(of: taken))
            do {
                _ = try systemCall { ftruncate(descriptor.number, off_t(length)) }
            } catch {
                repair = .cut(at: length)
                problem = .tornLine(path: path, reason: failure.reason, cutReason: error.reason)
            }
        }
        file.withLock {
            // Somebody else cut the file or added to it: what is there now is not ours to cut off.
            if before != $0.length { $0.lengthOnDisk = before }
            $0.length = length
            $0.isDirty = $0.isDirty || written > 0
        }
        return Taken(taken, failure: problem)
    }

    private func failed(_ failure: SystemFailure) -> SinkError {
        .writeFailed(path: path, reason: failure.reason)
    }

    /// Writes what was taken through to the disk, if anything was since the last time.
    public func synchronize() throws(SinkError) {
        let state = file.withLock { file in
            defer { file.isDirty = false }  // before the call: what is written meanwhile makes it dirty again
            return file
        }
        guard state.isDirty, let descriptor = state.descriptor else { return }
        do throws(SystemFailure) {
            try synchronizing { writeThrough(descriptor.number) }
            if state.isNew { try synchronizeName() }
        } catch {
            file.withLock { $0.isDirty = true }
            throw .synchronizeFailed(path: path, reason: error.reason)
        }
        file.withLock {
            $0.lengthOnDisk = state.length
            $0.isNew = false
        }
    }

    /// The name of a new file is on disk only once its directory is (fsync(2)).
    private func synchronizeName() throws(SystemFailure) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // A directory that may be written but not read cannot be synchronised by us; the system does it in time.
        guard let descriptor = try? Descriptor(path: directory, flags: O_RDONLY | O_DIRECTORY) else { return }
        try synchronizing { fsync(descriptor.number) }
    }

    private func synchronizing(_ body: () -> Int32) throws(SystemFailure) {
        do throws(SystemFailure) {
            _ = try systemCall(body)
        } catch  where error.code == EINVAL || error.code == EROFS {
            // Something with no disk behind it, as /dev/null (fdatasync(2)).
        } catch {
            throw error
        }
    }

    /// After a failed fdatasync the kernel may have dropped what it could not write and call it clean: the next
    /// fdatasync succeeds and proves nothing. So what came since the last success is cut off and written again.
    public func startOver() {
        let state = file.withLock { $0 }
        // Where somebody else wrote too, nothing is cut: events twice are better than their lines lost.
        guard state.lengthOnDisk < state.length, let descriptor = state.descriptor,
            let length = try? descriptor.status().st_size, Int64(length) == state.length,
            (try? systemCall { ftruncate(descriptor.number, off_t(state.lengthOnDisk)) }) != nil
        else { return }
        file.withLock { $0.length = state.lengthOnDisk }
    }

    /// A write to a file cannot be ended from outside.
    public func interrupt() {}

    private func opened() throws(SinkError) -> Descriptor {
        if let descriptor = file.withLock({ $0.descriptor }) { return descriptor }
        let descriptor: Descriptor
        let status: stat
        do throws(SystemFailure) {
            // Without O_NONBLOCK, opening a FIFO would wait for its reader.
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY
            descriptor = try Descriptor(path: path, flags: flags, mode: 0o640)
            status = try descriptor.status()
        } catch  where error.code == ENXIO {  // open(2): a FIFO that nobody reads, or a device with no driver
            throw .notAFile(path: path, kind: "a named pipe or a device")
        } catch {
            throw .cannotOpen(path: path, reason: error.reason)
        }
        if let kind = unusableKind(status.st_mode) { throw .notAFile(path: path, kind: kind) }
        let length = Int64(status.st_size)
        if length > 0, !endsWithNewline(at: length) { repair = .endLine }
        file.withLock {
            $0 = File(descriptor: descriptor, length: length, lengthOnDisk: length, isNew: length == 0)
        }
        return descriptor
    }

    private func unusableKind(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG, S_IFCHR: nil
        case S_IFIFO: "a named pipe"
        default: "no file"
        }
    }

    /// Whether the file ends with a whole line; true where it may not be read. A crash of the machine can leave
    /// half a line, and the next one must not be glued to it.
    private func endsWithNewline(at length: Int64) -> Bool {
        guard let reader = try? Descriptor(path: path, flags: O_RDONLY | O_NONBLOCK) else { return true }
        var last: UInt8 = 0
        let count = try? systemCall { pread(reader.number, &last, 1, off_t(length - 1)) }
        return count != 1 || last == UInt8(ascii: "\n")
    }
}

/// Writes all of `bytes`, in one write(2) where the system takes it whole. Returns how many bytes were written and
/// why no more.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> (written: Int, failure: SystemFailure?) {
    bytes.withUnsafeBytes { buffer in
        var written = 0
        while written < buffer.count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
            do throws(SystemFailure) {
                let count = try systemCall { write(descriptor, rest.baseAddress, rest.count) }
                // Not seen in the wild, but it would make this loop endless.
                guard count > 0 else { throw SystemFailure(code: EIO) }
                written += count
            } catch {
                return (written, error)
            }
        }
        return (written, nil)
    }
}
