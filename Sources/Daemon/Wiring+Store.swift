// From the configuration to the store, and from its notices to the log.

import Logging
import Store

extension SQLiteEventStore.Options {
    /// The store's part of the configuration.
    init(_ configuration: Configuration) {
        self.init(
            toleranceSeconds: configuration.endpoints.map { $0.tolerance.components.seconds }.max() ?? 0,
            nonceCapacity: configuration.limits.nonces)
        lateWindowSeconds =
            configuration.endpoints.filter { $0.late == .accept }.map { $0.lateWindow.components.seconds }.max() ?? 0
        sinks = configuration.sinks.map(\.name)
        retention = Retention(
            ageSeconds: configuration.retention.age.components.seconds,
            sizeBytes: configuration.retention.sizeBytes.map { Int64($0) })
        reserveBytes = configuration.retention.reserveBytes.map { Int64($0) }
        quarantine = QuarantineBounds(
            count: configuration.retention.quarantineCount, bytes: configuration.retention.quarantineBytes)
    }
}

extension RateLimitedLog {
    /// What the store has to tell.
    func log(_ notice: SQLiteEventStore.Notice) {
        log(notice.topic, level: notice.level, kind: notice.kind, "\(notice.message)", metadata: notice.metadata)
    }
}

extension SQLiteEventStore.Notice {
    /// Notices of one topic share their place in the log. Good news have one of their own, or they would be held back
    /// behind the bad.
    fileprivate var topic: String {
        switch self {
        case .commitFailed: "commit"
        case .reopenFailed: "reopen"
        case .recovered: "recovered"
        case .eventsLost: "lost"
        case .impossiblePlace(let name, let isTail, _, _, _): "place of \(isTail ? "tail" : "sink") \(name)"
        case .damagedEvent: "damaged"
        case .quarantineOverflowed: "quarantine"
        case .belowReserve: "reserve"
        case .roomAgain: "room"
        case .ballastReleased, .ballastMissing: "ballast"
        case .ballastRestored: "ballast restored"
        case .snapshotHeld: "snapshot"
        case .snapshotReleased: "snapshot released"
        case .retentionPaused: "retention"
        case .retentionResumed: "retention resumed"
        case .retentionHeldBack: "retention held back"
        case .tailPassed: "tail"
        }
    }

    fileprivate var kind: LogKind {
        switch self {
        case .commitFailed, .reopenFailed: .storeRefuses
        case .recovered: .storeRecovered
        case .eventsLost: .eventsLost
        case .impossiblePlace: .sinkAhead
        case .damagedEvent: .eventDamaged
        case .quarantineOverflowed: .quarantineOverflowed
        case .belowReserve: .reserveReached
        case .roomAgain, .ballastRestored: .reserveLeft
        case .ballastReleased: .ballastReleased
        case .ballastMissing: .ballastMissing
        case .snapshotHeld: .snapshotHeld
        case .snapshotReleased: .snapshotReleased
        case .retentionPaused: .clockJumped
        case .retentionResumed: .clockBelieved
        case .retentionHeldBack: .retentionHeldBack
        case .tailPassed: .tailPassed
        }
    }

    fileprivate var metadata: Logger.Metadata {
        switch self {
        case .damagedEvent(let sequence): ["sequence": .stringConvertible(sequence)]
        case .impossiblePlace(let name, let isTail, _, _, _): [isTail ? "tail" : "sink": .string(name)]
        case .retentionHeldBack(let sink?, _): ["sink": .string(sink)]
        case .tailPassed(let name): ["tail": .string(name)]
        default: [:]
        }
    }

    fileprivate var level: Logger.Level {
        switch self {
        case .eventsLost, .impossiblePlace, .damagedEvent: .critical
        case .commitFailed, .reopenFailed, .belowReserve, .ballastReleased: .error
        case .quarantineOverflowed, .ballastMissing, .snapshotHeld, .retentionPaused, .retentionHeldBack,
            .tailPassed:
            .warning
        case .recovered, .roomAgain, .ballastRestored, .snapshotReleased, .retentionResumed: .notice
        }
    }

    /// What happened, for the operator.
    var message: String {
        switch self {
        case .commitFailed(let error): "callbacks are answered 503: \(error)"
        case .reopenFailed(let error): "the store cannot be opened again, callbacks are answered 503: \(error)"
        case .recovered: "the store takes callbacks again"
        case .eventsLost(let newest, let stored):
            "the store ends at event \(newest), but events up to \(stored) had been stored: acknowledged events were "
                + "lost with the file's end. Was an old copy restored? Their numbers are not used again"
        case .impossiblePlace(let name, let isTail, let found, let newest, let goesOn):
            "the store has it that \(isTail ? "tail" : "sink") \(name) has taken events up to \(found), but the newest "
                + "that was ever stored is \(newest): its place was damaged or changed, or the store has lost its end. "
                + "It goes on behind \(goesOn)"
                + (goesOn > 0
                    ? "; what of the events up to \(newest) it had not taken, it does not get of itself. Compare with "
                        + "what its target has, and replay the rest"
                    : ", and gets again what is still stored")
        case .damagedEvent(let sequence):
            "event \(sequence) is not what was stored: it does not match its id and checksum. It is not delivered"
        case .quarantineOverflowed(let dropped):
            "the quarantine is full: \(dropped) of its oldest callbacks made room for others"
        case .belowReserve(let free, let reserve):
            "callbacks are answered 503: the disk has \(megabytes(free)) free, and hookd keeps \(megabytes(reserve)). "
                + "Make room on it, or let retention delete more"
        case .roomAgain(let free): "the disk has room for callbacks again, \(megabytes(free))"
        case .ballastReleased(let bytes):
            "the disk is full: hookd.ballast was given up, \(megabytes(bytes)), to keep the store going"
        case .ballastRestored(let bytes): "hookd.ballast is in its place again, \(megabytes(bytes))"
        case .ballastMissing(let bytes, let reason): "there is no hookd.ballast of \(megabytes(bytes)): \(reason)"
        case .snapshotHeld(let seconds, let bytes, let holders):
            "\(text(of: holders)) been reading one state of hookd.db for \(seconds) s, so the write-ahead log grows, "
                + "to \(megabytes(bytes)) now. End its transaction"
        case .snapshotReleased(let seconds): "the write-ahead log is written back again, after \(seconds) s"
        case .retentionPaused(let seconds):
            "the clock jumped ahead by \(seconds) s: nothing is deleted until a callback signed at that time is stored"
        case .retentionResumed: "the clock is believed, and old events are deleted again"
        case .retentionHeldBack(let sink, let bytes):
            "events beyond the retention are kept, for "
                + (sink.map { "sink \($0) has not taken them" } ?? "a repeat of them may still come")
                + ". The store uses \(megabytes(bytes))"
        case .tailPassed(let name):
            "events were deleted that hookd tail --as \(name) had not read: it was forgotten, or is too far behind"
        }
    }
}

/// Who holds a snapshot, with the verb: `sqlite3 (pid 4711) has`.
private func text(of holders: [SQLiteEventStore.SnapshotHolder]) -> String {
    let names = holders.map { "\($0.name.isEmpty ? "a program" : $0.name) (pid \($0.pid))" }
    return names.isEmpty
        ? "another program has" : names.joined(separator: " and ") + (names.count == 1 ? " has" : " have")
}

private func megabytes(_ bytes: Int64) -> String { "\(bytes / 1_000_000) MB" }
