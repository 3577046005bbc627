// What becomes of a letter's events, of its keys, and of the target's reputation, when the letter has come back.

/// What settling a letter came to.
struct Settlement: Equatable {
    /// An event that is refused for good.
    struct Burial: Equatable {
        var sequence: Int64
        var id: [UInt8]
        var attempts: Int
    }

    /// How many events the target has taken.
    var delivered = 0
    var burial: Burial?
    /// Whether a letter of several events was refused, which are now sent one by one.
    var isSplit = false
}

extension Window {
    /// Takes the verdict on a letter that was under way.
    mutating func settle(_ letter: Int, _ verdict: Verdict, now: UInt64) -> Settlement {
        guard let flight = land(letter) else { return Settlement() }
        switch verdict {
        case .done:
            for place in flight.places { finish(place) }
            targetAnswers(now)
            resume(flight.keys)
            return Settlement(delivered: flight.places.count)
        case .refused:
            targetAnswers(now)
            return refused(flight, now: now)
        case .retry(_, let after):
            failed(flight.keys, after: after, now: now)
        case .pause(_, let after):
            let wait = max(terms.retry.maximumMicroseconds, after ?? 0)
            for key in flight.keys {
                setFailures(of: key, failed: true)
                retry(key, at: now + nanoseconds(wait))
            }
            health = .paused
            notBefore = max(notBefore, now + nanoseconds(wait))
            if let after { askedUntil = max(askedUntil, now + nanoseconds(after)) }
        }
        return Settlement()
    }

    /// Before the lane ends, whatever waits is tried once more, unless the target asked to be left alone.
    mutating func beginDraining() {
        isDraining = true
        releaseAll(0)
    }

    private mutating func refused(_ flight: Flight, now: UInt64) -> Settlement {
        guard flight.places.count == 1 else {
            for place in flight.places { self[place].isAlone = true }
            resume(flight.keys)
            return Settlement(isSplit: true)
        }
        let place = flight.places[0]
        self[place].attempts += 1
        let entry = self[place]
        if entry.attempts >= terms.attempts {
            let id = Array(entry.bytes[entry.event.id.range])
            finish(place)
            resume(flight.keys)
            return Settlement(
                burial: Settlement.Burial(sequence: entry.event.sequence, id: id, attempts: entry.attempts))
        }
        for key in flight.keys { retry(key, at: now + backoff(key)) }
        return Settlement()
    }

    private mutating func failed(_ keys: [UInt64], after: Int64?, now: UInt64) {
        let asked = nanoseconds(after ?? 0)
        for key in keys { retry(key, at: now + max(backoff(key), asked)) }
        if after != nil { askedUntil = max(askedUntil, now + asked) }
        streak += 1
        // With one letter at a time its own key's wait is the target's.
        guard terms.concurrency > 1, streak >= terms.concurrency else { return }
        if health == .fine { health = .down }
        let rounds = streak - terms.concurrency + 1
        let wait = terms.retry.delay(failures: rounds, using: &random)
        notBefore = max(notBefore, now + nanoseconds(wait))
    }

    /// The target is there and does as it should: what failed because it was not need not wait any longer.
    private mutating func targetAnswers(_ now: UInt64) {
        streak = 0
        guard health != .fine else { return }
        health = .fine
        notBefore = 0
        releaseAll(now)
    }

    private mutating func releaseAll(_ now: UInt64) {
        for index in waiting.indices { waiting[index].at = now }
    }

    /// Lets the keys go on that were under way.
    private mutating func resume(_ keys: [UInt64]) {
        for key in keys where lines[key] != nil {
            setFailures(of: key, failed: false)
            ready.append(key)
        }
    }

    private mutating func retry(_ key: UInt64, at time: UInt64) { waiting.append((time, key)) }

    /// The wait of a key after one more failure, in nanoseconds.
    private mutating func backoff(_ key: UInt64) -> UInt64 {
        let failures = setFailures(of: key, failed: true)
        return nanoseconds(terms.retry.delay(failures: failures, using: &random))
    }

    private func nanoseconds(_ microseconds: Int64) -> UInt64 { UInt64(max(0, min(microseconds, 1 << 50))) * 1000 }
}
