// What the embedded store tells the operator.

extension SQLiteEventStore {
    /// What the store tells the operator.
    public enum Notice: Sendable, Equatable {
        /// A commit failed; nothing of it was acknowledged. The file is reopened.
        case commitFailed(StoreError)
        /// The file could not be reopened; it is tried again.
        case reopenFailed(StoreError)
        /// Commits succeed again.
        case recovered
        /// The file holds less than hookd had stored in it: acknowledged events were lost. Their sequence numbers, up
        /// to `stored`, are not used again.
        case eventsLost(newest: Int64, stored: Int64)
        /// A sink, or a named tail, is at a place that the events do not bear out: `newest` is the highest number that
        /// is known to have been stored. It goes on behind `goesOn`.
        case impossiblePlace(of: String, isTail: Bool, found: Int64, newest: Int64, goesOn: Int64)
        /// An event is not the one that was stored. It is not delivered.
        case damagedEvent(sequence: Int64)
        /// The quarantine was full: so many of its oldest callbacks made room.
        case quarantineOverflowed(dropped: Int)
        /// The disk has fewer free bytes than the reserve: callbacks are turned away, all else goes on.
        case belowReserve(freeBytes: Int64, reserveBytes: Int64)
        /// There is room for callbacks again.
        case roomAgain(freeBytes: Int64)
        /// The disk was full. The ballast, so many bytes, was given up to get moving again.
        case ballastReleased(bytes: Int64)
        /// The ballast is in its place again.
        case ballastRestored(bytes: Int64)
        /// The disk has no room for the ballast.
        case ballastMissing(bytes: Int64, reason: String)
        /// The write-ahead log grows, because another connection has been reading one state of the file for so long.
        /// `holders`: whose it is, where that can be told.
        case snapshotHeld(seconds: Int64, walBytes: Int64, holders: [SnapshotHolder])
        /// The write-ahead log is written back again.
        case snapshotReleased(seconds: Int64)
        /// The clock jumped ahead: nothing is deleted until a callback that is stored in time confirms the new time.
        case retentionPaused(jumpSeconds: Int64)
        /// The time is confirmed, and old events are deleted again.
        case retentionResumed
        /// The store uses more bytes than it may, and what is oldest cannot be deleted: `sink` has not taken it, or it
        /// is too young to be forgotten where `sink` is nil.
        case retentionHeldBack(sink: String?, usedBytes: Int64)
        /// Events were deleted that were not read under this name.
        case tailPassed(name: String)
    }
}
