// The signed samples that Sinch's own SDKs are tested with, and the signatures that other readings of the
// documentation would make of them.

import Callbacks
import Foundation
import Testing

/// A signed sample.
struct Vector: Decodable, CustomTestStringConvertible {
    let name: String
    let secret: String
    let nonce: String
    let timestamp: String
    let algorithm: String?
    let body: String
    let signature: String

    var testDescription: String { name }

    static let all: [Vector] = load()

    private static func load() -> [Vector] {
        guard let url = Bundle.module.url(forResource: "vectors", withExtension: "json", subdirectory: "Fixtures"),
            let data = try? Data(contentsOf: url)
        else { return [] }
        return (try? JSONDecoder().decode([Vector].self, from: data)) ?? []
    }

    /// The sample as a request, with the clock at its timestamp.
    func callback() throws -> SignedCallback {
        var callback = SignedCallback(Array(body.utf8), nonce: nonce, timestamp: timestamp, signature: signature)
        callback.secrets = [secret]
        callback.now = try #require(Int64(timestamp))
        if let algorithm { callback[.algorithm] = Array(algorithm.utf8) } else { callback.remove(.algorithm) }
        return callback
    }
}

@Suite("Sinch's signed samples") struct VectorTests {
    @Test("there are some") func exist() {
        #expect(Vector.all.count >= 2)
    }

    @Test("are genuine", arguments: Vector.all) func areGenuine(_ vector: Vector) throws {
        #expect(try vector.callback().verdict() == .genuine)
    }

    @Test("are signed as they are", arguments: Vector.all) func areSignedAlike(_ vector: Vector) throws {
        let code = try HMACKey(secret: Array(vector.secret.utf8)).code(
            body: Array(vector.body.utf8).span, nonce: Array(vector.nonce.utf8).span,
            timestamp: Array(vector.timestamp.utf8).span)
        #expect(code.base64 == vector.signature)
    }

    @Test("are refused without their final newline, which is signed") func newlineIsSigned() throws {
        let vector = try #require(Vector.all.first { $0.body.hasSuffix("\n") })
        var callback = try vector.callback()
        callback.body.removeLast()
        #expect(try callback.verdict() == .wrongSignature)
    }

    @Test(
        "are refused with the signature of another reading",
        arguments: [
            ("9ePMMDod0/sHgIcsaMSFfTm2lryOZHWY31aysnJ0FU0=", "body, timestamp, nonce: the order of the prose"),
            ("AnMwIU+9MVdJeCYxCcV99MjGt7l8rZL8YahaC93yDus=", "a newline behind the body"),
            ("Vt7zby1tLGRNu4QKCLXfegIOWpAdxydMAaUQ8lCQKZw=", "the body alone"),
        ]) func otherReadings(_ signature: String, _ why: String) throws
    {
        var callback = try #require(Vector.all.first).callback()
        callback[.signature] = Array(signature.utf8)
        #expect(try callback.verdict() == .wrongSignature)
    }

    @Test("are refused with another secret") func otherSecret() throws {
        var callback = try #require(Vector.all.first).callback()
        callback.secrets = ["foo_secret1235"]
        #expect(try callback.verdict() == .wrongSignature)
        callback.secrets = []
        #expect(try callback.verdict() == .wrongSignature, "no secret is no way in")
    }
}
