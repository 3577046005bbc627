// What is remembered, and for how long: B4, B6, B8 and B22, B23.

import Foundation
import Testing

@Suite("A nonce is spent by what was stored, and by nothing else") struct NonceTests {
    /// B4: whoever cannot sign must not be able to spend a nonce, nor memory.
    @Test("a forged request with a real nonce does not lock out the genuine one") func forgedFirst() throws {
        let daemon = try DaemonProcess(Settings(limits: ["nonces": "3"]))
        let genuine = try SignedCallback.unique()
        let connection = try daemon.connect()
        var forged = genuine
        forged.signature = try SignedCallback("{}").signature
        for _ in 0..<100 {
            #expect(try connection.exchange(forged.request()).status == 401)
            #expect(try connection.exchange(SignedCallback("{}", secret: "wrong").request()).status == 401)
        }
        #expect(try connection.exchange(genuine.request()).text.contains(#""stored""#))
        #expect(try connection.exchange(SignedCallback.unique().request()).text.contains(#""stored""#))
    }

    /// B6, both ways to end.
    @Test("a restart forgets nothing", arguments: [SIGTERM, SIGKILL]) func restart(_ signal: Int32) throws {
        let home = try DaemonHome()
        let callbacks = try (0..<20).map { _ in try SignedCallback.unique() }
        let first = try DaemonProcess(in: home)
        let connection = try first.connect()
        for callback in callbacks { #expect(try connection.exchange(callback.request()).status == 200) }
        first.process.signal(signal)
        #expect(try first.process.wait() == (signal == SIGTERM ? .exited(0) : .signalled(SIGKILL)))

        let second = try DaemonProcess(in: home)
        for callback in callbacks {
            #expect(try second.post(callback).text == #"{"status":"duplicate","id":"\#(try callback.id)"}"#)
            #expect(try second.post(SignedCallback("{}", nonce: callback.nonce)).status == 409)
        }
        #expect(try second.post(SignedCallback.unique()).text.contains(#""sequence":"0000000000000000021""#))
        #expect(try storedEvents(in: home).count == 21)
    }

    /// B8: under pressure the sender waits; nothing is forgotten to make room, not by a restart either.
    @Test("a full memory answers 503 and forgets nothing") func full() throws {
        let home = try DaemonHome()
        let settings = Settings(limits: ["nonces": "50"])
        var daemon = try DaemonProcess(in: home, settings)
        let callbacks = try (0..<80).map { _ in try SignedCallback.unique() }
        let connection = try daemon.connect()
        try connection.send(callbacks.flatMap { $0.request() })
        for index in callbacks.indices {
            let answer = try connection.answer()
            #expect(answer.status == (index < 50 ? 200 : 503), "callback \(index)")
            #expect((answer.field("retry-after") != nil) == (index >= 50))
        }
        for isRestarted in [false, true] {
            for (index, callback) in callbacks.enumerated() {
                let answer = try daemon.post(callback)
                #expect(answer.status == (index < 50 ? 200 : 503), "callback \(index), restarted: \(isRestarted)")
                if index < 50 {
                    #expect(answer.text.contains("duplicate"))
                    #expect(try daemon.post(SignedCallback("{}", nonce: callback.nonce)).status == 409)
                }
            }
            try daemon.kill()
            daemon = try DaemonProcess(in: home, settings)
        }
        #expect(try storedEvents(in: home).map(\.nonce) == callbacks[..<50].map(\.nonce))
        // With room again, what was turned away gets in.
        try daemon.kill()
        daemon = try DaemonProcess(in: home)
        for callback in callbacks[50...] { #expect(try daemon.post(callback).text.contains(#""stored""#)) }
    }

    /// A repeat that comes when its timestamp has left the window is still known.
    @Test("what was stored is known when it is late, too") func lateRepeat() throws {
        let home = try DaemonHome()
        let callback = try SignedCallback("{}", timestamp: String(time(nil) - 200))
        let wide = try DaemonProcess(in: home, Settings(endpoint: ["tolerance": "\"300s\""]))
        #expect(try wide.post(callback).status == 200)
        #expect(try wide.stop() == .exited(0))
        let narrow = try DaemonProcess(in: home, Settings(endpoint: ["tolerance": "\"10s\""]))
        #expect(try narrow.post(callback).text.contains("duplicate"))
        let other = try SignedCallback("[]", nonce: callback.nonce, timestamp: callback.timestamp)
        #expect(try narrow.post(other).status == 409)
        #expect(try narrow.post(SignedCallback("{}", timestamp: callback.timestamp)).status == 401)
        #expect(try storedEvents(in: home).count == 1)
    }
}

@Suite("Secrets and timestamps") struct SecretAndTimestampTests {
    /// B22: while a secret is replaced, both are right, in whatever order they stand.
    @Test("two secrets are both accepted", arguments: [["secret", "second"], ["second", "secret"]])
    func rotation(_ order: [String]) throws {
        let home = try DaemonHome()
        try home.directory.write("the other one\n", to: "second")
        let daemon = try DaemonProcess(in: home, Settings(secrets: order))
        #expect(try daemon.post(SignedCallback("{}")).status == 200)
        #expect(try daemon.post(SignedCallback("{}", secret: "the other one")).status == 200)
        // One newline in the file is its editor's, not the secret's.
        #expect(try daemon.post(SignedCallback("{}", secret: "the other one\n")).status == 401)
        #expect(try daemon.post(SignedCallback("{}", secret: "a third")).status == 401)
        #expect(try daemon.post(SignedCallback("{}", secret: "")).status == 401)
    }

    /// B23: seconds, in plain decimal. All of these are rightly signed.
    struct Timestamp: CustomTestStringConvertible, Sendable {
        let why: String, text: @Sendable (_ now: Int) -> String, status: Int
        var testDescription: String { why }

        init(_ why: String, _ status: Int, _ text: @escaping @Sendable (Int) -> String) {
            (self.why, self.text, self.status) = (why, text, status)
        }
    }

    static let timestamps: [Timestamp] = [
        .init("now", 200) { "\($0)" },
        .init("well within the window", 200) { "\($0 - 290)" },
        .init("ahead of our clock, within the window", 200) { "\($0 + 290)" },
        .init("just outside of the window", 401) { "\($0 - 301)" },
        .init("far ahead", 401) { "\($0 + 320)" },
        .init("milliseconds", 401) { "\($0)000" },
        .init("microseconds", 401) { "\($0)000000" },
        .init("a fraction", 401) { "\($0).0" },
        .init("ISO 8601", 401) { _ in "2021-10-18T17:49:13Z" },
        .init("a minus", 401) { "-\($0)" },
        .init("a plus", 401) { "+\($0)" },
        .init("a leading zero", 401) { "0\($0)" },
        .init("hexadecimal", 401) { "0x" + String($0, radix: 16) },
        .init("an exponent", 401) { "\($0)e0" },
        .init("a blank within", 401) { "\($0) 0" },
        .init("zero", 401) { _ in "0" },
        .init("nothing", 401) { _ in "" },
        .init("digits of another script", 401) { _ in "١٦٣٤٥٧٩٣٥٣" },
        .init("the largest of 64 bits", 401) { _ in "9223372036854775807" },
        .init("one more than 64 bits", 401) { _ in "18446744073709551616" },
        .init("now plus 2^64", 401) { "1844674407" + "\(3_709_551_616 + $0)" },
        .init("a thousand digits", 401) { _ in String(repeating: "1", count: 1000) },
    ]

    @Test("a timestamp counts seconds") func timestamps() throws {
        let daemon = try DaemonProcess()
        for row in Self.timestamps {
            let callback = try SignedCallback("{}", timestamp: row.text(time(nil)))
            let answer = try daemon.post(callback)
            #expect(answer.status == row.status, "\(row.why): \(callback.timestamp.prefix(40)) \(answer.text)")
        }
        #expect(try storedEvents(in: daemon.home).count == Self.timestamps.count { $0.status == 200 })
    }
}
