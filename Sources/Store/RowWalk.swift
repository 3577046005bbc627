// Reading a table of which pages are damaged: all rows that can be reached, by their numbers.
//
// SQLite finds a row from the root of its tree, so what a damaged page hides is a range of numbers. Where reading on
// fails, the rest is halved until each number has been asked for by itself. A damaged number in a page ends the reading
// without an error: so in a malformed file the numbers that were not met are asked for as well, and from both ends.

/// The rows of a table whose first column is a number that rises.
struct RowWalk {
    /// `SELECT number, … WHERE number >= ?1 AND number <= ?2 ORDER BY number`, and the same by falling number.
    let rising: SQLiteStatement
    let falling: SQLiteStatement
    /// Takes a row, which is the statement's current one. Returns whether it is what was stored.
    let take: (SQLiteStatement) throws(StoreError) -> Bool

    /// The numbers whose rows were taken, and are what was stored.
    private(set) var taken = NumberRanges()
    /// The numbers whose rows, if they have any, cannot be read.
    private(set) var unread = NumberRanges()

    init(
        rising: SQLiteStatement, falling: SQLiteStatement,
        take: @escaping (SQLiteStatement) throws(StoreError) -> Bool
    ) {
        self.rising = rising
        self.falling = falling
        self.take = take
    }

    /// Reads the rows of a range that were not taken yet.
    ///
    /// - Parameter isEndBelieved: whether there are no further rows where SQLite says so. If not, then every number is
    ///   asked for, which takes its time where there are many without a row.
    mutating func read(_ range: ClosedRange<Int64>, isEndBelieved: Bool) throws(StoreError) {
        var open = Array(taken.gaps(in: range).reversed())
        while let range = open.popLast() {
            let stop = try run(rising, range, step: 1)
            var left: [ClosedRange<Int64>] = []
            if !isEndBelieved {
                if let last = taken.gaps(in: range).last { _ = try run(falling, last, step: -1) }
                left = taken.gaps(in: range)
            } else if let stop {
                left = [stop...range.upperBound]
            }
            guard left == [range] else {
                open += left.reversed()
                continue
            }
            if range.count == 1 {
                unread.insert(range.lowerBound)
                continue
            }
            let middle = range.lowerBound + (range.upperBound - range.lowerBound) / 2
            open.append(middle + 1...range.upperBound)
            open.append(range.lowerBound...middle)
        }
    }

    /// Takes rows until one cannot be read, or its number is none that may follow.
    ///
    /// - Returns: the first number that was not come to; nil where SQLite says that there are no further rows.
    private mutating func run(
        _ select: SQLiteStatement, _ range: ClosedRange<Int64>, step: Int64
    ) throws(StoreError) -> Int64? {
        var next = step > 0 ? range.lowerBound : range.upperBound
        select.bind(1, range.lowerBound)
        select.bind(2, range.upperBound)
        defer { select.reset() }
        while true {
            do throws(StoreError) {
                guard try select.step() else { return nil }
            } catch  where error.isOfDamage {
                return range.contains(next) ? next : nil
            }
            let number = select.number(0)
            guard range.contains(number), (number - next) * step >= 0 else {
                return range.contains(next) ? next : nil
            }
            next = number + step
            if !taken.contains(number), try take(select) { taken.insert(number) }
        }
    }
}
