// ULIDs, which Sinch uses as nonces: a time and random bits as 26 letters and digits that sort by time.

/// A ULID (https://github.com/ulid/spec): 48 bits of time and 80 random ones in Crockford's base 32.
struct ULID: Equatable {
    /// Milliseconds since 1970 (UTC), of which the lower 48 bits count.
    var milliseconds: UInt64
    /// The upper 16 of the random bits.
    var randomHigh: UInt16
    /// The lower 64 of the random bits.
    var randomLow: UInt64

    /// A ULID of `time`, different from any other.
    static func fresh(at time: WallTime = .now()) -> ULID {
        ULID(
            milliseconds: UInt64(max(0, time.milliseconds)), randomHigh: .random(in: .min ... .max),
            randomLow: .random(in: .min ... .max))
    }

    /// The 26 characters.
    var text: String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var bits = UInt128(milliseconds & 0xFFFF_FFFF_FFFF) << 80 | UInt128(randomHigh) << 64 | UInt128(randomLow)
        var characters: [UInt8] = []
        for _ in 0..<26 {
            characters.append(alphabet[Int(bits & 31)])
            bits >>= 5
        }
        return String(decoding: characters.reversed(), as: UTF8.self)
    }
}
