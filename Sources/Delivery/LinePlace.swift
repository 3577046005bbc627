// Where a line of a file belongs in storing order, read from the line itself: the file is the one witness of what was
// written to it that cannot be behind or ahead of it.

/// Which event a line is of.
public struct LinePlace: Sendable, Equatable {
    /// The event's sequence number.
    public var sequence: Int64
    /// The event's id in hexadecimal, which tells whether it is the same event as the store's of that number.
    public var id: String

    /// A place.
    public init(sequence: Int64, id: String) { (self.sequence, self.id) = (sequence, id) }

    /// The place of a line as `CloudEventEncoder` writes it, without its newline: a JSON object whose members before
    /// `data` have texts for values. Nil for any other line.
    init?(cloudEvent line: UnsafeRawBufferPointer) {
        guard line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}") else { return nil }
        var (index, sequence, id) = (1, nil as Int64?, nil as String?)
        while let name = Self.text(line, &index), Self.skip(UInt8(ascii: ":"), line, &index),
            let value = Self.text(line, &index)
        {
            switch String(decoding: line[name], as: UTF8.self) {
            case "id": id = String(decoding: line[value], as: UTF8.self)
            case "sequence": sequence = Self.number(line[value])
            default: break
            }
            if let sequence, let id {
                self.init(sequence: sequence, id: id)
                return
            }
            guard Self.skip(UInt8(ascii: ","), line, &index) else { return nil }
        }
        return nil
    }

    /// How every line of ours begins.
    static let beginning = Array(#"{"specversion":"#.utf8)

    /// The inside of the JSON string at `index`, which then stands behind it.
    private static func text(_ line: UnsafeRawBufferPointer, _ index: inout Int) -> Range<Int>? {
        guard skip(UInt8(ascii: "\""), line, &index) else { return nil }
        let start = index
        while index < line.count {
            switch line[index] {
            case UInt8(ascii: "\""):
                index += 1
                return start..<index - 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    private static func skip(_ byte: UInt8, _ line: UnsafeRawBufferPointer, _ index: inout Int) -> Bool {
        guard index < line.count, line[index] == byte else { return false }
        index += 1
        return true
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int64? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        // The store is to go on behind it, and must have numbers left then.
        return Int64(String(decoding: digits, as: UTF8.self)).flatMap { $0 < 1 << 62 ? $0 : nil }
    }
}
