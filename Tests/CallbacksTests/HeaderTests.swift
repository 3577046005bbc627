// The four headers: which must be there, how often, in which case, and which algorithm is taken.

import Callbacks
import Testing

@Suite("The signature's headers") struct HeaderTests {
    static let required: [SignatureHeader] = [.signature, .timestamp, .nonce]

    @Test("must be there", arguments: required) func missing(_ header: SignatureHeader) throws {
        var callback = try SignedCallback()
        callback.remove(header)
        #expect(try callback.verdict() == .missing(header))
    }

    @Test("must not be empty", arguments: required) func empty(_ header: SignatureHeader) throws {
        var callback = try SignedCallback()
        callback[header] = []
        #expect(try callback.verdict() == .malformed(header))
    }

    @Test("come once, even with equal values", arguments: SignatureHeader.allCases)
    func doubled(_ header: SignatureHeader) throws {
        var callback = try SignedCallback()
        callback.headers.append(callback.headers[header.rawValue])
        #expect(try callback.verdict() == .doubled(header))
    }

    @Test("come once, in whichever order a wrong value stands", arguments: SignatureHeader.allCases)
    func doubledInFront(_ header: SignatureHeader) throws {
        var callback = try SignedCallback()
        callback.headers.insert(("\(header.name)", Array("x".utf8)), at: 0)
        #expect(try callback.verdict() == .doubled(header))
    }

    @Test("have names in any case of their letters (RFC 9110 §5.1)", arguments: SignatureHeader.allCases)
    func anyCase(_ header: SignatureHeader) throws {
        var callback = try SignedCallback()
        for name in ["\(header.name)".uppercased(), alternating("\(header.name)")] {
            callback.headers[header.rawValue].name = name
            #expect(try callback.verdict() == .genuine, "\(name)")
        }
    }

    @Test("are not found under a name that is only like theirs", arguments: required)
    func otherNames(_ header: SignatureHeader) throws {
        for name in ["\(header.name)s", "x\(header.name)", "\(header.name)".replacing("-", with: "_")] {
            var callback = try SignedCallback()
            callback.headers[header.rawValue].name = name
            #expect(try callback.verdict() == .missing(header), "\(name)")
        }
    }

    @Test("may stand in any order, among others") func anyOrder() throws {
        var callback = try SignedCallback()
        callback.headers.reverse()
        callback.headers.insert(("x-sinch-webhook-signature-version", Array("2".utf8)), at: 2)
        callback.headers.insert(("content-type", Array("application/json".utf8)), at: 0)
        #expect(try callback.verdict() == .genuine)
    }

    private func alternating(_ name: String) -> String {
        name.enumerated().map { $0.offset.isMultiple(of: 2) ? $0.element.uppercased() : String($0.element) }.joined()
    }

    static let algorithms: [(value: String?, expected: Verdict, why: String)] = [
        (nil, .genuine, "two of Sinch's samples come without it"),
        ("HmacSHA256", .genuine, "as Sinch sends it"),
        ("hmacsha256", .genuine, "in lower case"),
        ("HMACSHA256", .genuine, "in upper case"),
        ("hMACsha256", .genuine, "in any case"),
        ("", .unknownAlgorithm, "empty is not missing"),
        ("HmacSHA1", .unknownAlgorithm, "a weaker one"),
        ("HmacSHA512", .unknownAlgorithm, "a stronger one is another one, too"),
        ("HmacMD5", .unknownAlgorithm, "a broken one"),
        ("none", .unknownAlgorithm, "the classic"),
        ("HmacSHA256,HmacSHA1", .unknownAlgorithm, "a list"),
        ("HmacSHA256, HmacSHA256", .unknownAlgorithm, "a list of one and the same"),
        ("HmacSHA-256", .unknownAlgorithm, "another spelling"),
        ("HmacSHA2566", .unknownAlgorithm, "one character more"),
        ("HmacSHA25", .unknownAlgorithm, "one character less"),
        ("HmacSHA256\u{0}", .unknownAlgorithm, "a NUL at its end"),
        ("SHA256", .unknownAlgorithm, "a hash is no MAC"),
    ]

    @Test("B21: the sender does not choose the algorithm", arguments: algorithms)
    func algorithm(_ value: String?, _ expected: Verdict, _ why: String) throws {
        var callback = try SignedCallback()
        if let value { callback[.algorithm] = Array(value.utf8) } else { callback.remove(.algorithm) }
        #expect(try callback.verdict() == expected)
    }

    @Test("messages tell what was wrong and hold no signature") func messages() throws {
        let errors: [VerificationError] =
            SignatureHeader.allCases.flatMap { [.missing($0), .doubled($0), .malformed($0)] }
            + [.unknownAlgorithm, .wrongSignature]
        #expect(Set(errors.map(\.description)).count == errors.count - 1, "one each, but one for the algorithm")
        for error in errors where error.description != "the signature does not match" {
            #expect(error.description.contains("x-sinch-webhook-signature"))
        }
    }
}
