// The body is signed as it is sent: nothing may parse, trim or re-encode it first. The signatures were computed by
// another implementation (Python's hmac), not by the code under test.

import Callbacks
import Testing

@Suite("B2: the body is verified byte for byte") struct BodyBytesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let body: [UInt8]
        let signature: String
        let why: String

        var testDescription: String { why }

        init(_ body: String, _ signature: String, _ why: String) { self.init(Array(body.utf8), signature, why) }

        init(_ body: [UInt8], _ signature: String, _ why: String) {
            self.body = body
            self.signature = signature
            self.why = why
        }
    }

    static let invalidUTF8: [UInt8] = [0xff, 0xfe] + Array("{\"a\":\"".utf8) + [0xc3] + Array("(\"}".utf8)
    static let large: [UInt8] = (0..<65_536).map { UInt8($0 % 251) }

    static let cases: [Case] = [
        .init("{ \"b\" :1 ,\t\"a\":\n2 }", "D0Ad0pitYn2CEuT0I1CVeKuC21M3HS03uJFB9ZpQxoI=", "odd spacing"),
        .init("{\"a\":\"\\u00e9\\/\"}", "p8SKPg10erZ1e5hnU3E678jGcg3vziKyAo2D2ui/ogM=", "escapes"),
        .init("{\"a\":1,\"a\":2}", "BBugdIC8hLSFWRmwDpBspnzTdUyBOzZ8OqHRHHGW12I=", "a key twice"),
        .init(
            "{\"z\":1,\"a\":1.0e2,\"n\":12345678901234567890123}", "1JlbqYQx8PyqFPbOkFGiKuVCoD2+eYzyQG2ohx4H1hc=",
            "key order, a number's spelling, a number beyond 64 bits"),
        .init("{\"a\":1}", "qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=", "nothing odd"),
        .init("{\"a\":1}\n", "Q1XA2x+uX6bIHm07SmBvISkeG44ThObgBf75joAfvlY=", "a final newline"),
        .init("{\"a\":1}\r\n", "HR9omUyGjjLpWpp7jpdAh8sA0gKm6Z2EI2KRn8RJEsA=", "a final CR LF"),
        .init([0xef, 0xbb, 0xbf] + Array("{\"a\":1}".utf8), "3HLFaRBLfS/5a5FE42EfphJneyOvLURf3brIrmxst1Y=", "a BOM"),
        .init(invalidUTF8, "PQoBgJ6nPaK7urLOxbPrGYAV1MvicQgj43zmjBSfUFs=", "bytes that are no UTF-8"),
        .init(Array("{\"a\":1}".utf8) + [0], "g28vZfJfMqWmvmvg1ttc58nBSWRu4tWa2kUmOdTlm04=", "a NUL at the end"),
        .init("", "LAno4LgU5m5H2+rWTTlWn9YoEDfiuujOwWTrfe8JMdo=", "no body at all"),
        .init(".", "8YxA1ENGcU8a9nHIhX+jH1aYgnQLWKi761f0v01niE4=", "nothing but the separator"),
        .init(large, "6/nBinqbj1/xRfTg/NZpyQSQciXmflQZM6J55Yr4CPo=", "64 KiB of every byte value"),
    ]

    @Test("as sent", arguments: cases) func asSent(_ c: Case) throws {
        #expect(try SignedCallback(c.body, signature: c.signature).verdict() == .genuine)
    }

    @Test("and not with a byte more or less", arguments: cases) func notOtherwise(_ c: Case) throws {
        var longer = SignedCallback(c.body, signature: c.signature)
        for extra: UInt8 in [0x00, 0x0a, 0x20, 0x2e] {
            longer.body = c.body + [extra]
            #expect(try longer.verdict() == .wrongSignature, "with \(extra) behind it")
        }
        guard !c.body.isEmpty else { return }
        var shorter = longer
        shorter.body = Array(c.body.dropLast())
        #expect(try shorter.verdict() == .wrongSignature)
    }

    @Test(
        "with a secret of any length (RFC 2104 §2: longer than a block is hashed first)",
        arguments: [
            (0, "X6sLxOXEJrRCURy0/WGD5XxDuak135BP/M/jkHioe8k="),
            (1, "O8COXyNeMpNnBd2cTY7wfRCwbnMys1f02CpqI14zQwg="),
            (63, "MjwNAZjHT2Hz2qk++1pOms1nXfp8uWqssF4BXcu+JpU="),
            (64, "fP3PSnLnwyxkCSOTqZ0iWnsfzK51g+xf0PObnbdXm7A="),
            (65, "TUgQoUubwakCAkovyx0tsyXci+8u3jOfTC5kSUgF2Fw="),
            (131, "ze62iI1X/lqHIa4gmvhik4KLXr9LkTMAJgZOkQG2It8="),
        ]) func secretLengths(_ count: Int, _ signature: String) throws
    {
        let key = try HMACKey(secret: (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) })
        let callback = SignedCallback(Array("{\"a\":1}".utf8), signature: signature)
        #expect(callback.verdict(of: [WebhookSecret(key: key)]) == .genuine)
    }

    @Test("on many threads at once with one key") func manyThreads() async throws {
        let key = try HMACKey(secret: Array(SignedCallback.secret.utf8))
        let verdicts = await withTaskGroup(of: [Verdict].self) { group in
            for c in Self.cases {
                group.addTask {
                    let callback = SignedCallback(c.body, signature: c.signature)
                    return (0..<50).map { _ in callback.verdict(of: [WebhookSecret(key: key)]) }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(verdicts.allSatisfy { $0 == .genuine })
    }
}
