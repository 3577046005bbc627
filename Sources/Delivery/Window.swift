// The events that a lane has read and not yet done with, when many of them may be under way at a time: which may be
// sent now, which wait for another of their key, and how far the cursor may move. Pure: no clock, no sockets.
//
//     cursor          readUpTo
//       │ ✓ ▷ ✓ ✓ · ▷ · ✓ │          ✓ done   ▷ under way   · waiting
//
// Events of one key are sent in storing order, one letter at a time. The cursor stays in front of the first event that
// is not done, so after a crash everything behind it is sent again: that, and memory, is why a window has an end.

import Store

/// A sliding window over the store.
struct Window {
    struct Entry {
        let event: StoredEvent
        /// Its own, not its batch's, and given back once it is done with.
        var bytes: [UInt8]
        let key: UInt64
        /// The place of the next event with this key; 0 where there is none yet.
        var next = 0
        /// How often the target has refused it.
        var attempts = 0
        /// It is sent by itself, to find out which event of a letter was refused.
        var isAlone = false
        var isDone = false
    }

    /// The events of one key, as a list through `Entry.next`.
    struct Line {
        /// The first that is not done, or that is under way.
        var head: Int
        var tail: Int
        var failures = 0
    }

    /// A letter under way.
    struct Flight {
        /// By rising place.
        var places: [Int]
        var keys: [UInt64]
    }

    /// How the target seems to be.
    enum Health: Equatable {
        case fine
        /// Letters fail whatever is in them: one at a time tries whether that is over.
        case down
        /// The target has turned us away.
        case paused
    }

    let terms: WindowTerms
    /// The last event that was read, or skipped.
    private(set) var readUpTo: Int64
    /// Places count from 1 on for ever; `entries[0]` is at place `first`.
    var entries: [Entry] = []
    private(set) var first = 1
    /// How many at the front of `entries` are done and not yet removed.
    private var doneCount = 0
    /// How many bytes the entries keep in memory.
    private var heldBytes = 0
    var lines: [UInt64: Line] = [:]
    /// Keys with an event to send now, in the order in which they came to that.
    var ready = Queue<UInt64>()
    /// Keys that failed, and when they are tried again.
    var waiting: [(at: UInt64, key: UInt64)] = []
    private(set) var flights: [Int: Flight] = [:]
    private var letterCount: Int
    private var gatherUntil: UInt64?

    var health = Health.fine
    /// Nothing is sent before: a guess at when the target is back.
    var notBefore: UInt64 = 0
    /// Nor before this, which is what the target asked for (`Retry-After`), whatever else comes back meanwhile.
    var askedUntil: UInt64 = 0
    private var sendsFrom: UInt64 { max(notBefore, askedUntil) }
    /// Failures in a row since the target last took or refused something.
    var streak = 0
    /// Whether the lane ends: nothing waits for company or for another attempt.
    var isDraining = false
    var random: SplitMix

    /// - Parameters:
    ///   - seed: of the jitter.
    ///   - lettersFrom: what letters are numbered from.
    init(_ terms: WindowTerms, cursor: Int64, seed: UInt64, lettersFrom: Int = 0) {
        self.terms = terms
        letterCount = lettersFrom
        readUpTo = cursor
        random = SplitMix(state: seed)
    }

    /// Everything up to here is done with.
    var cursor: Int64 { doneCount < entries.count ? entries[doneCount].event.sequence - 1 : readUpTo }

    /// Whether nothing is waiting or under way.
    var isEmpty: Bool { openCount == 0 }

    /// How many letters are under way.
    var flightCount: Int { flights.count }

    /// How many events are waiting or under way, and how many of them are under way.
    private(set) var openCount = 0
    private var flyingCount = 0
    /// How many keys have failed the last time.
    private(set) var troubledCount = 0

    /// The sequences of the events that are waiting or under way.
    var openSequences: Set<Int64> { Set(entries[doneCount...].filter { !$0.isDone }.map(\.event.sequence)) }

    /// The sequences of the events behind the cursor that are done with.
    var takenAhead: Set<Int64> { Set(entries[doneCount...].filter(\.isDone).map(\.event.sequence)) }

    /// How much more may be read; nil where the window is full.
    var room: ReadLimit? {
        let events = terms.capacity.events - (entries.count - doneCount)
        let bytes = terms.capacity.bytes - heldBytes
        return events > 0 && bytes > 0 ? ReadLimit(events: events, bytes: bytes) : nil
    }

    /// Whether it is worth looking into the store: soon nothing would be there to send, or there is much room.
    var isHungry: Bool {
        let spread = entries.count - doneCount
        return ready.isEmpty || spread <= terms.capacity.events / 2 || waitingCount < terms.letter.events
    }

    // MARK: In

    /// Takes over what was read.
    ///
    /// - Parameters:
    ///   - batch: the events that the sink is to get.
    ///   - end: the last event that was read, sent or skipped.
    ///   - key: what an event is ordered by.
    mutating func add(_ batch: EventBatch, upTo end: Int64, now: UInt64, key: (StoredEvent) -> UInt64) {
        readUpTo = max(readUpTo, end)
        for event in batch.events {
            let key = key(event)
            let place = first + entries.count
            let alone = batch.alone(event)
            entries.append(Entry(event: alone.event, bytes: alone.bytes, key: key))
            heldBytes += alone.bytes.count
            openCount += 1
            if let tail = lines[key]?.tail {
                lines[key]?.tail = place
                self[tail].next = place
                // All before it are under way: it is the first to wait.
            } else {
                lines[key] = Line(head: place, tail: place)
                ready.append(key)
            }
        }
        if gatherUntil == nil, !batch.isEmpty { gatherUntil = now + terms.gatherNanoseconds }
    }

    subscript(place: Int) -> Entry {
        get { entries[place - first] }
        _modify { yield &entries[place - first] }
    }

    // MARK: Out

    /// The next letter that may be sent now.
    mutating func next(now: UInt64) -> Letter? {
        promote(now)
        guard flights.count < (health == .fine ? terms.concurrency : 1), now >= sendsFrom, !ready.isEmpty,
            !isGathering(now)
        else { return nil }
        var flight = Flight(places: [], keys: [])
        var bytes = 0
        while flight.places.count < terms.letter.events, let key = ready.first, let line = lines[key] {
            let before = flight.places.count
            let isFull = take(line, into: &flight.places, &bytes)
            guard flight.places.count > before else { break }
            ready.removeFirst()
            flight.keys.append(key)
            if isFull { break }
        }
        guard !flight.places.isEmpty else { return nil }
        if flight.keys.count > 1 { flight.places.sort() }
        if ready.isEmpty { gatherUntil = nil }
        letterCount += 1
        flights[letterCount] = flight
        flyingCount += flight.places.count
        let parts = flight.places.map { Letter.Part(event: self[$0].event, bytes: self[$0].bytes) }
        return Letter(number: letterCount, parts: parts)
    }

    /// Puts the events of a key into a letter, for as long as there is room. Returns whether nothing more may follow.
    private func take(_ line: Line, into places: inout [Int], _ bytes: inout Int) -> Bool {
        var place = line.head
        while place != 0 {
            let entry = self[place]
            let size = Int(entry.event.body.count) + terms.overheadBytes
            let isFull = places.count >= terms.letter.events || bytes + size > terms.letter.bytes || entry.isAlone
            if isFull, !places.isEmpty { return true }
            places.append(place)
            bytes += size
            if entry.isAlone { return true }
            place = entry.next
        }
        return false
    }

    private func isGathering(_ now: UInt64) -> Bool {
        guard let gatherUntil, now < gatherUntil, !isDraining else { return false }
        return waitingCount < terms.letter.events && heldBytes < terms.letter.bytes
    }

    /// How many events are in no letter that is under way.
    private var waitingCount: Int { openCount - flyingCount }

    private mutating func promote(_ now: UInt64) {
        guard waiting.contains(where: { $0.at <= now }) else { return }
        for (_, key) in waiting.filter({ $0.at <= now }) { ready.append(key) }
        waiting.removeAll { $0.at <= now }
    }

    /// When `next` may have something to send without a letter coming back first; nil where it never will.
    var nextAt: UInt64? {
        guard flights.count < (health == .fine ? terms.concurrency : 1) else { return nil }
        let readyAt: UInt64? = ready.isEmpty ? nil : gatherUntil ?? 0
        let waitingAt = waiting.map(\.at).min()
        guard let earliest = [readyAt, waitingAt].compactMap(\.self).min() else { return nil }
        return max(earliest, sendsFrom)
    }

    // MARK: Back

    /// Takes a letter back that is no longer under way.
    mutating func land(_ letter: Int) -> Flight? {
        guard let flight = flights.removeValue(forKey: letter) else { return nil }
        flyingCount -= flight.places.count
        return flight
    }

    /// Counts a failure of a key, or ends its failures. Returns how many there were in a row.
    @discardableResult
    mutating func setFailures(of key: UInt64, failed: Bool) -> Int {
        guard let before = lines[key]?.failures else { return 0 }
        let failures = failed ? before + 1 : 0
        troubledCount += (failures > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
        lines[key]?.failures = failures
        return failures
    }

    /// Notes that the event at `place`, the first of its line, is done with.
    mutating func finish(_ place: Int) {
        let key = self[place].key
        self[place].isDone = true
        heldBytes -= self[place].bytes.count
        self[place].bytes = []
        openCount -= 1
        setFailures(of: key, failed: false)
        let next = self[place].next
        if next == 0 { lines[key] = nil } else { lines[key]?.head = next }
        while doneCount < entries.count, entries[doneCount].isDone { doneCount += 1 }
        if doneCount > 256, doneCount > entries.count / 2 {
            entries.removeFirst(doneCount)
            first += doneCount
            doneCount = 0
        }
    }

    /// Everything that was under way is not any more, and nothing is known of it.
    mutating func abandonFlights() {
        flights = [:]
        flyingCount = 0
    }
}
