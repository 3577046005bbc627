// Opening a sink's file: at the start, where the file tells how far it goes, and again when it has another name.

import CLinux
import Glibc

extension FileSink {
    /// The events that the file held when it was opened: that of the highest number, and that of the last line. Where
    /// the file is new, those of the file that had the name before.
    public func places() -> [LinePlace] {
        if !hasOpened { _ = try? opened() }
        return foundPlaces
    }

    /// Has the file opened anew before the next event, for whoever has moved it away. From any queue.
    public func reopen() { isToReopen.store(true, ordering: .releasing) }

    func opened() throws(SinkError) -> Descriptor {
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
        let length = lookAtEnd(descriptor, length: status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : 0)
        let bornAt = clinux_birth_seconds(descriptor.number)
        // Whoever wrote what is there may have been killed before it was on disk, and so may its name: no cursor is to
        // count on either before both are written through. It is never cut off, for nobody knows what of it is new.
        let inherited = hasOpened || sync == .none ? [] : unsyncedPredecessors()
        file.withLock {
            $0 = File(
                descriptor: descriptor, length: length, lengthOnDisk: length, isNew: length == 0 || !hasOpened,
                isDirty: length > 0, bornAt: bornAt > 0 ? bornAt : clinux_wall_microseconds() / 1_000_000,
                retired: $0.retired + inherited)
        }
        if !hasOpened { upkeep?.begin() }
        hasOpened = true
        return descriptor
    }

    private func unusableKind(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG, S_IFCHR: nil
        case S_IFIFO: "a named pipe"
        default: "no file"
        }
    }

    /// Repairs a torn end, and notes how far the file goes. Returns the file's length.
    private func lookAtEnd(_ descriptor: Descriptor, length: Int64) -> Int64 {
        let tail = FileTail(path: path, length: length, renderer: renderer)
        if !hasOpened {
            foundPlaces = tail.places
            // A crash can come between the file's new name and its first line.
            if foundPlaces.isEmpty { foundPlaces = placesOfPredecessors() }
        }
        guard let tornAt = tail.tornAt else { return length }
        repair = tail.isTornLineOurs ? .cut(at: tornAt) : .endLine
        let isStillTorn = (try? endsWithinLine(descriptor)) ?? true
        return isStillTorn ? length : tornAt
    }

    private func placesOfPredecessors() -> [LinePlace] {
        for other in RotatedFiles(path: path).predecessors() {
            var status = stat()
            guard stat(other, &status) == 0 else { continue }
            let tail = FileTail(path: other, length: Int64(status.st_size), renderer: renderer)
            if !tail.places.isEmpty { return tail.places }
        }
        return []
    }

    /// The files that had the name a moment ago, for their last lines may not be on disk either.
    private func unsyncedPredecessors() -> [Descriptor] {
        RotatedFiles(path: path).predecessors().compactMap { try? Descriptor(path: $0, flags: O_RDONLY | O_NONBLOCK) }
    }

    /// Mends what a failure left. Returns whether the next line must be preceded by a newline.
    func endsWithinLine(_ descriptor: Descriptor) throws(SinkError) -> Bool {
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

    /// Lets go of a file that has another name by now, or none: what is written next belongs under the name.
    func leaveIfMoved() {
        guard let descriptor = file.withLock({ $0.descriptor }) else { return }
        let isAsked = isToReopen.exchange(false, ordering: .acquiring)
        var (named, held) = (stat(), stat())
        let isThere = stat(path, &named) == 0
        let isMissing = !isThere && errno == ENOENT
        guard fstat(descriptor.number, &held) == 0 else { return }
        let isOther = isThere && (named.st_dev != held.st_dev || named.st_ino != held.st_ino)
        if isAsked || isMissing || isOther { leave() }
    }

    /// Closes the file once its lines are on disk.
    func leave() {
        repair = .none
        file.withLock { file in
            if sync == .batch, file.isDirty, let descriptor = file.descriptor { file.retired.append(descriptor) }
            file = File(retired: file.retired)
        }
    }

    /// Gives a file that is full another name, and begins a new one.
    func rotateIfDue(before sequence: Int64) throws(SinkError) {
        guard let rotation else { return }
        _ = try opened()
        let state = file.withLock { $0 }
        let now = clinux_wall_microseconds() / 1_000_000
        guard rotation.isDue(length: state.length, bornAt: state.bornAt, now: now) else { return }
        let name = RotatedFiles.path(of: path, upTo: sequence - 1)
        // A name that is taken is somebody's file: this one grows until its name is free.
        guard access(name, F_OK) != 0, errno == ENOENT else { return }
        guard rename(path, name) == 0 else {
            throw .cannotOpen(path: name, reason: SystemFailure(code: errno).reason)
        }
        leave()
        _ = try opened()
        upkeep?.begin()
    }
}
