// The nonces in memory: never forgotten early, never taken twice.

import Testing

@testable import Store

@Suite("The nonces of the window") struct NonceWindowTests {
    private func key(_ nonce: String) -> NonceKey { Array(nonce.utf8).withUnsafeBytes { NonceKey($0) } }

    @Test("are claimed once, and tell a repeat from another callback") func claims() {
        var window = NonceWindow(toleranceSeconds: 300, capacity: 10)
        #expect(window.claim(key("a"), signaturePrefix: 1, signedAt: 1000) == .claimed)
        #expect(window.claim(key("a"), signaturePrefix: 1, signedAt: 1000) == .sameCallback)
        #expect(window.claim(key("a"), signaturePrefix: 2, signedAt: 1000) == .otherCallback)
        #expect(window.claim(key("a"), signaturePrefix: 2, signedAt: 1299) == .otherCallback, "in another bucket")
        #expect(window.claim(key("a"), signaturePrefix: 2, signedAt: 700) == .otherCallback, "or an earlier one")
        #expect(window.claim(key("b"), signaturePrefix: 1, signedAt: 1000) == .claimed)
        #expect(window.count == 2)
    }

    @Test("have keys that tell them apart") func keys() {
        let nonces = ["", "a", "b", "aa", "ab", "ba", "A", "a-", "-a", "01FJA8B4A7BM43YGWSG9GBV067"]
        #expect(Set(nonces.map { "\(key($0).high) \(key($0).low)" }).count == nonces.count)
        #expect(nonces.allSatisfy { key($0) == key($0) && key($0).high != 0 })
    }

    @Test("B8: are never forgotten to make room") func capacity() {
        var window = NonceWindow(toleranceSeconds: 300, capacity: 3)
        for nonce in ["a", "b", "c"] {
            #expect(window.claim(key(nonce), signaturePrefix: 1, signedAt: 1000) == .claimed)
        }
        #expect(window.claim(key("d"), signaturePrefix: 1, signedAt: 1000) == .full)
        for nonce in ["a", "b", "c"] {
            #expect(window.claim(key(nonce), signaturePrefix: 1, signedAt: 1000) == .sameCallback)
        }
        window.forget(now: 1300)
        #expect(window.claim(key("d"), signaturePrefix: 1, signedAt: 1600) == .full)
        window.forget(now: 10_000)
        #expect(window.count == 0)
        #expect(window.claim(key("d"), signaturePrefix: 1, signedAt: 10_000) == .claimed)
    }

    @Test(
        "are kept for as long as their timestamp can be in the window",
        arguments: [300, 301, 2, 1, 0] as [Int64], [0, 1, 149, 150, 151, 299, 300, 12_345, -1, -150, -301, -12_345])
    func forgetting(_ tolerance: Int64, _ signedAt: Int64) {
        var window = NonceWindow(toleranceSeconds: tolerance, capacity: 10)
        window.isComplete(from: window.wantedFloor(now: signedAt - tolerance))
        #expect(window.claim(key("n"), signaturePrefix: 1, signedAt: signedAt) == .claimed)
        for now in signedAt - tolerance...signedAt + tolerance {
            window.forget(now: now)
            #expect(window.floor <= signedAt, "memory is asked about \(signedAt) at \(now)")
            #expect(window.claim(key("n"), signaturePrefix: 1, signedAt: signedAt) == .sameCallback, "at \(now)")
            #expect(window.wantedFloor(now: now) <= now - tolerance)
        }
        // A bucket is half a tolerance wide: gone at the latest so much later.
        window.forget(now: signedAt + tolerance + max(1, tolerance / 2))
        #expect(window.count == 0)
        #expect(window.floor > signedAt, "from now on the disk is asked")
    }

    @Test("can be many") func growth() {
        var window = NonceWindow(toleranceSeconds: 300, capacity: 200_000)
        window.isComplete(from: 0)
        let keys = (0..<100_000).map { key("nonce-\($0)") }
        for (index, key) in keys.enumerated() {
            let claim = window.claim(key, signaturePrefix: UInt64(index), signedAt: Int64(index % 1000))
            if claim != .claimed { Issue.record("\(index) is \(claim)") }
        }
        #expect(window.count == 100_000)
        for (index, key) in keys.enumerated() {
            let claim = window.claim(key, signaturePrefix: UInt64(index), signedAt: Int64(index % 1000))
            if claim != .sameCallback { Issue.record("\(index) is \(claim) the second time") }
        }
        // Those signed before 600 leave: six of every ten.
        window.forget(now: 900)
        #expect(window.count == 40_000)
        #expect(window.floor == 600)
        #expect(window.claim(keys[999], signaturePrefix: 999, signedAt: 999) == .sameCallback)
    }
}
