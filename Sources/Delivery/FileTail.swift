// The end of a file of lines: what it holds last, and whether it ends within a line.

import CLinux
import Glibc

/// What the end of a file says.
struct FileTail {
    /// The event of the highest number, and that of the last line where it is another one: an event that was sent again
    /// on demand stands behind later ones.
    var places: [LinePlace] = []
    /// Where the last line begins that has no end; nil where there is none.
    var tornAt: Int64?
    /// Whether what is there of it is a piece of a line of ours, which is written again as a whole.
    var isTornLineOurs = false

    /// How much is looked at: more than is ever written between two movements of a cursor's place on disk.
    static let lookedAtBytes = 4 << 20
    /// How much is looked at where that holds no whole line: more than the longest, which has the largest body that can
    /// be allowed, 64 MiB, as Base64.
    static let longestLineBytes = 128 << 20

    /// Nothing to go by.
    init() {}

    /// Looks at the file at `path`, which is `length` bytes long. Where it may not be read there is nothing to go by.
    init(path: String, length: Int64, renderer: any EventRenderer) {
        guard length > 0, let reader = try? Descriptor(path: path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY) else {
            return
        }
        var count = Self.lookedAtBytes
        while true {
            let start = max(0, length - Int64(count))
            var bytes = [UInt8](repeating: 0, count: Int(length - start))
            guard let read = Self.read(reader, &bytes, at: start) else { return }
            bytes.removeLast(bytes.count - read)
            let hasWholeLine = bytes.withUnsafeBytes { look(at: $0, start: start, renderer) }
            if hasWholeLine || start == 0 || count >= Self.longestLineBytes { return }
            count *= 2
        }
    }

    /// Returns how many bytes were there; nil where they cannot be read.
    private static func read(_ reader: Descriptor, _ bytes: inout [UInt8], at start: Int64) -> Int? {
        bytes.withUnsafeMutableBytes { buffer in
            var count = 0
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                let place = off_t(start) + off_t(count)
                guard let got = try? systemCall({ pread(reader.number, rest.baseAddress, rest.count, place) }) else {
                    return nil
                }
                if got == 0 { break }
                count += got
            }
            return count
        }
    }

    /// Where the line begins whose bytes end before `end`.
    private static func lineStart(before end: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        clinux_last_index(bytes.baseAddress, end, UInt8(ascii: "\n")) + 1
    }

    /// Returns whether the bytes hold a line whose beginning and end are known.
    private mutating func look(
        at bytes: UnsafeRawBufferPointer, start: Int64, _ renderer: any EventRenderer
    ) -> Bool {
        self = FileTail()
        let end = Self.lineStart(before: bytes.count, in: bytes)
        if end < bytes.count {
            tornAt = start + Int64(end)
            isTornLineOurs = renderer.mayBegin(UnsafeRawBufferPointer(rebasing: bytes[end...]))
            // A line that began before what is looked at is judged by nobody.
            if end == 0, start > 0 { isTornLineOurs = false }
        }
        var (lineEnd, last, highest) = (end, nil as LinePlace?, nil as LinePlace?)
        var hasWholeLine = false
        while lineEnd > 0 {
            let lineStart = Self.lineStart(before: lineEnd - 1, in: bytes)
            if lineStart > 0 || start == 0 {
                hasWholeLine = true
                let line = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<(lineEnd - 1)])
                if let place = renderer.place(ofLine: line) {
                    last = last ?? place
                    if place.sequence > highest?.sequence ?? 0 { highest = place }
                }
            }
            lineEnd = lineStart
        }
        places = highest == last ? [highest].compactMap(\.self) : [highest, last].compactMap(\.self)
        return hasWholeLine
    }
}
