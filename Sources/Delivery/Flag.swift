// A switch that many queues see, and that goes only one way.

import Synchronization

/// Down at first, and up for good once raised.
final class Flag: Sendable {
    private let state = Atomic<Bool>(false)

    /// Whether it was raised.
    var isRaised: Bool { state.load(ordering: .acquiring) }

    /// Raises it. Returns whether it was down.
    @discardableResult
    func raise() -> Bool {
        !state.exchange(true, ordering: .acquiringAndReleasing)
    }
}
