// Each fault is held against the real verifier: what it does wrong must be just what it says.

import Callbacks
import Testing

@testable import hookd

@Suite("send --fault") struct FaultTests {
    static let now: Int64 = 1_634_579_353

    /// How the verifier ends.
    enum Verdict: Equatable {
        case genuine, late
        /// With the description of the error.
        case refused(String)

        static func refused(_ error: VerificationError) -> Verdict { .refused("\(error)") }
    }

    static func verdict(on callback: SignedCallback) throws -> Verdict {
        var bytes: [UInt8] = []
        func append(_ text: String) -> Range<Int> {
            let start = bytes.count
            bytes += Array(text.utf8)
            return start..<bytes.count
        }
        var headers = SignatureHeaders()
        for (name, value) in callback.headers {
            let (name, value) = (append(name), append(value))
            headers.take(name: name, value: value, in: bytes.span)
        }
        let body = bytes.count..<bytes.count + callback.body.count
        bytes += callback.body
        let secret = WebhookSecret(key: try HMACKey(secret: Array("secret".utf8)))
        do throws(VerificationError) {
            let verified = try Verifier(secrets: [secret], toleranceSeconds: 300)
                .verify(headers, body: body, in: bytes.span, now: now)
            return verified.isLate ? .late : .genuine
        } catch {
            return .refused(error)
        }
    }

    func attempts(_ fault: Fault) throws -> [Attempt] {
        let signer = try CallbackSigner(secret: Array("secret".utf8))
        return try fault.attempts(
            with: signer, body: Array("{}".utf8), nonce: "01FJA8B4A7BM43YGWSG9GBV067",
            timestamp: String(Self.now + fault.timestampOffset))
    }

    @Test(
        "does wrong what it says, and only that",
        arguments: [
            (Fault.replay, [Verdict.genuine, .genuine]),
            (.stale, [.late]),
            (.future, [.late]),
            (.forged, [.refused(.wrongSignature)]),
            (.truncated, [.refused(.wrongSignature)]),
            (.movedBorder, [.refused(.malformed(.nonce))]),
            (.reusedNonce, [.genuine, .genuine]),
            (.missingSignature, [.refused(.missing(.signature))]),
            (.wrongSecret, [.refused(.wrongSignature)]),
            (.unknownAlgorithm, [.refused(.unknownAlgorithm)]),
        ]) func verdicts(_ fault: Fault, _ expected: [Verdict]) throws
    {
        #expect(try attempts(fault).map { try Self.verdict(on: $0.callback) } == expected)
    }

    @Test("every fault is tested above") func complete() {
        #expect(Fault.allCases.count == 10)
    }

    @Test("a replay is the same callback, byte for byte") func replay() throws {
        let sent = try attempts(.replay).map(\.callback)
        #expect(sent[0].body == sent[1].body && sent[0].headers.map(\.value) == sent[1].headers.map(\.value))
    }

    @Test("a reused nonce comes with another body and its own signature") func reusedNonce() throws {
        let sent = try attempts(.reusedNonce).map(\.callback)
        #expect(sent[0].nonce == sent[1].nonce && sent[0].body != sent[1].body)
        #expect(sent[0].signature?.base64 != sent[1].signature?.base64)
    }

    @Test("a moved border would verify, were it not for its dot") func movedBorder() throws {
        let callback = try attempts(.movedBorder)[0].callback
        let signer = try CallbackSigner(secret: Array("secret".utf8))
        let whole = try signer.sign(callback.body, nonce: callback.nonce, timestamp: callback.timestamp)
        #expect(whole.signature?.base64 == callback.signature?.base64)
    }

    static let duplicate = #"{"status":"duplicate"}"#
    static let answers: [(ExpectedAnswer, Int, String, Bool)] = [
        (.stored, 200, "{}", true), (.stored, 204, "", true), (.stored, 503, "", false), (.stored, 302, "", false),
        (.duplicate, 200, duplicate, true), (.duplicate, 200, "{}", false),
        (.duplicate, 409, "", true), (.duplicate, 401, duplicate, false),
        (.conflict, 409, "", true), (.conflict, 200, duplicate, false),
        (.refused, 401, "", true), (.refused, 200, "", false), (.refused, 503, "", false),
        (.refusedAsLate, 401, "", true), (.refusedAsLate, 200, "", false),
    ]

    @Test("an answer is as expected or not", arguments: answers)
    func expectations(_ expectation: ExpectedAnswer, _ status: Int, _ body: String, _ isMet: Bool) {
        #expect(expectation.isMet(by: HTTPAnswer(status: status, body: Array(body.utf8))) == isMet)
    }
}
