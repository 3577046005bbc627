// One live stream of events: reads the store behind its own place, as a sink does, and makes server-sent events of it
// (WHATWG HTML §9.2). It reads when the socket wants more, so a reader that does not read holds one piece and no more.

import Delivery
import Dispatch
import Server
import Store
import Synchronization

/// A stream of events, each as a server-sent event with the sequence number as its id.
final class EventFeed: BodySource, @unchecked Sendable {  // `renderer` is for `queue` only, and `state` is locked
    /// What is to be sent.
    struct Order: Sendable {
        /// The event behind which it begins. A named tail begins where it is when its name is taken.
        var start: Int64
        var choice = EventChoice()
        /// Whether it goes on with what is stored later.
        var isLive = true
        /// The named tail that it is sent for, and which acknowledges what it has taken.
        var tail: String?
    }

    typealias Give = @Sendable ([UInt8]?) -> Void

    private struct State {
        var place: Int64
        /// What waits for a piece; nil while none is wanted.
        var give: Give?
        var isScheduled = false
        var isBeatDue = false
        /// The last id that was sent.
        var told: Int64
        /// What a named tail was sent and has not acknowledged.
        var underWay: [(sequence: Int64, bytes: Int)] = []
        /// Whether nothing follows what was given.
        var isDone = false

        /// Whether more may be sent before something is acknowledged.
        var hasRoom: Bool {
            underWay.count < EventFeed.windowEvents && underWay.reduce(0) { $0 + $1.bytes } < EventFeed.windowBytes
        }
    }

    /// How much is sent to a named tail before it acknowledges: so much comes again at most where it was killed.
    static let windowEvents = 256
    static let windowBytes = 1 << 20
    /// How many bytes of bodies are read at once.
    private static let pieceBytes = 256 << 10

    /// The named tail that it is for.
    var tail: String? { order.tail }

    private let order: Order
    /// The event up to which a stream that does not go on goes.
    private let last: Int64
    private let store: SQLiteEventStore
    private let renderer: CloudEventRenderer
    private let onEnd: @Sendable (EventFeed) -> Void
    private let queue = DispatchQueue(label: "hookd.feed", qos: .utility)
    private let state: Mutex<State>

    /// A stream of events in `store`.
    ///
    /// - Parameter onEnd: is told when nobody reads any more.
    init(_ order: Order, store: SQLiteEventStore, onEnd: @escaping @Sendable (EventFeed) -> Void) throws {
        (self.order, self.store, self.onEnd) = (order, store, onEnd)
        last = store.newestSequence
        renderer = try CloudEventRenderer()
        state = Mutex(State(place: order.start, told: order.start))
    }

    // MARK: Being asked

    /// Begins behind `sequence` instead. To be called before anybody asks.
    func begin(behind sequence: Int64) { state.withLock { ($0.place, $0.told) = (sequence, sequence) } }

    func askForMore(_ give: @escaping Give) {
        let isDone = state.withLock { state in
            if !state.isDone { state.give = give }
            return state.isDone
        }
        if isDone { give(nil) } else { wake() }
    }

    func ended() {
        state.withLock { state in
            state.give = nil
            state.isDone = true
        }
        onEnd(self)
    }

    /// Looks for events, if somebody waits for them. From any thread; does not block.
    func wake() {
        let mustLook = state.withLock { state in
            guard state.give != nil, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if mustLook { queue.async { self.look() } }
    }

    /// Has something be sent, even where there is nothing to tell.
    func beat() {
        state.withLock { $0.isBeatDue = true }
        wake()
    }

    /// Notes that a named tail has taken what it was sent.
    func acknowledged(through sequence: Int64) {
        state.withLock { state in state.underWay.removeAll { $0.sequence <= sequence } }
        wake()
    }

    // MARK: Making pieces

    /// Reads on, and gives what is found to whoever waits for it.
    private func look() {
        let now = state.withLock { state in
            state.isScheduled = false
            return state
        }
        guard now.give != nil else { return }
        var found = Found(place: now.place, told: now.told)
        if !hasBegun {
            hasBegun = true
            // Browsers wait so long before they come again; and the first bytes say that the stream is there.
            found.bytes = Array("retry: 2000\n\n".utf8)
        }
        do throws(StoreError) {
            if found.bytes.isEmpty, now.hasRoom { try read(&found, atMost: Self.windowEvents - now.underWay.count) }
        } catch {
            // The reader comes again, and goes on where it was.
            found.isDone = true
        }
        if found.bytes.isEmpty, !found.isDone { sayPlace(&found, now) }
        hand(found)
    }

    /// Whether anything was given. For `queue` only.
    private var hasBegun = false

    /// What was read for a piece.
    private struct Found {
        var place: Int64
        var told: Int64
        var bytes: [UInt8] = []
        var sent: [(sequence: Int64, bytes: Int)] = []
        var isDone = false
    }

    /// Reads until some event is to be sent, or there is none.
    private func read(_ found: inout Found, atMost most: Int) throws(StoreError) {
        while found.bytes.isEmpty, state.withLock({ $0.give != nil }) {
            let newest = store.newestSequence
            let batch = try store.events(
                after: found.place, limit: ReadLimit(events: most, bytes: Self.pieceBytes))
            guard let lastRead = batch.events.last?.sequence else {
                // What is missing in between was deleted, or is damaged and said so.
                found.place = max(found.place, newest)
                return
            }
            batch.bytes.withUnsafeBytes { bytes in
                for event in batch.events { append(event, in: bytes, to: &found) }
            }
            found.place = lastRead
        }
    }

    private func append(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to found: inout Found) {
        let traits = renderer.traits(event, in: bytes)
        guard order.choice.isEverything || order.choice.includes(traits) else { return }
        let before = found.bytes.count
        found.bytes.append(contentsOf: "id: \(Self.text(of: event.sequence))\nevent: \(traits.type)\ndata: ".utf8)
        renderer.appendLine(event, in: bytes, to: &found.bytes)
        found.bytes.append(UInt8(ascii: "\n"))
        found.told = event.sequence
        if order.tail != nil { found.sent.append((event.sequence, found.bytes.count - before)) }
    }

    /// Where there is no event: how far we have looked, which a reader that comes again need not have us read twice. An
    /// id without data is no event, but is kept (WHATWG HTML §9.2.6).
    ///
    /// A named tail ends only when it has acknowledged everything, that place included: its name is free from then on,
    /// and whoever reads next would be sent what is still being worked on.
    private func sayPlace(_ found: inout Found, _ now: State) {
        let isAtEnd = !order.isLive && found.place >= last
        let isNews = found.place > found.told
        let ends = isAtEnd && (order.tail == nil || (now.underWay.isEmpty && !isNews))
        guard ends || now.isBeatDue || (isAtEnd && isNews) else { return }
        let id = isNews ? "id: \(Self.text(of: found.place))\n" : ""
        found.told = found.place
        found.bytes = Array((ends ? "event: end\n\(id)\n" : id.isEmpty ? ":\n\n" : "\(id)\n").utf8)
        found.isDone = ends
        if isAtEnd, isNews, order.tail != nil { found.sent.append((found.place, 0)) }
    }

    private func hand(_ found: Found) {
        let give = state.withLock { state -> Give? in
            state.place = found.place
            guard !found.bytes.isEmpty || found.isDone, let give = state.give else { return nil }
            state.give = nil
            state.told = found.told
            state.underWay += found.sent
            state.isDone = found.isDone
            state.isBeatDue = false
            return give
        }
        give?(found.bytes.isEmpty ? nil : found.bytes)
    }

    /// The sequence number as events carry it.
    private static func text(of sequence: Int64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    }
}
