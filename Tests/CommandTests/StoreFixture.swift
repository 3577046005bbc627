// A real store in a directory of its own, with events made of samples.

import Callbacks
import Foundation
import Samples
@testable import Store
import Testing

@testable import hookd

/// A temporary directory with a store in it, removed in the end.
final class StoreFixture {
    let directory: String
    private let store: SQLiteEventStore
    private var count = 0

    init(
        directory: String = FileManager.default.temporaryDirectory.appending(path: "hookd-test-\(UUID().uuidString)")
            .path
    ) throws {
        self.directory = directory
        store = try SQLiteEventStore(directory: try StateDirectory(path: directory)) { _ in }
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Stores `count` callbacks: each tenth one of the fixture's an opt-in, the others messages.
    func add(_ count: Int) throws {
        let message = try #require(Sample.named("message_inbound.text"))
        let optIn = try #require(Sample.named("opt_in.succeeded"))
        var batch = CandidateBatch()
        for _ in 0..<count {
            self.count += 1
            try append(Array((self.count % 10 == 0 ? optIn : message).body), to: &batch)
        }
        submit(batch)
    }

    /// Stores callbacks of a selftest, one after the other.
    func add(_ numbers: Range<Int>, of callbacks: SelftestCallbacks) throws {
        for number in numbers {
            var batch = CandidateBatch()
            try append(callbacks.body(number), nonce: callbacks.nonce(number), to: &batch)
            submit(batch)
        }
    }

    private func submit(_ batch: CandidateBatch) {
        let done = DispatchSemaphore(value: 0)
        store.submit(batch) { _, _ in done.signal() }
        done.wait()
    }

    private func append(_ body: [UInt8], nonce: String = ULID.fresh().text, to batch: inout CandidateBatch) throws {
        let now = WallTime.now()
        let digest = try Digest(of: body.span)
        let id = (0..<16).map { digest.bytes[$0] }
        func append(_ bytes: [UInt8]) -> ByteRange { bytes.withUnsafeBytes { batch.append($0) } }
        let candidate = Candidate(
            receivedAt: now.microseconds, signedAt: now.seconds, isLate: false,
            endpoint: append(Array("/callbacks".utf8)), client: append([]),
            nonce: append(Array(nonce.utf8)),
            signature: append([UInt8](repeating: 7, count: 32)), algorithm: append([]), id: append(id),
            body: append(body))
        batch.append(candidate)
    }
}
