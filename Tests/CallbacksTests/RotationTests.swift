// Two secrets at once, while Sinch's one is being replaced.

import Callbacks
import Testing

@Suite("B22: during a rotation") struct RotationTests {
    static let now: Int64 = 1_634_579_353

    private func secret(_ text: String, until: Int64? = nil) throws -> WebhookSecret {
        WebhookSecret(key: try HMACKey(secret: Array(text.utf8)), until: until)
    }

    @Test("old and new secret are accepted, whichever is named first") func bothOrders() throws {
        let old = try SignedCallback(secret: "old")
        let new = try SignedCallback(secret: "new")
        let oldFirst = try [secret("old"), secret("new")]
        let newFirst = try [secret("new"), secret("old")]
        #expect(old.verdict(of: oldFirst) == .genuine(late: false, secret: 0))
        #expect(new.verdict(of: oldFirst) == .genuine(late: false, secret: 1))
        #expect(old.verdict(of: newFirst) == .genuine(late: false, secret: 1))
        #expect(new.verdict(of: newFirst) == .genuine(late: false, secret: 0))
    }

    @Test("a third secret is not") func third() throws {
        let callback = try SignedCallback(secret: "other")
        #expect(try callback.verdict(of: [secret("old"), secret("new")]) == .wrongSignature)
    }

    @Test("the last of many is") func lastOfMany() throws {
        let callback = try SignedCallback(secret: "7")
        let secrets = try (0..<8).map { try secret("\($0)") }
        #expect(callback.verdict(of: secrets) == .genuine(late: false, secret: 7))
    }

    @Test(
        "a secret ends with the second it is accepted until",
        arguments: [(now + 1, true), (now, false), (now - 1, false), (0, false), (Int64.max, true)])
    func until(_ until: Int64, _ isAccepted: Bool) throws {
        let old = try SignedCallback(secret: "old")
        let expected: Verdict = isAccepted ? .genuine(late: false, secret: 1) : .wrongSignature
        #expect(try old.verdict(of: [secret("new"), secret("old", until: until)]) == expected)
        // The other one goes on.
        let new = try SignedCallback(secret: "new")
        #expect(try new.verdict(of: [secret("old", until: until), secret("new")]) == .genuine(late: false, secret: 1))
    }

    @Test("the clock decides over `until`, not the timestamp") func clockDecides() throws {
        var old = try SignedCallback(secret: "old")
        old.now = Self.now + 10
        #expect(try old.verdict(of: [secret("old", until: Self.now + 5)]) == .wrongSignature)
    }
}
