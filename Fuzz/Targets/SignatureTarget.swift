// The headers of a signature. The input's lines are the signature, the timestamp, the nonce, the algorithm and the name of
// one more field; what follows is the body. It is verified twice: as it is, and with the signature that is right for it.

import Callbacks

extension FuzzTarget {
    /// The headers by which a callback is signed.
    static let signatures = FuzzTarget(
        name: "signatures", longestInputBytes: 512,
        run: { input in
            var parts = input.split(separator: 0x0a, maxSplits: 5, omittingEmptySubsequences: false).map { Array($0) }
            while parts.count < 6 { parts.append([]) }
            let callback = SignedParts(
                signature: parts[0], timestamp: parts[1], nonce: parts[2], algorithm: parts[3], otherName: parts[4],
                body: parts[5])
            try callback.check(key: key.get())
        },
        seeds: {
            let signature = "c2lnbmF0dXJlIG9mIHRoaXJ0eS10d28gYnl0ZXMuLi4="
            let nonce = "01FJA8B4A7BM43YGWSG9GBV067"
            return [
                "\(signature)\n1634579353\n\(nonce)\nHmacSHA256\nHost\n{}", "\(signature)\n0\n\(nonce)\n\n\n",
                "\(signature)\n1634579353\n\(nonce)\nHMACSHA256\nX-SINCH-WEBHOOK-SIGNATURE\nbody",
                "\(signature)\n1634579353\na.b\nHmacSHA1\nx-sinch-webhook-signature-nonce\n",
                "\(signature)\n01634579353\n-_\nHmacSHA256\nx-sinch-webhook-signature-timestamp\n",
                "\(signature)\n1634579353000000\n\(nonce)\n\nx-sinch-webhook-signature-algorithm\n",
            ].map { Array($0.utf8) }
        })

    private static let key = Result { try HMACKey(secret: Array("secret".utf8)) }
}

private struct SignedParts {
    var signature: [UInt8]
    let timestamp: [UInt8], nonce: [UInt8], algorithm: [UInt8], otherName: [UInt8], body: [UInt8]

    private static let now: Int64 = 1_634_579_353

    /// What was verified, for comparing.
    private enum Verdict: Equatable {
        case genuine(signedAt: Int64, isLate: Bool)
        case refused(String)
    }

    func check(key: HMACKey) throws {
        let right = try key.code(body: body.span, nonce: nonce.span, timestamp: timestamp.span)
        let asItCame = verdict(key)
        if case .genuine = asItCame {
            try expect(signature == Array(right.base64.utf8), "a wrong signature was taken")
        }
        var signed = self
        signed.signature = Array(right.base64.utf8)
        let found = signed.verdict(key)
        try expect(found == signed.expected, "found \(found), expected \(signed.expected)")
    }

    /// What the right signature comes to, by rules written a second time and in another way.
    private var expected: Verdict {
        let names = SignatureHeader.allCases.map { "\($0.name)" }
        let other = String(decoding: otherName, as: UTF8.self).lowercased()
        let isASCII = otherName.allSatisfy { $0 < 128 }
        if isASCII, names.contains(other), other != "\(SignatureHeader.algorithm.name)" || !algorithm.isEmpty {
            return .refused("the header \(other) came more than once")
        }
        let name = algorithm.isEmpty && isASCII && other == "\(SignatureHeader.algorithm.name)" ? nonce : algorithm
        if !(algorithm.isEmpty && name.isEmpty && other != "\(SignatureHeader.algorithm.name)"),
            String(decoding: name, as: UTF8.self).lowercased() != "hmacsha256" || !name.allSatisfy({ $0 < 128 })
        {
            return .refused("\(SignatureHeader.algorithm.name) names an algorithm that is not accepted")
        }
        let signs = Set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_".utf8)
        guard (1...128).contains(nonce.count), nonce.allSatisfy(signs.contains) else {
            return .refused(
                "\(SignatureHeader.nonce.name) is not 1 to 128 letters, digits, hyphens and underscores")
        }
        guard let seconds = Int64(String(decoding: timestamp, as: UTF8.self)), (1...15).contains(timestamp.count),
            Array("\(seconds)".utf8) == timestamp, seconds >= 0
        else { return .refused("\(SignatureHeader.timestamp.name) is not a number of seconds in plain decimal") }
        return .genuine(signedAt: seconds, isLate: seconds > Self.now + 300 || seconds < Self.now - 300)
    }

    private func verdict(_ key: HMACKey) -> Verdict {
        var bytes: [UInt8] = []
        var headers: [(name: Range<Int>, value: Range<Int>)] = []
        func put(_ part: [UInt8]) -> Range<Int> {
            bytes += part
            return bytes.count - part.count..<bytes.count
        }
        func put(_ header: SignatureHeader, _ value: [UInt8]) {
            headers.append((put(Array("\(header.name)".utf8)), put(value)))
        }
        put(.signature, signature)
        put(.timestamp, timestamp)
        put(.nonce, nonce)
        if !algorithm.isEmpty { put(.algorithm, algorithm) }
        headers.append((put(otherName), put(nonce)))
        let body = put(self.body)
        return bytes.withUnsafeBytes { source in
            // Memory of exactly this size: an address sanitizer sees each byte beyond.
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyMemory(from: source)
            let span = UnsafeBufferPointer(copy.bindMemory(to: UInt8.self)).span
            var found = SignatureHeaders()
            for header in headers { found.take(name: header.name, value: header.value, in: span) }
            let verifier = Verifier(secrets: [WebhookSecret(key: key)], toleranceSeconds: 300)
            do throws(VerificationError) {
                let verified = try verifier.verify(found, body: body, in: span, now: Self.now)
                return .genuine(signedAt: verified.signedAt, isLate: verified.isLate)
            } catch {
                return .refused(error.description)
            }
        }
    }
}
