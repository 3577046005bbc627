// How a window sends, and how large it is.

import Store

/// How a window sends.
struct WindowTerms: Sendable {
    /// How many letters may be under way.
    var concurrency = 1
    /// The most events of a letter, and their most bytes; a larger event has a letter of its own.
    var letter = ReadLimit(events: 1, bytes: 1 << 20)
    /// What an event adds to a letter besides its body, in bytes.
    var overheadBytes = 0
    /// How long events wait for others to fill a letter, in nanoseconds.
    var gatherNanoseconds: UInt64 = 0
    /// The most events between the cursor and the last event that was read, and the most bytes that those of them may
    /// hold in memory which are not done; one more read may pass that.
    var capacity = ReadLimit(events: 1024, bytes: 2 << 20)
    var retry = RetryPolicy()
    /// How often an event is sent that the target refuses.
    var attempts = 10
}

extension WindowTerms {
    init(_ terms: CourierTerms) {
        concurrency = terms.concurrency
        letter = terms.letter
        overheadBytes = terms.overheadBytes
        gatherNanoseconds = UInt64(max(0, terms.gatherMicroseconds)) * 1000
        // Enough for every letter that may be under way and as many to follow; what is done and not yet durable is
        // sent again after a crash, so it is not larger than that.
        let letters = terms.concurrency * terms.letter.events * 4
        let bytes = terms.concurrency * terms.letter.bytes * 2
        capacity = ReadLimit(events: min(max(1024, letters), 65_536), bytes: min(max(2 << 20, bytes), 16 << 20))
        retry = terms.retry
        attempts = terms.attempts
    }
}
