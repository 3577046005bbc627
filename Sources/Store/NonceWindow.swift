// The nonces whose timestamps may still be inside the time window, in memory. Older ones need no memory: a callback
// that carries one is late, and looked up on disk.
//
// A nonce is a 128-bit hash and eight bytes of its signature, which tell a repeat of the same callback from another
// callback with the same nonce. Nonces lie in buckets by their signed timestamp, so that forgetting is dropping a
// bucket. Nothing is ever forgotten to make room.

import CLinux

/// A nonce as the window knows it.
struct NonceKey: Equatable {
    var high: UInt64
    var low: UInt64

    /// Hashes a nonce with this process's random keys (SipHash): who can choose nonces cannot choose collisions.
    init(_ nonce: UnsafeRawBufferPointer) {
        var first = Hasher()
        first.combine(bytes: nonce)
        var second = Hasher()
        second.combine(1 as UInt8)
        second.combine(bytes: nonce)
        high = UInt64(bitPattern: Int64(first.finalize())) | 1  // never zero, which marks a free place
        low = UInt64(bitPattern: Int64(second.finalize()))
    }
}

/// The nonces of the time window.
struct NonceWindow {
    /// What became of a claim.
    enum Claim: Equatable {
        /// The nonce was free, and is taken now.
        case claimed
        /// It is taken by a callback with the same signature.
        case sameCallback
        /// It is taken by a callback with another signature.
        case otherCallback
        /// It is free, but there is no room for it.
        case full
    }

    /// All nonces signed at this second or later are in memory, in seconds since 1970. Below it only the disk knows.
    private(set) var floor: Int64 = .max
    /// How many nonces are held.
    private(set) var count = 0

    private let bucketSeconds: Int64
    private var toleranceSeconds: Int64
    private var capacity: Int
    /// By rising timestamps; six or seven, unless the tolerance was made longer.
    private var buckets: [NonceBucket] = []

    /// An empty window that holds at most `capacity` nonces.
    ///
    /// - Parameter toleranceSeconds: how far from now a timestamp may be, in either direction.
    init(toleranceSeconds: Int64, capacity: Int) {
        self.toleranceSeconds = toleranceSeconds
        self.capacity = capacity
        bucketSeconds = max(1, toleranceSeconds / 2)
    }

    /// Has it forget later or sooner from now on, and hold more or less. What it holds it goes on to hold for its time,
    /// be that more than it may hold: then nothing is claimed.
    ///
    /// - Returns: false where it would have too many buckets then, which is for a new window to do better.
    mutating func resize(toleranceSeconds: Int64, capacity: Int) -> Bool {
        guard toleranceSeconds <= 8 * bucketSeconds else { return false }
        (self.toleranceSeconds, self.capacity) = (toleranceSeconds, capacity)
        return true
    }

    /// The second from which on memory should know all nonces at the time `now`.
    func wantedFloor(now: Int64) -> Int64 { bucketIndex(now - toleranceSeconds) * bucketSeconds }

    /// Says that all nonces signed at `floor` or later have been claimed.
    mutating func isComplete(from floor: Int64) { self.floor = floor }

    /// Has the processor fetch what `claim` will read of the nonce. The tables are larger than its caches, so that each
    /// claim waits for memory; for many claims, made known beforehand, it waits once.
    func prefetch(_ nonce: NonceKey) {
        for bucket in buckets { bucket.prefetch(nonce) }
    }

    /// Takes a nonce if it is free. Only for timestamps at or above `floor`.
    mutating func claim(_ nonce: NonceKey, signaturePrefix: UInt64, signedAt: Int64) -> Claim {
        for index in buckets.indices {
            if let holder = buckets[index].signaturePrefix(of: nonce) {
                return holder == signaturePrefix ? .sameCallback : .otherCallback
            }
        }
        guard count < capacity else { return .full }
        buckets[position(ofBucket: bucketIndex(signedAt))].insert(nonce, signaturePrefix: signaturePrefix)
        count += 1
        return .claimed
    }

    /// Forgets the nonces whose timestamps have left the window for good.
    mutating func forget(now: Int64) {
        let oldest = bucketIndex(now - toleranceSeconds)
        while let first = buckets.first, first.index < oldest {
            count -= first.count
            floor = max(floor, (first.index + 1) * bucketSeconds)
            buckets.removeFirst()
        }
    }

    private func bucketIndex(_ seconds: Int64) -> Int64 {
        seconds >= 0 ? seconds / bucketSeconds : (seconds - bucketSeconds + 1) / bucketSeconds
    }

    private mutating func position(ofBucket index: Int64) -> Int {
        let position = buckets.firstIndex { $0.index >= index } ?? buckets.count
        if position == buckets.count || buckets[position].index != index {
            buckets.insert(NonceBucket(index: index), at: position)
        }
        return position
    }
}

/// The nonces of one stretch of time: hash tables with open addressing, many small ones, so that growing one never
/// holds up the writer for long.
private struct NonceBucket {
    let index: Int64
    private(set) var count = 0
    private var tables = [NonceTable](repeating: NonceTable(), count: 64)

    init(index: Int64) { self.index = index }

    func prefetch(_ nonce: NonceKey) { tables[Int(nonce.low >> 58)].prefetch(nonce) }

    func signaturePrefix(of nonce: NonceKey) -> UInt64? { tables[Int(nonce.low >> 58)].find(nonce) }

    mutating func insert(_ nonce: NonceKey, signaturePrefix: UInt64) {
        tables[Int(nonce.low >> 58)].insert(nonce, signaturePrefix)
        count += 1
    }
}

private struct NonceTable {
    private struct Entry {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var signaturePrefix: UInt64 = 0
    }

    /// A power of two, or none yet.
    private var entries: [Entry] = []
    private var count = 0

    func prefetch(_ nonce: NonceKey) {
        guard !entries.isEmpty else { return }
        entries.withUnsafeBufferPointer { entries in
            if let start = entries.baseAddress { clinux_prefetch(start + firstPlace(of: nonce)) }
        }
    }

    func find(_ nonce: NonceKey) -> UInt64? {
        guard !entries.isEmpty else { return nil }
        var place = firstPlace(of: nonce)
        while entries[place].high != 0 {
            if entries[place].high == nonce.high, entries[place].low == nonce.low {
                return entries[place].signaturePrefix
            }
            place = (place + 1) & (entries.count - 1)
        }
        return nil
    }

    mutating func insert(_ nonce: NonceKey, _ signaturePrefix: UInt64) {
        if (count + 1) * 4 > entries.count * 3 { grow() }
        put(Entry(high: nonce.high, low: nonce.low, signaturePrefix: signaturePrefix))
        count += 1
    }

    /// Where the search for a nonce begins. Not for a table without places.
    private func firstPlace(of nonce: NonceKey) -> Int { Int(truncatingIfNeeded: nonce.low) & (entries.count - 1) }

    private mutating func put(_ entry: Entry) {
        var place = Int(truncatingIfNeeded: entry.low) & (entries.count - 1)
        while entries[place].high != 0 { place = (place + 1) & (entries.count - 1) }
        entries[place] = entry
    }

    private mutating func grow() {
        var old = [Entry](repeating: Entry(), count: max(16, entries.count * 2))
        swap(&old, &entries)
        for entry in old where entry.high != 0 { put(entry) }
    }
}
