// Whether the store takes callbacks now: asked in earnest, for only a write that came to the disk shows it.

extension SQLiteEventStore {
    /// How large a callback may be that is asked for, in bytes.
    private static let sampleBytes = 64 << 10
    /// Writes something, as a callback would be written, and waits until it is on disk.
    ///
    /// - Returns: false where the disk has no more room than the reserve: then nothing was written.
    public func takesCallbacks() throws(StoreError) -> Bool {
        try change { [weak self] writer, now throws(StoreError) in
            // On the store's queue, as every change.
            guard self?.hasRoom(for: Self.sampleBytes) ?? false else { return false }
            // Another number each time: SQLite does not write a row that stays as it is.
            try writer.retirement.facts.set(.askedAt, to: now)
            return true
        }
    }
}
