// Whole connections, and chunked bodies alone: however the bytes arrive, the same becomes of them.

import HTTP
import HTTPCases

extension FuzzTarget {
    /// The bytes of a connection.
    static let requests = FuzzTarget(
        name: "requests", longestInputBytes: 1600,
        run: { input in
            let whole = try connection([input[...]])
            let cut = try connection(pieces(of: input))
            try expect(whole == cut, "whole: \(whole.outcome)\ncut:   \(cut.outcome)")
            try expect(
                whole.dropLast().allSatisfy(goesOn), "something became of what follows the end: \(whole.outcome)")
        },
        seeds: { try Case.all().map(\.request) })

    /// A chunked body.
    static let chunks = FuzzTarget(
        name: "chunks", longestInputBytes: 1600,
        run: { input in
            let whole = decode([input[...]])
            let cut = decode(pieces(of: input))
            try expect(whole == cut, "whole: \(whole)\ncut:   \(cut)")
        },
        seeds: {
            let head = Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
            return try Case.all().compactMap { row in
                row.request.firstRange(of: head).map { Array(row.request[$0.upperBound...]) }
            }
        })
}

private func connection(_ pieces: [Slice<UnsafeBufferPointer<UInt8>>]) throws -> [ReaderEvent] {
    var reader = ConnectionReader(limits: Case.limits)
    for piece in pieces { try reader.take(piece) }
    return reader.end()
}

private func goesOn(_ event: ReaderEvent) -> Bool {
    switch event {
    case .served: true
    case .refused, .waitsForHead, .waitsForBody, .unread: false
    }
}

private enum ChunkVerdict: Equatable {
    case body([UInt8], left: Int)
    case refused(RequestError)
    case incomplete([UInt8])
}

private func decode(_ pieces: [Slice<UnsafeBufferPointer<UInt8>>]) -> ChunkVerdict {
    var decoder = ChunkedDecoder(limits: Case.limits)
    var bytes: [UInt8] = []
    var start = 0
    var bodyEnd = 0
    for (index, piece) in pieces.enumerated() {
        bytes.append(contentsOf: piece)
        let result = ConnectionReader.exactCopy(&bytes) { buffer -> Result<Bool, RequestError> in
            var input = start..<buffer.count
            var span = buffer.mutableSpan
            defer { start = input.lowerBound }
            return Result { () throws(RequestError) in
                try decoder.decode(&span, input: &input, bodyEnd: &bodyEnd)
            }
        }
        switch result {
        case .failure(let error): return .refused(error)
        case .success(false): continue
        case .success(true):
            let left = bytes.count - start + pieces[(index + 1)...].reduce(0) { $0 + $1.count }
            return .body(Array(bytes[..<bodyEnd]), left: left)
        }
    }
    return .incomplete(Array(bytes[..<bodyEnd]))
}
