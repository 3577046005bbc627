// The stdout sink: a JSON line for each event, to a descriptor that was handed to us. Its reader may stop reading
// for as long as it likes; hookd can stop all the same.

import Glibc
import Store

/// Writes events to standard output.
///
/// O_NONBLOCK is a flag of what the descriptor leads to and not of the descriptor, so setting it would surprise every
/// process that shares it. Instead poll(2) is asked before each write, and no more is written than surely fits.
public final class StdoutSink: Sink, @unchecked Sendable {  // variables: only in take
    /// The name in the configuration.
    public let name: String
    /// How much is written at once, and when it is tried again.
    public let pace: SinkPace

    private let descriptor: Int32
    private let pieceBytes: Int
    private let stallMilliseconds: Int32
    private let interruption: Interruption
    private var lines: LineBuffer
    /// Whether the descriptor leads to a file that ended within a line before we wrote anything: a full disk tore it,
    /// and whoever wrote it has ended since.
    private var beginsWithinLine = false
    /// What is missing of an event's line whose beginning is written.
    private var unfinished: (sequence: Int64, rest: [UInt8])?

    /// A sink for `descriptor`, which stays the caller's. SIGPIPE has to be ignored in the whole process.
    ///
    /// - Parameter stallMilliseconds: how long a reader may read nothing before that is reported.
    public init(
        name: String, descriptor: Int32 = 1, renderer: sending any EventRenderer,
        pace: SinkPace = defaultPace, stallMilliseconds: Int32 = 5000
    ) throws(SinkError) {
        self.name = name
        self.descriptor = descriptor
        self.pace = pace
        self.stallMilliseconds = stallMilliseconds
        interruption = try Interruption()
        lines = LineBuffer(renderer: renderer)
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        // A pipe that poll calls writable takes PIPE_BUF bytes, 4096 on Linux, without blocking (pipe(7)); as one
        // piece, so that lines of two writers do not mix. A file never blocks for its reader.
        pieceBytes = isFile ? 1 << 20 : 4096
        beginsWithinLine = isFile && Self.endsWithinLine(descriptor, length: status.st_size)
    }

    /// Whether what is written next follows half a line. False where the file may not be read.
    private static func endsWithinLine(_ descriptor: Int32, length: off_t) -> Bool {
        let isAppending = fcntl(descriptor, F_GETFL) & O_APPEND != 0
        guard length > 0, isAppending || lseek(descriptor, 0, SEEK_CUR) == length,
            let reader = try? Descriptor(path: "/proc/self/fd/\(descriptor)", flags: O_RDONLY)
        else { return false }
        var last: UInt8 = 0
        return pread(reader.number, &last, 1, length - 1) == 1 && last != UInt8(ascii: "\n")
    }

    /// Up to 256 KiB of bodies at a time, at most about every 3 ms; a failure is tried again within a second.
    public static let defaultPace = SinkPace(
        limit: ReadLimit(events: 1024, bytes: 1 << 18), pauseMicroseconds: 3000,
        retry: RetryPolicy(initialMicroseconds: 100_000, maximumMicroseconds: 1_000_000))

    /// Writes the events as their reader takes them, and says how many lines are written whole.
    public func take(_ batch: EventBatch, from first: Int) -> Taken {
        lines.clear()
        prepare(batch, from: first)
        var written = 0
        var failure: SinkError?
        do throws(SinkError) {
            while written < lines.bytes.count {
                try waitUntilWritable()
                written += try writePiece(from: written)
            }
        } catch {
            failure = error
        }
        let taken = lines.wholeLines(in: written)
        if failure == .readerGone {
            // Whoever comes to read next gets the line from its beginning.
            unfinished = nil
        } else if written > lines.end(of: taken) {
            let rest = lines.bytes[written..<lines.ends[taken]]
            unfinished = (batch.events[first + taken].sequence, Array(rest))
        } else if written > 0 {
            unfinished = nil
        }
        if written > 0 { beginsWithinLine = false }
        return Taken(taken, failure: failure)
    }

    /// Renders the events, the first without what is written of it.
    private func prepare(_ batch: EventBatch, from first: Int) {
        guard let unfinished else {
            if beginsWithinLine { lines.prepend([UInt8(ascii: "\n")]) }
            return lines.append(batch, from: first)
        }
        if first < batch.events.count, batch.events[first].sequence == unfinished.sequence {
            lines.prepend(unfinished.rest)
            lines.endLine()
            lines.append(batch, from: first + 1)
        } else {
            lines.prepend([UInt8(ascii: "\n")])
            lines.append(batch, from: first)
        }
    }

    /// Ends the wait for a reader at once.
    public func interrupt() {
        interruption.raise()
    }

    /// Waits for the reader again.
    public func resume() {
        interruption.lower()
    }

    /// Ends a line that `other` has begun.
    public func takeOver(from other: any Sink) {
        guard let other = other as? StdoutSink, other.descriptor == descriptor else { return }
        (unfinished, beginsWithinLine) = (other.unfinished, other.beginsWithinLine)
    }

    private func waitUntilWritable() throws(SinkError) {
        var descriptors = [
            pollfd(fd: interruption.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
        ]
        let ready: Int32
        do throws(SystemFailure) {
            ready = try systemCall { poll(&descriptors, 2, stallMilliseconds) }
        } catch {
            throw .outputFailed(reason: error.reason)
        }
        if descriptors[0].revents != 0 { throw .interrupted }
        if ready == 0 { throw .readerStalled(seconds: Int(stallMilliseconds) / 1000) }
    }

    /// Writes as many whole lines as fit in a piece, or a piece of a line that is longer.
    private func writePiece(from start: Int) throws(SinkError) -> Int {
        let whole = lines.end(of: lines.wholeLines(in: start + pieceBytes))
        let end = whole > start ? whole : min(start + pieceBytes, lines.bytes.count)
        let (count, code) = lines.bytes.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            do throws(SystemFailure) {
                return (try systemCall { write(descriptor, piece.baseAddress, piece.count) }, 0 as Int32)
            } catch {
                return (0, error.code)
            }
        }
        switch code {
        // Somebody else made it non-blocking and was faster: poll again.
        case 0, EAGAIN: return count
        case EPIPE: throw .readerGone
        default: throw .outputFailed(reason: SystemFailure(code: code).reason)
        }
    }
}
