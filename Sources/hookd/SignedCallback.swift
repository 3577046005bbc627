// A callback as Sinch would send it: the body and the four headers that sign it.

import Callbacks

/// A callback, ready to be sent.
struct SignedCallback {
    var body: [UInt8]
    var nonce: String
    var timestamp: String
    /// Nil leaves the header out.
    var signature: Digest?
    var algorithm = "HmacSHA256"

    /// Name and value of each header.
    var headers: [(name: String, value: String)] {
        let values: [(SignatureHeader, String?)] = [
            (.signature, signature?.base64), (.timestamp, timestamp), (.nonce, nonce), (.algorithm, algorithm),
        ]
        let signed = values.compactMap { header, value in value.map { (header.name.description, $0) } }
        return [("content-type", "application/json")] + signed
    }
}

/// Signs callbacks with a secret.
struct CallbackSigner {
    private let secret: [UInt8]
    private let key: HMACKey

    init(secret: [UInt8]) throws(CryptographyError) {
        self.secret = secret
        key = try HMACKey(secret: secret)
    }

    func sign(_ body: [UInt8], nonce: String, timestamp: String) throws(CryptographyError) -> SignedCallback {
        let nonceBytes = Array(nonce.utf8), timestampBytes = Array(timestamp.utf8)
        let code = try key.code(body: body.span, nonce: nonceBytes.span, timestamp: timestampBytes.span)
        return SignedCallback(body: body, nonce: nonce, timestamp: timestamp, signature: code)
    }

    /// A signer whose secret is one byte longer, and so another one.
    func withWrongSecret() throws(CryptographyError) -> CallbackSigner {
        try CallbackSigner(secret: secret + [UInt8(ascii: "x")])
    }
}
