// What the daemon says of itself, as the commands read it; docs/admin.md tells what each value means.

import Daemon
import FoundationEssentials

/// The answer to `/status`, as far as people are shown it.
struct DaemonStatus: Decodable {
    var version: String
    var pid: Int
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
        var lastError: String?
        var paused: Bool

        enum CodingKeys: String, CodingKey {
            case name, type, redeliveries, paused
            case backlogEvents = "backlog_events"
            case lagSeconds = "lag_seconds"
            case deadLetters = "dead_letters"
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
        case version, pid, problem, listeners, endpoints, sinks, tails, store, configuration
        case uptimeSeconds = "uptime_seconds"
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
