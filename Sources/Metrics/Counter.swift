// Numbers that some threads write and others read at any time, without a lock.

import Synchronization

/// A number that rises.
public final class Counter: Sendable {
    private let number = Atomic<Int>(0)

    /// Begins at 0.
    public init() {}

    /// Adds `count`, which is not negative.
    public func add(_ count: Int = 1) { number.wrappingAdd(count, ordering: .relaxed) }

    /// What was added so far.
    public var value: Int { number.load(ordering: .relaxed) }
}

/// A number that is what it was last set to.
public final class Gauge: Sendable {
    private static let unset = Int.min
    private let number = Atomic<Int>(unset)

    /// Begins without a value.
    public init() {}

    /// The value; nil before it was set.
    public var value: Int? {
        get {
            let value = number.load(ordering: .relaxed)
            return value == Self.unset ? nil : value
        }
        set { number.store(newValue ?? Self.unset, ordering: .relaxed) }
    }
}

/// Counters by small numbers, side by side.
public final class CounterTable<let count: Int>: Sendable {
    private let numbers: InlineArray<count, Atomic<Int>>

    /// All begin at 0.
    public init() {
        numbers = InlineArray { _ in Atomic(0) }
    }

    /// Adds 1 to the counter at `index`, which must be below `count`.
    public func add(at index: Int) { numbers[index].wrappingAdd(1, ordering: .relaxed) }

    /// What was added to the counter at `index` so far.
    public func value(at index: Int) -> Int { numbers[index].load(ordering: .relaxed) }
}
