// What became of a connection, in the words of the table's first column.

import HTTP

extension Collection where Element == ReaderEvent {
    /// The outcome as a row has it.
    public var outcome: String {
        isEmpty ? "nothing" : map(text(of:)).joined(separator: ", ")
    }
}

private func text(of event: ReaderEvent) -> String {
    switch event {
    case .served(let request):
        var words = [escaped(request.method), escaped(request.path.isEmpty ? request.target : request.path)]
        if request.expectsContinue { words.append("100") }
        if !request.body.isEmpty { words.append("\"\(escaped(request.body))\"") }
        if !request.isPersistent { words.append("close") }
        return words.joined(separator: " ")
    case .refused(let error): return "\(error.status) \(error)"
    case .waitsForHead: return "head…"
    case .waitsForBody: return "body…"
    case .unread(let count): return "\(count) unread"
    }
}

/// Bytes as a row writes them.
public func escaped(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        switch byte {
        case 0x0d: "\\r"
        case 0x0a: "\\n"
        case 0x09: "\\t"
        case 0: "\\0"
        case UInt8(ascii: "\\"): "\\\\"
        case UInt8(ascii: "|"), UInt8(ascii: "{"), UInt8(ascii: "}"), ..<0x20, 0x7f...:
            "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        default: String(Unicode.Scalar(byte))
        }
    }.joined()
}
