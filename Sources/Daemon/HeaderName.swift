// Which headers an operator may add to what is sent.

/// Names and values of header fields.
enum HeaderName {
    /// What hookd or libcurl sets itself, and what is of one connection only.
    private static let ours: Set<String> = [
        "host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "user-agent", "upgrade",
        "te", "trailer", "keep-alive", "webhook-id", "webhook-timestamp", "webhook-signature",
    ]
    private static let ourPrefixes = ["ce-", "x-sinch-webhook-signature", "proxy-"]

    /// Completes "expected …" where `name` is none that may be added; nil where it may.
    static func refusal(of name: String) -> String? {
        guard (1...128).contains(name.utf8.count), name.utf8.allSatisfy(isTokenByte) else {
            return "a name of letters, digits and hyphens"
        }
        let lower = name.lowercased()
        if lower == "authorization" { return "the key `authorization` for it, which takes the value from a secret" }
        if ours.contains(lower) || ourPrefixes.contains(where: lower.hasPrefix) {
            return "a header that hookd does not set itself"
        }
        return nil
    }

    /// Whether a field may have this value: printable ASCII (RFC 9110 §5.5, without what it calls obsolete), 4096
    /// bytes at most, and no blank at either end, for it would be lost.
    static func isValue(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, let last = bytes.last, first != 0x20, last != 0x20 else { return false }
        return bytes.count <= 4096 && bytes.allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// RFC 9110 §5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
