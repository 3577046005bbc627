// What the log tells apart: each kind of event that somebody may want to be woken by, with an id that never changes.
// systemd/hookd.catalog holds a text for each of them; a test keeps the two together.

import Logging

/// A kind of event in the log. Its raw value is the field `kind` of JSON lines.
enum LogKind: String, CaseIterable, Sendable {
    /// Callbacks are taken.
    case started
    /// No more callbacks are taken.
    case stopping
    /// Everything is closed.
    case stopped
    /// The stop was cut short: connections, or sinks that had not caught up.
    case stopIncomplete = "stop_incomplete"
    /// Something in the configuration is probably not meant.
    case configurationWarning = "configuration_warning"
    /// Another configuration is in force.
    case reloaded
    /// Another configuration was refused.
    case reloadRefused = "reload_refused"
    /// Another configuration was refused for a certificate or key in it.
    case certificateRefused = "certificate_refused"
    /// A socket that systemd handed over is named by no key.
    case socketUnclaimed = "socket_unclaimed"
    /// Commands cannot reach the daemon.
    case adminMissing = "admin_missing"
    /// A request to the admin listener was refused.
    case adminRefused = "admin_refused"
    /// Callbacks are answered 503, for the store cannot write.
    case storeRefuses = "store_refuses"
    /// The store takes callbacks again.
    case storeRecovered = "store_recovered"
    /// Callbacks are answered 503, for the disk is almost full.
    case reserveReached = "reserve_reached"
    /// The disk has room again.
    case reserveLeft = "reserve_left"
    /// The disk was full, and the ballast was given up.
    case ballastReleased = "ballast_released"
    /// There is no room for the ballast.
    case ballastMissing = "ballast_missing"
    /// The end of the store is gone: acknowledged events are lost.
    case eventsLost = "events_lost"
    /// A stored event is not what was stored.
    case eventDamaged = "event_damaged"
    /// Callbacks left the quarantine to make room.
    case quarantineOverflowed = "quarantine_overflowed"
    /// A reader holds an old state of the store, and its log grows.
    case snapshotHeld = "snapshot_held"
    /// Its log is written back again.
    case snapshotReleased = "snapshot_released"
    /// The clock jumped ahead, and nothing is deleted.
    case clockJumped = "clock_jumped"
    /// The clock is believed again.
    case clockBelieved = "clock_believed"
    /// Events beyond the retention are kept.
    case retentionHeldBack = "retention_held_back"
    /// Events were deleted that nobody had read under a name.
    case tailPassed = "tail_passed"
    /// A sink takes no events, and is tried again.
    case sinkFails = "sink_fails"
    /// The target turns the sink away until somebody acts.
    case sinkPaused = "sink_paused"
    /// A sink takes events again.
    case sinkRecovered = "sink_recovered"
    /// A sink has taken events that the store does not have.
    case sinkAhead = "sink_ahead"
    /// An event was given up on.
    case deadLetter = "dead_letter"
    /// How far the sinks have come cannot be written.
    case cursorsNotKept = "cursors_not_kept"
    /// A callback was refused, for its signature is wrong.
    case callbackForged = "callback_forged"
    /// A callback was refused, for its time is outside the window.
    case callbackLate = "callback_late"
    /// A callback was refused for another reason.
    case callbackRefused = "callback_refused"
    /// A callback was answered 503.
    case callbackUnavailable = "callback_unavailable"
    /// Clients are turned away: there are too many, or no descriptors left.
    case connectionsRunOut = "connections_run_out"
}

extension LogKind {
    /// `MESSAGE_ID` in the journal: 128 random bits in hexadecimal, drawn once (`systemd-id128 new`).
    var messageID: String {
        switch self {
        case .started: "3b3b2d1bc8c84413970f3e5d749c3de4"
        case .stopping: "46ec466670034ce29dad25bf30dcb5cd"
        case .stopped: "6e3aa47468384e5396cff657b81ee254"
        case .stopIncomplete: "c7b7e24db4034d51a3ea8521e3bdf8d7"
        case .configurationWarning: "c43bfb5e5f7842b29ef7381eee099690"
        case .reloaded: "ce5a67c5cd7b46b699fe7e59d5d98eb9"
        case .reloadRefused: "cddd62369d34473894c3a36c99a5cafe"
        case .certificateRefused: "df52670a7ed3444fb499dba1dee8c30a"
        case .socketUnclaimed: "b4b82e1796564ddea202798f62bda1d6"
        case .adminMissing: "6a74433bb40144a09f379db12029fff5"
        case .adminRefused: "dd3040a2861548708a12070df6d565a0"
        case .storeRefuses: "bf477dc6ad8f4566a4fb1ecc315c3e70"
        case .storeRecovered: "790bd6b614de4670817d83fc380d5611"
        case .reserveReached: "5e54e1fab9d14eea90edae525a401e24"
        case .reserveLeft: "efa8f450d9604444878bc5487e322829"
        case .ballastReleased: "e55a13797a50443cb0c906c7ec1e4078"
        case .ballastMissing: "cb2fde43ea114417801c6ec3da823117"
        case .eventsLost: "4ef6819ec5cb4a05afac5f5980a46589"
        case .eventDamaged: "346a24744b024da29ad75f1af8008b7f"
        case .quarantineOverflowed: "80e0b13250c7491895510b8587c6d46d"
        case .snapshotHeld: "fa02924faf4a4885848899d84a8c45cf"
        case .snapshotReleased: "8ad37e768450410f8ca749eb6f82e13c"
        case .clockJumped: "9193f86bc7254c74ac0aee8d2bceec56"
        case .clockBelieved: "4ac48af8dc954a63ad003fc581a292e7"
        case .retentionHeldBack: "4ceced62302c411baee8971b39d52914"
        case .tailPassed: "448de9b6c61f4120bb860c24ffc05c1b"
        case .sinkFails: "9f5f3a3544cd436f821cc97fd3f6316f"
        case .sinkPaused: "837991ac2f134a42aaa85a3c5a97e3c9"
        case .sinkRecovered: "692e358ab3c3460e954b38f85fe1c644"
        case .sinkAhead: "46a8f88afe8d41e6b5d731de95e2469e"
        case .deadLetter: "bf05397a71a24184a8e88ba248ef3e8e"
        case .cursorsNotKept: "22d6380f797244f79d7635f47df1ce82"
        case .callbackForged: "f9e3c88a715443ed8ebd03262f237f0b"
        case .callbackLate: "4980b202eda9414899568fdea65da6c7"
        case .callbackRefused: "726aca7d1b8b44cd9ae754983fb4c51c"
        case .callbackUnavailable: "ef0a88f8e38746938c84f193f5a2d2db"
        case .connectionsRunOut: "6bc58962dfb74314b29a9f9cbdaae0e2"
        }
    }
}

extension LogKind: CustomStringConvertible {
    /// The raw value.
    var description: String { rawValue }

    /// The key in the metadata.
    static let key = "kind"

    /// The kind that metadata names; nil where it names none.
    init?(_ metadata: Logger.Metadata) {
        guard case .stringConvertible(let value as LogKind)? = metadata[Self.key] else { return nil }
        self = value
    }
}

extension Logger {
    /// Logs a message of a kind.
    func log(_ kind: LogKind, level: Level, _ message: @autoclosure () -> Message, metadata: Metadata = [:]) {
        log(
            level: level, message(),
            metadata: metadata.merging([LogKind.key: .stringConvertible(kind)]) { $1 })
    }
}
