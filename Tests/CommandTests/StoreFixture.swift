// A real store in a directory of its own, with events made of samples.

import Callbacks
import Foundation
import Samples
@testable import Store
import Testing

@testable import hookd

/// A temporary directory with a store in it, removed in the end.
final class StoreFixture {
    let directory = FileManager.default.temporaryDirectory.appending(path: "hookd-test-\(UUID().uuidString)").path
    private let store: SQLiteEventStore
    private var count = 0

    init() throws {
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
        let done = DispatchSemaphore(value: 0)
        store.submit(batch) { _, _ in done.signal() }
        done.wait()
    }

    private func append(_ body: [UInt8], to batch: inout CandidateBatch) throws {
        let now = WallTime.now()
        let digest = try Digest(of: body.span)
        let id = (0..<16).map { digest.bytes[$0] }
        func append(_ bytes: [UInt8]) -> ByteRange { bytes.withUnsafeBytes { batch.append($0) } }
        let candidate = Candidate(
            receivedAt: now.microseconds, signedAt: now.seconds, isLate: false,
            endpoint: append(Array("/callbacks".utf8)), client: append([]),
            nonce: append(Array(ULID.fresh().text.utf8)),
            signature: append([UInt8](repeating: 7, count: 32)), algorithm: append([]), id: append(id),
            body: append(body))
        batch.append(candidate)
    }
}
