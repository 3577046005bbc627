// Whatever is changed in a genuine callback, it is refused.

import Callbacks
import Testing

@Suite("A changed callback is refused") struct TamperingTests {
    /// Every callback that differs from the genuine one in a single bit of what `part` leads to.
    private func refuses(everyBitOf part: WritableKeyPath<SignedCallback, [UInt8]>) throws {
        let genuine = try #require(Vector.all.first).callback()
        #expect(try genuine.verdict() == .genuine)
        let secrets = [WebhookSecret(key: try HMACKey(secret: Array(SignedCallback.secret.utf8)))]
        for index in genuine[keyPath: part].indices {
            for bit in 0..<8 {
                var forged = genuine
                forged[keyPath: part][index] ^= 1 << UInt8(bit)
                #expect(forged.verdict(of: secrets).isRefusal, "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test("B10: one bit of the body") func bodyBits() throws { try refuses(everyBitOf: \.body) }

    @Test(
        "B10: one bit of a header", arguments: [SignatureHeader.signature, .timestamp, .nonce]
    ) func headerBits(_ header: SignatureHeader) throws {
        try refuses(everyBitOf: \.[header])
    }

    @Test("B10: one byte left out, or one put in, anywhere in the body") func bodyLength() throws {
        let genuine = try #require(Vector.all.first).callback()
        for index in genuine.body.indices {
            var shorter = genuine
            shorter.body.remove(at: index)
            #expect(try shorter.verdict() == .wrongSignature, "without byte \(index)")
            var longer = genuine
            longer.body.insert(0x20, at: index)
            #expect(try longer.verdict() == .wrongSignature, "with a space at \(index)")
        }
    }

    @Test("B7: another nonce") func otherNonce() throws {
        var forged = try #require(Vector.all.first).callback()
        forged[.nonce] = Array("01FJA8B4A7BM43YGWSG9GBV068".utf8)
        #expect(try forged.verdict() == .wrongSignature)
    }

    @Test("B7: a fresh timestamp on an old callback") func otherTimestamp() throws {
        var forged = try #require(Vector.all.first).callback()
        forged.now += 3600
        forged[.timestamp] = Array("\(forged.now)".utf8)
        #expect(try forged.verdict() == .wrongSignature)
    }

    /// The parts are signed joined by dots, without their lengths: whoever moves a dot keeps the signature. These
    /// forgeries have the genuine signature, and only the alphabets of nonce and timestamp stop them.
    struct MovedBorder: CustomTestStringConvertible, Sendable {
        let body: String, nonce: String, timestamp: String
        let expected: Verdict
        let why: String

        var testDescription: String { why }
    }

    static let movedBorders: [MovedBorder] = [
        .init(
            body: "hello", nonce: "world123.\(SignedCallback.nonce)", timestamp: SignedCallback.timestamp,
            expected: .malformed(.nonce), why: "the body's end moved into the nonce"),
        .init(
            body: "hello", nonce: "world123", timestamp: "\(SignedCallback.nonce).\(SignedCallback.timestamp)",
            expected: .malformed(.timestamp), why: "and the nonce moved into the timestamp"),
        .init(
            body: "hello.world123.\(SignedCallback.nonce)", nonce: SignedCallback.timestamp, timestamp: "",
            expected: .malformed(.timestamp), why: "all moved into the body"),
    ]

    @Test("with the border between two parts moved", arguments: movedBorders) func border(_ c: MovedBorder) throws {
        // Signed by Sinch: the body `hello.world123`.
        let signature = "p/UlP9SPva7hC2Nq7OVrh53gRUdhhgGyrPEqdlfDCKY="
        let genuine = SignedCallback(Array("hello.world123".utf8), signature: signature)
        #expect(try genuine.verdict() == .genuine)
        let forged = SignedCallback(
            Array(c.body.utf8), nonce: c.nonce, timestamp: c.timestamp, signature: signature)
        #expect(try forged.verdict() == c.expected)
        if !c.timestamp.isEmpty {
            let signed = try SignedCallback(
                signing: forged.body, nonce: forged[.nonce], timestamp: forged[.timestamp])
            #expect(signed[.signature] == Array(signature.utf8), "the forgery's signature is right")
        }
    }

    @Test("with the border of Sinch's own sample moved") func borderOfSample() throws {
        let genuine = try #require(Vector.all.first).callback()
        let dot = try #require(genuine.body.lastIndex(of: UInt8(ascii: ".")))
        var forged = genuine
        forged.body = Array(genuine.body[..<dot])
        forged[.nonce] = Array(genuine.body[(dot + 1)...]) + [UInt8(ascii: ".")] + genuine[.nonce]
        let signed = try SignedCallback(signing: forged.body, nonce: forged[.nonce], timestamp: forged[.timestamp])
        #expect(signed[.signature] == genuine[.signature], "the forgery's signature is right")
        #expect(try forged.verdict() == .malformed(.nonce))
    }
}
