// Reading a table of which pages are damaged: all rows that can be reached, by their numbers.
//
// SQLite finds a row from the root of its tree, so what a damaged page hides is a range of numbers. Where reading on
// fails, the rest is halved until each number has been asked for by itself.

/// The rows of a table whose first column is a number that rises.
struct RowWalk {
    /// `SELECT number, … WHERE number >= ?1 AND number <= ?2 ORDER BY number`.
    let select: SQLiteStatement

    /// Reads the rows from `low` to `high`, by rising number.
    ///
    /// - Parameters:
    ///   - lost: is told of each number whose row, if there is one, cannot be read.
    ///   - take: takes a row, which is the statement's current one.
    func read(
        _ low: Int64, through high: Int64, lost: (Int64) -> Void, take: (SQLiteStatement) throws(StoreError) -> Void
    ) throws(StoreError) {
        var ranges = [(low: low, high: high)]
        while let range = ranges.popLast() {
            guard let read = try readOn(range.low, range.high, take) else { continue }
            let rest = read + 1
            if rest >= range.high {
                if rest == range.high { lost(rest) }
                continue
            }
            let middle = rest + (range.high - rest) / 2
            ranges.append((middle + 1, range.high))
            ranges.append((rest, middle))
        }
    }

    /// Reads until a row cannot be read. Returns the number of the last that could, or what precedes `low`; nil where
    /// all of them could.
    private func readOn(
        _ low: Int64, _ high: Int64, _ take: (SQLiteStatement) throws(StoreError) -> Void
    ) throws(StoreError) -> Int64? {
        var last = low - 1
        select.bind(1, low)
        select.bind(2, high)
        defer { select.reset() }
        while true {
            do throws(StoreError) {
                guard try select.step() else { return nil }
            } catch .damaged {
                return last
            }
            let number = select.number(0)
            guard number > last, number <= high else { return last }
            last = number
            try take(select)
        }
    }
}
