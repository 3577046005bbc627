// The lines of one batch, in memory that is used again for the next.

import Store

/// Rendered lines and where each ends.
struct LineBuffer {
    /// The lines, one after the other.
    private(set) var bytes: [UInt8] = []
    /// How many bytes the first line, the first two, the first three … take, with what stands before them.
    private(set) var ends: [Int] = []
    private let renderer: any EventRenderer

    init(renderer: any EventRenderer) {
        self.renderer = renderer
    }

    /// Forgets the lines and keeps the memory.
    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Puts bytes in front of the lines to come; they count as part of the first.
    mutating func prepend(_ prefix: some Sequence<UInt8>) {
        bytes.append(contentsOf: prefix)
    }

    /// Takes what has been put in so far for a line.
    mutating func endLine() {
        ends.append(bytes.count)
    }

    /// Renders the events from index `first` on.
    mutating func append(_ batch: EventBatch, from first: Int) {
        batch.bytes.withUnsafeBytes { source in
            for index in first..<batch.events.count {
                renderer.appendLine(batch.events[index], in: source, to: &bytes)
                ends.append(bytes.count)
            }
        }
    }

    /// How many lines are whole in the first `count` bytes.
    func wholeLines(in count: Int) -> Int {
        if let last = ends.last, count >= last { return ends.count }
        var low = 0
        var high = ends.count
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] <= count { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the first `lines` lines end.
    func end(of lines: Int) -> Int {
        lines == 0 ? 0 : ends[lines - 1]
    }
}
