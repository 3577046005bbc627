// What a nonce may be: 1 to 128 letters, digits, hyphens and underscores.

import Callbacks
import Testing

@Suite("A nonce") struct NonceTests {
    @Test("has 1 to 128 bytes", arguments: [(0, false), (1, true), (26, true), (127, true), (128, true), (129, false)])
    func length(_ count: Int, _ isAccepted: Bool) throws {
        let nonce = [UInt8](repeating: UInt8(ascii: "N"), count: count)
        #expect(try SignedCallback(nonce: nonce).verdict() == (isAccepted ? .genuine : .malformed(.nonce)))
    }

    /// A dot above all: with one in it, the nonce could hold the end of a genuine body under the same signature.
    @Test("takes letters, digits, hyphen and underscore, and no other byte") func alphabet() throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        for byte in UInt8.min...UInt8.max {
            let expected: Verdict = letters.contains(byte) ? .genuine : .malformed(.nonce)
            for nonce in [[byte], [UInt8(ascii: "a"), byte], [byte, UInt8(ascii: "a")]] {
                #expect(try SignedCallback(nonce: nonce).verdict() == expected, "byte \(byte)")
            }
        }
    }
}
