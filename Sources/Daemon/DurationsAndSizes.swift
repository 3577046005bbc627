// Durations and sizes as people write them: `"250ms"`, `"5m"`, `"64KiB"`, `"10GB"`.

/// The units of a duration, the largest first, with their length in milliseconds.
private let durationUnits: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
]

/// The units of a size, the largest first, with their length in bytes: decimal and binary ones by their IEC names.
private let sizeUnits: [(name: String, bytes: Int)] = [
    ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1000),
    ("B", 1),
]

extension Duration {
    /// The duration that `text` says: a whole number and one of the units `ms`, `s`, `m`, `h`, `d`, with nothing
    /// between. Nil for anything else, and for more than 64 bits of milliseconds.
    public init?(text: String) {
        guard let (number, unit) = numberAndUnit(text),
            let length = durationUnits.first(where: { $0.name == unit })?.milliseconds
        else { return nil }
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: length)
        guard !overflow else { return nil }
        self = .milliseconds(product)
    }

    /// The duration in the largest unit that says it in a whole number, as `init(text:)` reads it. What is below
    /// a millisecond is left out.
    public var text: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let unit = durationUnits.first { milliseconds % $0.milliseconds == 0 && milliseconds != 0 } ?? ("s", 1000)
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}

/// Sizes as text. A size itself is an `Int` of bytes.
public enum ByteSize {
    /// The number of bytes that `text` says: a whole number and one of the units `B`, `KB`, `KiB`, `MB`, `MiB`,
    /// `GB`, `GiB`, with nothing between. Nil for anything else, and for more than 64 bits of bytes.
    public static func bytes(fromText text: String) -> Int? {
        guard let (number, unit) = numberAndUnit(text), let length = sizeUnits.first(where: { $0.name == unit })?.bytes
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: length)
        return overflow ? nil : product
    }

    /// `bytes` in the largest unit that says it in a whole number, as `bytes(fromText:)` reads it.
    public static func text(ofBytes bytes: Int) -> String {
        let unit = sizeUnits.first { bytes % $0.bytes == 0 && bytes != 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}

/// Splits digits from what follows. Only ASCII digits: `Int(_:)` alone would take a sign.
private func numberAndUnit(_ text: String) -> (Int, unit: String)? {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let number = Int(String(Substring(digits))) else { return nil }
    return (number, String(text.utf8.dropFirst(digits.count)) ?? "")
}
