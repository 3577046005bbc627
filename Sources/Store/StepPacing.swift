// How much is deleted at once, so that nobody waits long for the writer.

/// The number of events of the next step, by how long the last one took.
struct StepPacing {
    /// The longest that a step should take, in nanoseconds. A step takes its transaction's sync with it.
    static let longestNanoseconds: Int64 = 20_000_000
    /// What is aimed at: there is room above it for a disk that is slow just then.
    private static let aimNanoseconds: Int64 = longestNanoseconds / 4
    private static let most = 8192

    /// How many events the next step looks at.
    private(set) var limit = 64

    /// Takes note of a step: one that took long halves the next, or cuts it further, and one that was quick lets it
    /// grow by half.
    mutating func took(nanoseconds: Int64) {
        if nanoseconds > Self.aimNanoseconds {
            let fitting = Int(Int64(limit) * Self.aimNanoseconds / nanoseconds)
            limit = max(1, min(limit / 2, fitting))
        } else if nanoseconds < Self.aimNanoseconds / 2 {
            limit = min(Self.most, limit + max(1, limit / 2))
        }
    }

    /// How long the writer has for others before the next step, in nanoseconds.
    func pause(after nanoseconds: Int64) -> Int64 { 2 * nanoseconds }
}
