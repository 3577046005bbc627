// Which events a sink gets of itself, for whoever asks what it has taken.

import Delivery
import Events

/// Which events a sink gets of itself.
public struct SinkTerms: Sendable {
    /// The paths of its endpoints.
    var endpoints: [String]
    /// Which of their events.
    var choice: EventChoice

    init(endpoints: [String], choice: EventChoice) { (self.endpoints, self.choice) = (endpoints, choice) }

    /// The terms that a configuration states by these lists; an empty one asks for nothing.
    public init(endpoints: [String], types: [String], channels: [String], apps: [String]) {
        choice = EventChoice()
        choice.types = Set(types.map { $0.hasPrefix(EventTypes.prefix) ? $0 : EventTypes.prefix + $0 })
        choice.channels = Set(channels.map { $0.uppercased() })
        choice.apps = Set(apps)
        self.endpoints = endpoints
    }
}
