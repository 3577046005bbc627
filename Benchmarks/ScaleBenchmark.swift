// What a large store costs: to make one, to open it, to store into it, to read it through. `Benchmarks/scale` runs them.

import Callbacks
import Dispatch
import Glibc
import Store

extension Benchmarks {
    /// Makes a store of `count` events with small bodies, signed over the last week, in the state directory `path`.
    static func fill(_ path: String, _ count: Int) throws {
        let store = try SQLiteEventStore(directory: StateDirectory(path: path)) { print($0) }
        let now = Int64(time(nil))
        let week: Int64 = 7 * 86_400
        for start in stride(from: 0, to: count, by: 16_384) {
            var batch = CandidateBatch()
            for index in start..<min(start + 16_384, count) {
                // Older than the window, so that no memory is needed for its nonce.
                let signedAt = now - 1000 - week + week * Int64(index) / Int64(count)
                batch.append(
                    try smallCandidate(index, nonce: "f\(index)", signedAt: signedAt, isLate: true, in: &batch))
            }
            try commit(batch, to: store)
        }
        store.close()
    }

    /// How long the store takes from nothing to ready, in milliseconds.
    static func open(_ path: String) throws {
        let began = monotonicNanoseconds()
        let store = try SQLiteEventStore(directory: StateDirectory(path: path)) { print($0) }
        print("ready after \((monotonicNanoseconds() - began) / 1_000_000) ms, \(store.newestSequence) events stored")
        store.close()
    }

    /// Microseconds of processor time that storing takes for each callback, 64 in a commit.
    static func commits(_ path: String, _ count: Int) throws {
        let store = try SQLiteEventStore(directory: StateDirectory(path: path)) { print($0) }
        let run = time(nil)
        var before = 0.0
        // The first commits fill caches; they are not counted.
        for start in stride(from: -8192, to: count, by: 64) {
            if start == 0 { before = processorSeconds() }
            var batch = CandidateBatch()
            for index in start..<start + 64 {
                let candidate = try smallCandidate(
                    index, nonce: "c\(run)-\(index)", signedAt: Int64(time(nil)), isLate: false, in: &batch)
                batch.append(candidate)
            }
            try commit(batch, to: store)
        }
        let used = processorSeconds() - before
        print("\((used / Double(count) * 1e8).rounded() / 100) us of CPU a callback")
        store.close()
    }

    /// Events a second through an `EventReader`, from the oldest on.
    static func read(_ path: String, _ count: Int) throws {
        let reader = try EventReader(stateDirectory: path)
        let began = monotonicNanoseconds()
        var last: Int64 = 0
        var events = 0
        while events < count {
            let batch = try reader.events(after: last, limit: ReadLimit(events: 1024, bytes: 1 << 20))
            guard let end = batch.events.last else { break }
            last = end.sequence
            events += batch.events.count
        }
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        print("\(events) events in \((seconds * 100).rounded() / 100) s: \(Int(Double(events) / seconds)) a second")
    }

    private static func commit(_ batch: CandidateBatch, to store: SQLiteEventStore) throws {
        let done = DispatchSemaphore(value: 0)
        store.submit(batch) { _, outcomes in
            guard case .stored = outcomes.last else {
                print("not stored: \(outcomes.last.map { "\($0)" } ?? "nothing")")
                exit(EX_SOFTWARE)
            }
            done.signal()
        }
        done.wait()
    }

    private static func smallCandidate(
        _ index: Int, nonce: String, signedAt: Int64, isLate: Bool, in batch: inout CandidateBatch
    ) throws -> Candidate {
        func copy(_ bytes: [UInt8]) -> ByteRange { bytes.withUnsafeBytes { batch.append($0) } }
        let body = Array(#"{"message":{"id":"01HMA\#(index)","direction":"TO_APP"}}"#.utf8)
        let digest = try Digest(of: body.span)
        return Candidate(
            receivedAt: signedAt * 1_000_000, signedAt: signedAt, isLate: isLate,
            endpoint: copy(Array("/callbacks".utf8)), client: copy([192, 0, 2, 7]), nonce: copy(Array(nonce.utf8)),
            signature: copy([UInt8](repeating: 9, count: 32)), algorithm: copy(Array("HmacSHA256".utf8)),
            id: copy((0..<16).map { digest.bytes[$0] }), body: copy(body), lateTreatment: .accept)
    }

    private static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
