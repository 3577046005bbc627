// How often something took how long, or was how large.

import Synchronization

/// What a histogram holds at one moment.
public struct HistogramValues: Sendable, Equatable {
    /// The upper bounds of the buckets but the last, rising.
    public var bounds: [Int]
    /// How many observations are in each bucket alone; one more than there are bounds, for what is above them all.
    public var counts: [Int]
    /// The sum of all observations.
    public var sum: Int

    /// The values of a histogram.
    public init(bounds: [Int], counts: [Int], sum: Int) {
        (self.bounds, self.counts, self.sum) = (bounds, counts, sum)
    }

    /// Adds what another histogram with the same bounds holds.
    public mutating func add(_ other: HistogramValues) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}

/// Counts observations, whole numbers of any unit, by buckets. Safe from any thread, without a lock: what is read while
/// others write may lack the newest observations.
public final class Histogram: Sendable {
    /// The most bounds.
    public static let boundLimit = 15

    /// The upper bounds of the buckets, rising. What is equal to a bound is below it.
    public let bounds: [Int]
    private let counts: InlineArray<16, Atomic<Int>>
    private let sum = Atomic<Int>(0)

    /// A histogram with these bounds; those beyond `boundLimit` are left out.
    public init(bounds: [Int]) {
        self.bounds = Array(bounds.prefix(Self.boundLimit))
        counts = InlineArray { _ in Atomic(0) }
    }

    /// From half a millisecond to five seconds, in nanoseconds.
    public static func seconds() -> Histogram {
        Histogram(
            bounds: [
                500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
                5_000_000,
            ]
            .map { $0 * 1000 })
    }

    /// Counts `value`.
    public func observe(_ value: Int) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index].wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(value, ordering: .relaxed)
    }

    /// What was counted so far.
    public var values: HistogramValues {
        HistogramValues(
            bounds: bounds, counts: (0...bounds.count).map { counts[$0].load(ordering: .relaxed) },
            sum: sum.load(ordering: .relaxed))
    }
}
