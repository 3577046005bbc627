// The table of Tests/HTTPCases: each row whole, byte by byte and cut at every place, always with the same end.

import HTTP
import HTTPCases
import Testing

@Suite("The table of requests") struct CaseTests {
    static let cases = Result { try Case.all() }

    @Test("has rows, and no two of one request") func isThere() throws {
        let cases = try Self.cases.get()
        #expect(cases.count >= 250)
        let twice = Dictionary(grouping: cases, by: \.request).values.filter { $0.count > 1 }
        #expect(twice.isEmpty)
    }

    @Test("holds, however the bytes arrive", arguments: (try? cases.get()) ?? []) func holds(_ row: Case) throws {
        let memory = try GuardedBytes(capacity: row.request.count)
        try #require(try read([row.request[...]], memory) == row.outcome, "whole")
        try #require(try read(row.request.map { [$0] }, memory) == row.outcome, "byte by byte")
        for cut in row.request.indices.dropFirst() {
            let pieces = [row.request[..<cut], row.request[cut...]]
            try #require(try read(pieces, memory) == row.outcome, "cut after \(cut) bytes")
        }
    }

    /// What becomes of the pieces, the last byte of what waits always at the edge of a guard page.
    private func read(_ pieces: [some Collection<UInt8>], _ memory: GuardedBytes) throws -> String {
        var reader = ConnectionReader(limits: Case.limits) { bytes, body in
            let (count, changed) = memory.with(bytes) { buffer in (body(buffer), Array(buffer)) }
            bytes = changed
            return count
        }
        for piece in pieces { try reader.take(piece) }
        return reader.end().outcome
    }
}
