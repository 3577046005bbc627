// The file sink: a JSON line for each event, appended to one file. After every failure the file ends with a whole
// line, and a cursor is durable only once the lines before it are. At a start the file itself tells how far it goes, so
// every event is in it exactly once, whenever the daemon was killed.

import Glibc
import Store
import Synchronization

/// How a file sink makes its lines durable.
public enum FileSync: String, Sendable, CaseIterable {
    /// Before the cursor is: no line is ever lost.
    case batch
    /// When the system likes to: after a power cut, lines may be missing.
    case none
}

/// Appends events to a file that no other program writes to.
public final class FileSink: Sink, @unchecked Sendable {  // variables: only in take, and in open before
    /// The name in the configuration.
    public let name: String
    /// How much is written at once, and when it is tried again.
    public let pace: SinkPace
    /// Where the file is.
    public let path: String

    let file = Mutex(File())
    let renderer: any EventRenderer
    let rotation: FileRotation?
    let upkeep: FileUpkeep?
    let sync: FileSync
    private let writeThrough: @Sendable (Int32) -> Int32
    /// Asked for by `reopen`.
    let isToReopen = Atomic<Bool>(false)
    var lines: LineBuffer
    var repair = Repair.none
    /// Whether the file was opened before.
    var hasOpened = false
    var foundPlaces: [LinePlace] = []

    /// What both queues know about the file.
    struct File {
        var descriptor: Descriptor?
        /// The length after the last write of ours, and after the last of them that reached the disk.
        var length: Int64 = 0
        var lengthOnDisk: Int64 = 0
        var isNew = false
        var isDirty = false
        /// When it was made, in seconds since 1970 (UTC).
        var bornAt: Int64 = 0
        /// Files that lines were written to and that have another name now, to be written through.
        var retired: [Descriptor] = []
    }

    /// What a failure left to be done before the next write.
    enum Repair {
        case none
        /// A torn line begins at this offset.
        case cut(at: Int64)
        /// The file ends within a line that is not to be cut.
        case endLine
    }

    /// A sink for `path`. The file is opened, and created with mode 0640, by `open()` or the first event.
    public convenience init(
        name: String, path: String, rotation: FileRotation? = nil, sync: FileSync = .batch,
        renderer: sending any EventRenderer, pace: SinkPace = defaultPace
    ) {
        self.init(
            name: name, path: path, rotation: rotation, sync: sync, renderer: renderer, pace: pace,
            writeThrough: { fdatasync($0) })
    }

    /// `writeThrough` stands in for fdatasync(2) in tests, since a disk does not fail on demand.
    init(
        name: String, path: String, rotation: FileRotation? = nil, sync: FileSync = .batch,
        renderer: sending any EventRenderer, pace: SinkPace = defaultPace,
        writeThrough: @escaping @Sendable (Int32) -> Int32
    ) {
        self.name = name
        self.path = path
        self.pace = pace
        self.rotation = rotation
        self.sync = sync
        self.writeThrough = writeThrough
        self.renderer = renderer
        upkeep = rotation.map { FileUpkeep(path: path, rotation: $0) }
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
        guard first < batch.events.count else { return Taken(0) }
        do throws(SinkError) {
            leaveIfMoved()
            try rotateIfDue(before: batch.events[first].sequence)
            let descriptor = try opened()
            lines.clear()
            if try endsWithinLine(descriptor) { lines.prepend([UInt8(ascii: "\n")]) }
            lines.append(batch, from: first)
            return try write(to: descriptor)
        } catch {
            return Taken(0, failure: error)
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
        guard sync == .batch else { return }
        let state = file.withLock { file in
            defer { file.isDirty = false }  // before the call: what is written meanwhile makes it dirty again
            return file
        }
        do throws(SystemFailure) {
            for retired in state.retired { try synchronizing(retired, writeThrough) }
            if !state.retired.isEmpty { try synchronizeName() }
            if state.isDirty, let descriptor = state.descriptor {
                try synchronizing(descriptor, writeThrough)
                if state.isNew { try synchronizeName() }
            }
        } catch {
            file.withLock { $0.isDirty = true }
            throw .synchronizeFailed(path: path, reason: error.reason)
        }
        file.withLock {
            $0.retired.removeFirst(min(state.retired.count, $0.retired.count))
            guard state.isDirty, $0.descriptor === state.descriptor else { return }
            $0.lengthOnDisk = state.length
            $0.isNew = false
        }
    }

    /// The name of a new file is on disk only once its directory is (fsync(2)).
    private func synchronizeName() throws(SystemFailure) {
        let directory = RotatedFiles(path: path).directory
        // A directory that may be written but not read cannot be synchronised by us; the system does it in time.
        guard let descriptor = try? Descriptor(path: directory, flags: O_RDONLY | O_DIRECTORY) else { return }
        try synchronizing(descriptor, fsync)
    }

    private func synchronizing(_ descriptor: Descriptor, _ body: (Int32) -> Int32) throws(SystemFailure) {
        do throws(SystemFailure) {
            _ = try systemCall { body(descriptor.number) }
        } catch  where error.code == EINVAL || error.code == EROFS && isSpecial(descriptor) {
            // Something with no disk behind it, as /dev/null (fdatasync(2)). A file system that was made read-only
            // because of its errors says EROFS, too, and has lost what was not yet on it.
        } catch {
            throw error
        }
    }

    private func isSpecial(_ descriptor: Descriptor) -> Bool {
        let kind = (try? descriptor.status().st_mode).map { $0 & S_IFMT }
        return kind != S_IFREG && kind != S_IFDIR
    }

    /// After a failed fdatasync the kernel may have dropped what it could not write and call it clean: the next
    /// fdatasync succeeds and proves nothing. So what came since the last success is cut off and written again.
    public func startOver() {
        let state = file.withLock { file in
            defer { file.retired = [] }  // written again, to the file that has the name now
            return file
        }
        // Where somebody else wrote too, nothing is cut: events twice are better than their lines lost.
        guard state.lengthOnDisk < state.length, let descriptor = state.descriptor,
            let length = try? descriptor.status().st_size, Int64(length) == state.length,
            (try? systemCall { ftruncate(descriptor.number, off_t(state.lengthOnDisk)) }) != nil
        else { return }
        file.withLock { $0.length = state.lengthOnDisk }
    }

    /// A write to a file cannot be ended from outside.
    public func interrupt() {}
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
