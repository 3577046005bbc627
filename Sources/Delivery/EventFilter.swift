// Which of the events of its endpoints a sink gets.

import Store

/// What an event has to be. An empty set asks for nothing.
public struct EventChoice: Sendable, Equatable {
    /// Types, whole.
    public var types: Set<String> = []
    /// Channels.
    public var channels: Set<String> = []
    /// Ids of apps.
    public var apps: Set<String> = []

    /// Everything.
    public init() {}

    /// Whether every event is chosen.
    public var isEverything: Bool { types.isEmpty && channels.isEmpty && apps.isEmpty }

    /// Whether an event is chosen. One that has no channel is of none that was asked for; so with the app.
    public func includes(_ traits: EventTraits) -> Bool {
        (types.isEmpty || types.contains(traits.type))
            && (channels.isEmpty || traits.channel.map { channels.contains($0) } ?? false)
            && (apps.isEmpty || traits.app.map { apps.contains($0) } ?? false)
    }
}

/// A choice, and what it reads events with. Used on one queue.
public final class EventFilter: @unchecked Sendable {
    private let choice: EventChoice
    private let renderer: any EventRenderer

    /// A filter for one sink.
    public init(_ choice: EventChoice, renderer: sending any EventRenderer) {
        self.choice = choice
        self.renderer = renderer
    }

    func includes(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer) -> Bool {
        choice.includes(renderer.traits(event, in: bytes))
    }
}
