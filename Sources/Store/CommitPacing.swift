// When to commit. A commit costs a sync of the disk however many rows are in it, so under load it pays to wait a
// little for more; when nothing else is coming it does not.

/// How many candidates the next commit waits for: as many as the last one held, since the clients that it answered are
/// those who will come back with the next callbacks. It never waits longer than `longestWaitNanoseconds`, and
/// after a wait in vain it waits for fewer.
struct CommitPacing {
    /// The longest wait for more candidates, in nanoseconds. Under a load that fills the machine the wait ends early
    /// and costs nothing; docs/decisions tells the figures.
    static let longestWaitNanoseconds: Int64 = 2_000_000
    /// Fewer candidates than this are not waited for.
    private static let worthWaiting = 4

    /// How many candidates are worth waiting for; 1 means that none is waited for.
    private(set) var target = 1

    /// Takes note of a commit.
    mutating func committed(_ count: Int) { target = count < Self.worthWaiting ? 1 : count }

    /// Takes note that the store had nothing to do: the next candidate is committed at once.
    mutating func becameIdle() { target = 1 }
}
