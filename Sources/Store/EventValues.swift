// The values of one event where they lie, on their way into the tables, and the checksum over them.

/// A callback's values as pointers into a batch, or into a row of another table; they must stay where they are until
/// the row is written.
struct EventValues {
    let receivedAt: Int64
    let signedAt: Int64
    let endpoint: UnsafeRawBufferPointer
    let client: UnsafeRawBufferPointer
    let nonce: UnsafeRawBufferPointer
    let signature: UnsafeRawBufferPointer
    let algorithm: UnsafeRawBufferPointer
    let id: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
}

extension EventValues {
    /// The values of a candidate in the bytes of its batch.
    init(_ candidate: Candidate, in bytes: UnsafeRawBufferPointer) {
        self.init(
            receivedAt: candidate.receivedAt, signedAt: candidate.signedAt, endpoint: bytes[candidate.endpoint],
            client: bytes[candidate.client], nonce: bytes[candidate.nonce], signature: bytes[candidate.signature],
            algorithm: bytes[candidate.algorithm], id: bytes[candidate.id], body: bytes[candidate.body])
    }

    /// Over all of a row but the body, of which the id is a hash: SQLite itself does not notice a flipped bit.
    ///
    /// It is FNV-1a by 64-bit words instead of bytes, little-endian. Every step is one-to-one, so a change within one
    /// word is always noticed.
    func checksum(sequence: Int64, recordedAt: Int64) -> Int64 {
        var sum = RowChecksum()
        sum.add(sequence)
        sum.add(recordedAt)
        sum.add(receivedAt)
        sum.add(signedAt)
        sum.add(endpoint)
        sum.add(client)
        sum.add(nonce)
        sum.add(signature)
        sum.add(algorithm)
        sum.add(id)
        return Int64(bitPattern: sum.state)
    }
}

private struct RowChecksum {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ number: Int64) { add(word: UInt64(bitPattern: number)) }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(word: UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            add(word: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        let left = bytes.count - index
        guard left > 0 else { return }
        guard bytes.count < 8 else {
            // The last bytes that are left, without those before them.
            let last = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
            return add(word: UInt64(littleEndian: last) &>> UInt64(64 - 8 * left))
        }
        var rest: UInt64 = 0
        for index in 0..<left { rest |= UInt64(bytes[index]) &<< UInt64(8 * index) }
        add(word: rest)
    }

    private mutating func add(word: UInt64) { state = (state ^ word) &* 0x0000_0100_0000_01b3 }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a value of the batch.
    subscript(range: ByteRange) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range.range]) }
}
