// A callback as Sinch sends it, and its parts, for tests to bend.

import Callbacks
import Foundation

/// A body and the headers that sign it.
struct SignedCallback: Sendable {
    var body: [UInt8]
    var nonce: String
    var timestamp: String
    var signature: String
    var algorithm: String? = "HmacSHA256"

    /// Signs `body`, with a nonce that was never used and the time that it is.
    init(
        _ body: [UInt8], nonce: String = freshNonce(), timestamp: String? = nil, secret: String = DaemonHome.secret
    ) throws {
        self.body = body
        self.nonce = nonce
        self.timestamp = timestamp ?? String(time(nil))
        signature = try hmac(body, nonce: nonce, timestamp: self.timestamp, secret: secret).base64
    }

    init(
        _ body: String, nonce: String = freshNonce(), timestamp: String? = nil, secret: String = DaemonHome.secret
    ) throws {
        try self.init(Array(body.utf8), nonce: nonce, timestamp: timestamp, secret: secret)
    }

    /// A callback like no other.
    static func unique() throws -> SignedCallback {
        try SignedCallback(#"{"app_id":"01APP","message":{"id":"\#(freshNonce())"}}"#)
    }

    /// The id that its event gets: the first 16 bytes of SHA-256(body), in hexadecimal.
    var id: String { get throws { try Callbacks.Digest(of: body.span).hexadecimal(bytes: 16) } }

    var headers: [(name: String, value: String)] {
        var headers = [
            ("x-sinch-webhook-signature", signature), ("x-sinch-webhook-signature-timestamp", timestamp),
            ("x-sinch-webhook-signature-nonce", nonce),
        ]
        if let algorithm { headers.append(("x-sinch-webhook-signature-algorithm", algorithm)) }
        return headers.map { (name: $0.0, value: $0.1) }
    }

    /// The request, byte for byte.
    ///
    /// - Parameters:
    ///   - without: the header that is left out.
    ///   - adding: header lines that come besides.
    func request(path: String = "/callbacks", without left: String? = nil, adding: [String] = []) -> [UInt8] {
        let signing = headers.filter { $0.name != left }.map { "\($0.name): \($0.value)" }
        let lines = ["POST \(path) HTTP/1.1", "Host: example.com", "Content-Type: application/json"] + signing + adding
        let head = (lines + ["Content-Length: \(body.count)"]).joined(separator: "\r\n") + "\r\n\r\n"
        return Array(head.utf8) + body
    }
}

/// HMAC-SHA256 over body, dot, nonce, dot, timestamp.
func hmac(
    _ body: [UInt8], nonce: String, timestamp: String, secret: String
) throws -> Callbacks.Digest {
    let nonceBytes = Array(nonce.utf8), timestampBytes = Array(timestamp.utf8)
    return try HMACKey(secret: Array(secret.utf8)).code(
        body: body.span, nonce: nonceBytes.span, timestamp: timestampBytes.span)
}

/// A nonce of 26 characters, as a ULID has.
func freshNonce() -> String {
    "01" + UUID().uuidString.replacing("-", with: "").prefix(24)
}

extension Callbacks.Digest {
    func hexadecimal(bytes count: Int = 32) -> String {
        (0..<count).map { index in
            let digits = String(bytes[index], radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
