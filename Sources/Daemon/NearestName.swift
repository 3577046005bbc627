// The name that was probably meant.

/// The one of `candidates` that is closest to `name`, if a typing error could lie between them: at most one
/// change in three characters, where a change adds, drops or replaces one, or swaps two neighbours.
func nearestName(to name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased())
    // A name as long as a page is no typing error, and comparing costs its length squared.
    guard wanted.count <= 64 else { return nil }
    let distances = candidates.map { (name: $0, distance: distance(wanted, Array($0.lowercased()))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, max(wanted.count, best.name.count) / 3) ? best.name : nil
}

/// The number of changes from one text to the other (optimal string alignment).
private func distance(_ one: [Character], _ other: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...other.count)
    for row in 0..<one.count {
        var current = [row + 1]
        for column in 0..<other.count {
            let replaced = previous[column] + (one[row] == other[column] ? 0 : 1)
            var least = min(replaced, previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                least = min(least, beforePrevious[column - 1] + 1)
            }
            current.append(least)
        }
        (beforePrevious, previous) = (previous, current)
    }
    return previous[other.count]
}
