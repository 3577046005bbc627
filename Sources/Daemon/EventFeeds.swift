// The live streams that are open: so many and no more, one for each named tail, woken by commits and by a clock.

import Dispatch
import Store
import Synchronization

/// The open streams of events.
final class EventFeeds: @unchecked Sendable {  // `clock` is set up once, and cancelled by the last who knows it
    /// How many streams may be open: half of the admin listener's connections stay for commands.
    static let limit = 16
    /// How often something is sent where there is nothing to tell, so that the other end knows that we are there.
    private static let heartbeat = DispatchTimeInterval.seconds(15)

    private let store: SQLiteEventStore
    private let open = Mutex<[ObjectIdentifier: EventFeed]>([:])
    private let clock: any DispatchSourceTimer

    /// Streams of the events in `store`.
    init(store: SQLiteEventStore) {
        self.store = store
        clock = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        clock.schedule(deadline: .now() + Self.heartbeat, repeating: Self.heartbeat, leeway: .seconds(1))
        clock.setEventHandler { [weak self] in self?.each { $0.beat() } }
        clock.activate()
        store.onCommit { [weak self] in self?.each { $0.wake() } }
    }

    deinit { clock.cancel() }

    /// How many are open.
    var count: Int { open.withLock { $0.count } }

    /// Whether somebody reads under this name.
    func isReading(_ tail: String) -> Bool { open.withLock { $0.values.contains { $0.tail == tail } } }

    /// Notes that events sent under this name need not be sent again.
    func acknowledged(_ tail: String, through sequence: Int64) {
        for feed in open.withLock({ Array($0.values) }) where feed.tail == tail { feed.acknowledged(through: sequence) }
    }

    /// Opens a stream.
    func begin(_ order: EventFeed.Order) throws(AdminRefusal) -> EventFeed {
        let feed: EventFeed
        do {
            feed = try EventFeed(order, store: store) { [weak self] in self?.end($0) }
        } catch {
            throw AdminRefusal(503, "\(error)")
        }
        let refusal = open.withLock { open -> AdminRefusal? in
            if let tail = order.tail, open.values.contains(where: { $0.tail == tail }) {
                return AdminRefusal(409, "tail \(tail) is being read: only one may read under a name")
            }
            guard open.count < Self.limit else {
                return AdminRefusal(503, "\(Self.limit) streams are open: there may be no more")
            }
            open[ObjectIdentifier(feed)] = feed
            return nil
        }
        if let refusal { throw refusal }
        guard let tail = order.tail else { return feed }
        do throws(AdminRefusal) {
            // Read only now that the name is ours: before, another reader might still have moved it.
            guard let known = try asking({ () throws(StoreError) in try store.tail(tail) }) else { throw noTail(tail) }
            feed.begin(behind: known.sequence)
        } catch {
            end(feed)
            throw error
        }
        return feed
    }

    private func end(_ feed: EventFeed) { _ = open.withLock { $0.removeValue(forKey: ObjectIdentifier(feed)) } }

    private func each(_ body: (EventFeed) -> Void) {
        for feed in open.withLock({ Array($0.values) }) { body(feed) }
    }
}
