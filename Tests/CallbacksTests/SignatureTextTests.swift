// One signature has exactly one text, and is compared in one way only.

import Callbacks
import Testing

@Suite("The signature's text and its comparison") struct SignatureTextTests {
    static let genuine = "qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc="
    static let body = Array("{\"a\":1}".utf8)

    static let texts: [(text: String, why: String)] = [
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc", "no padding: 43 characters"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc==", "two characters of padding: 45"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLF==", "44 characters, 31 bytes"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFcA", "44 characters, 33 bytes"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFd=", "a bit set that carries nothing (RFC 4648 §3.5)"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFe=", "the other bit that carries nothing"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFf=", "both"),
        (" qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=", "white space in front"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=\n", "a newline behind it"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0 a6gP7fm1aAIMYLFc=", "white space inside"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0S\u{0}6gP7fm1aAIMYLFc=", "a NUL inside"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMY=LFc", "padding inside"),
        ("=SOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=", "padding in front"),
        ("a923b01396a6e3a2bb619f126483a2878435034499ea03fb", "hexadecimal, and too long"),
        ("a923b01396a6e3a2bb619f126483a28784350344=", "hexadecimal, and too short"),
        ("sha256=qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aA=", "with a prefix"),
        ("qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=,qSOwE5am46K7YZ8SZIOih4Q1A0Sa6gP7fm1aAIMYLFc=", "a list"),
        ("", "nothing"),
        ("=", "padding alone"),
        ("============================================", "44 characters of padding"),
    ]

    @Test("is refused in any other form", arguments: texts) func otherTexts(_ text: String, _ why: String) throws {
        #expect(try SignedCallback(Self.body, signature: Self.genuine).verdict() == .genuine)
        #expect(try SignedCallback(Self.body, signature: text).verdict() == .malformed(.signature))
    }

    @Test("is refused in the URL's alphabet (RFC 4648 §5)") func urlAlphabet() throws {
        var isFound = (plus: false, slash: false)
        for number in 0..<200 where !(isFound.plus && isFound.slash) {
            let genuine = try SignedCallback(signing: Array("\(number)".utf8))
            for (standard, url) in [("+", "-"), ("/", "_")] {
                let text = String(decoding: genuine[.signature], as: UTF8.self)
                guard text.contains(standard) else { continue }
                if standard == "+" { isFound.plus = true } else { isFound.slash = true }
                var other = genuine
                other[.signature] = Array(text.replacing(standard, with: url).utf8)
                #expect(try genuine.verdict() == .genuine)
                #expect(try other.verdict() == .malformed(.signature))
            }
        }
        #expect(isFound == (true, true))
    }

    @Test("is read back from what is written, for every byte value in every place") func roundTrip() throws {
        for value in 0...255 {
            var digest = try Digest(of: [UInt8(value)].span)
            for index in 0..<32 { digest.bytes[index] = UInt8((value + index * 37) % 256) }
            let text = digest.base64
            #expect(text.utf8.count == 44)
            let read = Digest(base64: Array(text.utf8).span)
            let back = try #require(read)
            #expect((0..<32).allSatisfy { back.bytes[$0] == digest.bytes[$0] })
        }
    }

    @Test("B1: equal means equal in every bit") func comparison() throws {
        let digest = try Digest(of: Self.body.span)
        #expect(digest.isEqualInConstantTime(to: digest))
        for index in 0..<32 {
            for bit in 0..<8 {
                var other = digest
                other.bytes[index] ^= 1 << UInt8(bit)
                #expect(!digest.isEqualInConstantTime(to: other), "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test("B1: no text of another length is compared at all") func lengths() throws {
        for count in 0...64 {
            let text = String(String(repeating: Self.genuine, count: 2).prefix(count))
            let verdict = try SignedCallback(Self.body, signature: text).verdict()
            #expect(verdict == (count == 44 ? .genuine : .malformed(.signature)), "\(count) characters")
        }
    }

    @Test("a hash is SHA-256 (FIPS 180-4, the examples of NIST)") func hash() throws {
        let abc = try Digest(of: Array("abc".utf8).span)
        #expect(abc.base64 == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")
        let empty = try Digest(of: [UInt8]().span)
        #expect(empty.base64 == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    }
}
