// Verified callbacks for the store, and stored events as values that can be compared.

import CSSL
import Dispatch
import Foundation
import Store
import Synchronization
import Testing

/// A verified callback in plain values.
struct Callback: Sendable {
    var nonce: String
    var body: [UInt8]
    /// Stands for the signature: two callbacks with different ones are different callbacks.
    var signer: UInt8 = 1
    var signedAt = Int64(time(nil))
    var isLate = false
    var lateTreatment = LateTreatment.refuse
    var endpoint = "/callbacks"
    /// 4 or 16 bytes, or none.
    var client: [UInt8] = [192, 0, 2, 7]
    var algorithm = "HmacSHA256"
    var receivedAt: Int64 = 1_700_000_000_123_456

    init(_ nonce: String, _ body: String = "{\"a\":1}") {
        self.nonce = nonce
        self.body = Array(body.utf8)
    }

    func with(_ change: (inout Callback) -> Void) -> Callback {
        var other = self
        change(&other)
        return other
    }

    /// The first 16 bytes of SHA-256(body).
    var id: [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(CSSL_SHA256_BYTES))
        let isDone = body.withUnsafeBytes {
            cssl_sha256(cssl_bytes(start: $0.baseAddress, count: $0.count), &digest)
        }
        return isDone ? Array(digest.prefix(16)) : []
    }
}

extension CandidateBatch {
    init(_ callbacks: [Callback]) {
        self.init()
        func copy(_ bytes: some Collection<UInt8>) -> ByteRange { Array(bytes).withUnsafeBytes { append($0) } }
        for callback in callbacks {
            append(
                Candidate(
                    receivedAt: callback.receivedAt, signedAt: callback.signedAt, isLate: callback.isLate,
                    endpoint: copy(callback.endpoint.utf8), client: copy(callback.client),
                    nonce: copy(callback.nonce.utf8),
                    signature: copy([UInt8](repeating: callback.signer, count: 32)),
                    algorithm: copy(callback.algorithm.utf8), id: copy(callback.id), body: copy(callback.body),
                    lateTreatment: callback.lateTreatment))
        }
    }
}

extension SQLiteEventStore {
    /// Hands callbacks over as one batch and waits for what becomes of them.
    func outcomes(of callbacks: [Callback]) -> [Outcome] {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<[Outcome]>([])
        submit(CandidateBatch(callbacks)) { batch, outcomes in
            #expect(batch.candidates.count == callbacks.count)
            result.withLock { $0 += outcomes }
            done.signal()
        }
        done.wait()
        return result.withLock { $0 }
    }

    func outcome(of callback: Callback) -> Outcome? { outcomes(of: [callback]).first }

    /// Submits again and again, as a sender does that is answered 503, until the store takes callbacks.
    func outcomeAfterRecovery(of callback: Callback) throws -> Outcome {
        for _ in 0..<10_000_000 {
            if let outcome = outcome(of: callback), outcome != .unavailable { return outcome }
        }
        throw StoreError.unavailable
    }

    /// All stored events, read a few at a time.
    func allEvents(atOnce count: Int = 1000) throws -> [Event] {
        var events: [Event] = []
        while true {
            let batch = try self.events(
                after: events.last?.sequence ?? 0, limit: ReadLimit(events: count, bytes: 1 << 20))
            if batch.isEmpty { return events }
            events += batch.values
        }
    }
}

/// A stored event in plain values.
struct Event: Equatable {
    let sequence: Int64
    let receivedAt: Int64
    let signedAt: Int64
    let endpoint: String
    let client: [UInt8]
    let nonce: String
    let signature: [UInt8]
    let algorithm: String
    let id: [UInt8]
    let body: [UInt8]

    init(
        sequence: Int64, receivedAt: Int64, signedAt: Int64, endpoint: String, client: [UInt8], nonce: String,
        signature: [UInt8], algorithm: String, id: [UInt8], body: [UInt8]
    ) {
        self.sequence = sequence
        self.receivedAt = receivedAt
        self.signedAt = signedAt
        self.endpoint = endpoint
        self.client = client
        self.nonce = nonce
        self.signature = signature
        self.algorithm = algorithm
        self.id = id
        self.body = body
    }

    /// What a callback becomes when it is stored.
    init(_ callback: Callback, sequence: Int64) {
        self.init(
            sequence: sequence, receivedAt: callback.receivedAt, signedAt: callback.signedAt,
            endpoint: callback.endpoint, client: callback.client, nonce: callback.nonce,
            signature: [UInt8](repeating: callback.signer, count: 32), algorithm: callback.algorithm,
            id: callback.id, body: callback.body)
    }
}

extension EventBatch {
    var values: [Event] {
        events.map { event in
            func text(_ range: ByteRange) -> String { String(decoding: bytes[range.range], as: UTF8.self) }
            return Event(
                sequence: event.sequence, receivedAt: event.receivedAt, signedAt: event.signedAt,
                endpoint: text(event.endpoint), client: Array(bytes[event.client.range]), nonce: text(event.nonce),
                signature: Array(bytes[event.signature.range]), algorithm: text(event.algorithm),
                id: Array(bytes[event.id.range]), body: Array(bytes[event.body.range]))
        }
    }
}

/// What a store told the operator.
final class Notices: Sendable {
    private let all = Mutex<[SQLiteEventStore.Notice]>([])

    func add(_ notice: SQLiteEventStore.Notice) { all.withLock { $0.append(notice) } }

    /// The names of the notices, with what an operator would want to know.
    var texts: [String] {
        all.withLock { notices in
            notices.map { notice in
                switch notice {
                case .commitFailed: "commit failed"
                case .reopenFailed: "reopen failed"
                case .recovered: "recovered"
                case .eventsLost(let newest, let stored): "lost from \(newest) to \(stored)"
                case .impossiblePlace(let name, let isTail, let found, let newest, let goesOn):
                    "\(isTail ? "tail" : "sink") \(name) at \(found) of \(newest), goes on behind \(goesOn)"
                case .damagedEvent(let sequence): "damaged \(sequence)"
                case .quarantineOverflowed(let dropped): "quarantine dropped \(dropped)"
                case .belowReserve: "below reserve"
                case .roomAgain: "room again"
                case .ballastReleased: "ballast released"
                case .ballastRestored: "ballast restored"
                case .ballastMissing: "ballast missing"
                case .snapshotHeld: "snapshot held"
                case .snapshotReleased: "snapshot released"
                case .retentionPaused: "retention paused"
                case .retentionResumed: "retention resumed"
                case .retentionHeldBack(let sink, _): "held back by \(sink ?? "the window")"
                case .tailPassed(let name): "tail \(name) passed"
                }
            }
        }
    }
}

/// Opens the store in a directory.
func openStore(
    _ directory: TemporaryDirectory, _ options: SQLiteEventStore.Options = .init(), _ notices: Notices = Notices()
) throws -> SQLiteEventStore {
    var options = options
    // Tests that are not about the disk leave its reserve alone, and a ballast for each would be a burden.
    options.reserveBytes = options.reserveBytes ?? 0
    return try SQLiteEventStore(
        directory: StateDirectory(path: directory.path), options: options, notify: { notices.add($0) })
}
