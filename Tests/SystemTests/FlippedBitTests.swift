// B10: whatever single bit of a signed callback is changed, it is no longer genuine. B7: the nonce alone, too.

import Foundation
import Testing

@Suite("A callback with one flipped bit is refused", .daemon()) struct FlippedBitTests {
    enum Part: String, CaseIterable, Sendable {
        case nonce, timestamp, signature, body
    }

    @Test("in its", arguments: Part.allCases) func flipped(_ part: Part) throws {
        let daemon = try SharedDaemon.current
        let callback = try SignedCallback(
            #"{"app_id":"01EB37HMH1M6SV18ABNS3G135H","message":{"id":"\#(freshNonce())","contact_message":{}}}"#)
        let request = callback.request()
        let place = try #require(request.firstRange(of: value(of: part, callback)))
        var connection = try daemon.connect()
        for bit in 0..<place.count * 8 {
            var flipped = request
            let index = place.lowerBound + bit / 8
            flipped[index] ^= 1 << (bit % 8)
            let answer = try connection.exchange(flipped)
            // A control character makes a header no header: that ends the connection, whatever the callback.
            let isControl = part != .body && (flipped[index] < 0x20 && flipped[index] != 0x09 || flipped[index] == 0x7F)
            #expect(answer.status == (isControl ? 400 : 401), "bit \(bit % 8) of byte \(bit / 8)")
            if answer.field("connection") == "close" { connection = try daemon.connect() }
        }
        let genuine = try connection.exchange(request)
        #expect(genuine.text.contains(#""stored""#), "the request that was flipped: \(genuine.text)")
    }

    private func value(of part: Part, _ callback: SignedCallback) -> [UInt8] {
        switch part {
        case .nonce: Array(callback.nonce.utf8)
        case .timestamp: Array(callback.timestamp.utf8)
        case .signature: Array(callback.signature.utf8)
        case .body: callback.body
        }
    }

    /// The signed bytes hold no lengths: a border that moves leaves the signature right.
    @Test("the end of the body moved into the nonce") func movedBorder() throws {
        let daemon = try SharedDaemon.current
        var callback = try SignedCallback(#"{"a":1}.moved"#)
        callback.body = Array(#"{"a":1}"#.utf8)
        callback.nonce = "moved." + callback.nonce
        let answer = try daemon.post(callback)
        #expect(answer.status == 401)
        #expect(answer.text.contains("x-sinch-webhook-signature-nonce is not"))
    }
}
