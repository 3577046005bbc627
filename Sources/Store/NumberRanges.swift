// Sets of numbers most of which follow one another.

/// A set of numbers, kept as ranges between which there is at least one number.
struct NumberRanges {
    private(set) var ranges: [ClosedRange<Int64>] = []

    /// How many ranges end before `number`; the one at this place holds it, or none does.
    private func place(of number: Int64) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func contains(_ number: Int64) -> Bool {
        let place = place(of: number)
        return place < ranges.count && ranges[place].contains(number)
    }

    mutating func insert(_ number: Int64) {
        let place = place(of: number)
        let follows = place > 0 && ranges[place - 1].upperBound == number - 1
        guard place < ranges.count, ranges[place].lowerBound <= number + 1 else {
            guard follows else { return ranges.insert(number...number, at: place) }
            ranges[place - 1] = ranges[place - 1].lowerBound...number
            return
        }
        let next = ranges[place]
        guard !next.contains(number) else { return }
        ranges[place] = (follows ? ranges[place - 1].lowerBound : number)...next.upperBound
        if follows { ranges.remove(at: place - 1) }
    }

    /// What of `range` is not in the set, by rising number.
    func gaps(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var gaps: [ClosedRange<Int64>] = []
        var low = range.lowerBound
        for held in ranges[place(of: low)...] {
            guard held.lowerBound <= range.upperBound else { break }
            if held.lowerBound > low { gaps.append(low...held.lowerBound - 1) }
            guard held.upperBound < range.upperBound else { return gaps }
            low = held.upperBound + 1
        }
        gaps.append(low...range.upperBound)
        return gaps
    }
}
