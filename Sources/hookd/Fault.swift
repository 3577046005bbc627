// What `hookd send --fault` does wrong on purpose, and what a receiver that keeps its promise answers.

import ArgumentParser
import Callbacks

/// A way to misbehave.
enum Fault: String, CaseIterable, ExpressibleByArgument {
    case replay
    case stale
    case future
    case forged
    case truncated
    case movedBorder = "moved-border"
    case reusedNonce = "reused-nonce"
    case missingSignature = "missing-signature"
    case wrongSecret = "wrong-secret"
    case unknownAlgorithm = "unknown-algorithm"

    /// What is sent, in a line.
    var explanation: String {
        switch self {
        case .replay: "the same callback twice, byte for byte"
        case .stale: "rightly signed, an hour ago"
        case .future: "rightly signed, an hour ahead of the clock"
        case .forged: "one bit of the signature flipped"
        case .truncated: "the last byte of the body lost after signing"
        case .movedBorder: "the end of the signed body moved into the nonce"
        case .reusedNonce: "two different callbacks under one nonce"
        case .missingSignature: "no signature header"
        case .wrongSecret: "signed with another secret"
        case .unknownAlgorithm: "an algorithm header that names HmacSHA1"
        }
    }

    /// All faults with their explanations, for the help.
    static var table: String {
        let width = (allCases.map(\.rawValue.count).max() ?? 0) + 2
        return allCases.map { fault in
            "  " + fault.rawValue + String(repeating: " ", count: width - fault.rawValue.count) + fault.explanation
        }.joined(separator: "\n")
    }

    /// How far from now the timestamp is, in seconds.
    var timestampOffset: Int64 {
        switch self {
        case .stale: -3600
        case .future: 3600
        default: 0
        }
    }

    /// What to send, in order, each with what it should be answered.
    func attempts(
        with signer: CallbackSigner, body: [UInt8], nonce: String, timestamp: String
    ) throws(CryptographyError) -> [Attempt] {
        var callback = try signer.sign(body, nonce: nonce, timestamp: timestamp)
        switch self {
        case .replay:
            return [Attempt(callback, .stored), Attempt(callback, .duplicate)]
        case .reusedNonce:
            // A blank behind a JSON value changes nothing but the bytes.
            let other = try signer.sign(body + [UInt8(ascii: " ")], nonce: nonce, timestamp: timestamp)
            return [Attempt(callback, .stored), Attempt(other, .conflict)]
        case .stale:
            return [Attempt(callback, .refusedAsLate)]
        case .future:
            break
        case .forged:
            callback.signature?.bytes[0] ^= 1
        case .truncated:
            callback.body = callback.body.dropLast()
        case .movedBorder:
            // body.nonce.timestamp is signed without lengths: "{}" and "N" sign like "{" and "}.N" joined anew.
            callback = try signer.sign(body + Array(".moved".utf8), nonce: nonce, timestamp: timestamp)
            callback.body = body
            callback.nonce = "moved." + nonce
        case .missingSignature:
            callback.signature = nil
        case .wrongSecret:
            callback = try signer.withWrongSecret().sign(body, nonce: nonce, timestamp: timestamp)
        case .unknownAlgorithm:
            callback.algorithm = "HmacSHA1"
        }
        return [Attempt(callback, .refused)]
    }
}

/// Something to send, and what should come of it.
struct Attempt {
    var callback: SignedCallback
    var expectation: ExpectedAnswer

    init(_ callback: SignedCallback, _ expectation: ExpectedAnswer) {
        self.callback = callback
        self.expectation = expectation
    }
}

/// What an attempt should be answered.
enum ExpectedAnswer: Equatable {
    case stored
    case duplicate
    case conflict
    case refused
    case refusedAsLate

    /// Whether `answer` is it.
    func isMet(by answer: HTTPAnswer) -> Bool {
        switch self {
        case .stored: answer.isSuccess
        case .duplicate: answer.status == 409 || answer.isSuccess && answer.bodyContains("\"duplicate\"")
        case .conflict: answer.status == 409
        case .refused, .refusedAsLate: answer.status == 401
        }
    }

    /// What is expected, for people.
    var text: String {
        switch self {
        case .stored: "200"
        case .duplicate: "200 \"duplicate\", or 409 where the endpoint refuses repeats"
        case .conflict: "409"
        case .refused: "401"
        case .refusedAsLate: "401; another answer is right only where the endpoint takes late callbacks"
        }
    }
}
