// The callbacks of a selftest. Each is made of its number alone, so that a million of them need not be remembered.

/// Callbacks by number.
struct SelftestCallbacks: Sendable {
    let seed: UInt64

    /// Events of one conversation keep their order on their way through a forward sink.
    static let conversations = 64
    private static let pieces = ["Hello, world! ", "line\\nbreak ", "\\\"quoted\\\" ", "grüße 👋 ", "\\u00e9\\u0000 "]
    private static let prefix = "SELFTEST"

    /// A nonce that sorts by number.
    func nonce(_ number: Int) -> String {
        let digits = String(number)
        return Self.prefix + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// The number that a nonce is of; nil for a nonce of somebody else.
    func number(ofNonce nonce: some Collection<UInt8>) -> Int? {
        guard nonce.starts(with: Self.prefix.utf8) else { return nil }
        return Int(String(decoding: nonce.dropFirst(Self.prefix.utf8.count), as: UTF8.self))
    }

    func conversation(_ number: Int) -> Int { number % Self.conversations }

    /// A body as Sinch would send it, of 300 bytes to 2 KiB, and a few of 64 KiB; some are printed on several lines.
    func body(_ number: Int) -> [UInt8] {
        var random = SelftestRandom(seed: seed, stream: UInt64(number))
        let (end, isLarge) = (random.next() % 16 == 0 ? "\n" : "", random.next() % 512 == 0)
        let length = isLarge ? 4096 : Int(random.next() % 100)
        var text = ""
        for _ in 0..<length { text += Self.pieces[Int(random.next() % UInt64(Self.pieces.count))] }
        return Array(
            """
            {"app_id":"selftest",\(end)"project_id":"selftest",\(end)"message":{"id":"\(nonce(number))",\
            "direction":"TO_APP","contact_message":{"text_message":{"text":"\(text)"}},\
            "conversation_id":"C\(conversation(number))"}\(end)}
            """.utf8)
    }
}
