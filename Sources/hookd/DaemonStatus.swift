// What the daemon says of itself, as the commands read it; docs/admin.md tells what each value means.

import Daemon
import FoundationEssentials

/// The answer to `/status`, as far as people are shown it.
struct DaemonStatus: Decodable {
    var version: String
    var pid: Int
    var started: String?
    var uptimeSeconds: Int
    var problem: String?
    var listeners: [Listener]
    var endpoints: [Endpoint]
    var sinks: [Sink]
    /// What `hookd tail --as` reads under; nothing from a daemon that knows no names.
    var tails: [TailRow]?
    var store: Store
    var configuration: Configuration

    struct Listener: Decodable {
        var address: String
        var tls: Bool
        var certificates: [Certificate]?
    }

    struct Certificate: Decodable {
        var source: String
        var notAfter: String

        enum CodingKeys: String, CodingKey {
            case source
            case notAfter = "not_after"
        }
    }

    struct Endpoint: Decodable {
        var path: String
        var outcomes: [String: Int]
        var lastEvent: String?

        enum CodingKeys: String, CodingKey {
            case path, outcomes
            case lastEvent = "last_event"
        }
    }

    struct Sink: Decodable {
        var name: String
        var type: String
        var backlogEvents: Int
        var lagSeconds: Double
        var redeliveries: Int
        var deadLetters: Int
        var failingSince: String?
        var lastError: String?
        var paused: Bool

        enum CodingKeys: String, CodingKey {
            case name, type, redeliveries, paused
            case backlogEvents = "backlog_events"
            case lagSeconds = "lag_seconds"
            case deadLetters = "dead_letters"
            case failingSince = "failing_since"
            case lastError = "last_error"
        }
    }

    struct Store: Decodable {
        var events: Int
        var bytes: Int
        var freeBytes: Int?
        var quarantined: Int

        enum CodingKeys: String, CodingKey {
            case events, bytes, quarantined
            case freeBytes = "free_bytes"
        }
    }

    struct Configuration: Decodable {
        var file: String
        var lastReload: Reload?

        enum CodingKeys: String, CodingKey {
            case file
            case lastReload = "last_reload"
        }
    }

    struct Reload: Decodable {
        var at: String
        var refusal: String?
    }

    enum CodingKeys: String, CodingKey {
        case version, pid, started, problem, listeners, endpoints, sinks, tails, store, configuration
        case uptimeSeconds = "uptime_seconds"
    }
}

extension DaemonStatus {
    /// How many seconds before the daemon's own clock a time was that it named; negative for one that is to come, nil
    /// where that cannot be told. The clock here may be another one.
    func age(of time: String) -> Double? {
        guard let started, let start = Self.seconds(started), let then = Self.seconds(time) else { return nil }
        return Double(start) + Double(uptimeSeconds) - Double(then)
    }

    /// Seconds since 1970, without the part of a second.
    private static func seconds(_ time: String) -> Int64? {
        let whole = time.prefix { $0 != "." && $0 != "Z" }
        return UTCTimestamp.seconds(fromText: whole + "Z")
    }
}

/// The answer to `/readyz`.
struct Readiness {
    var problem: String?

    init(_ reply: AdminReply) {
        struct Body: Decodable { var problem: String? }
        problem = (try? JSONDecoder().decode(Body.self, from: Data(reply.body.utf8)))?.problem
    }
}
