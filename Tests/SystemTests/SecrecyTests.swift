// B3, B16: neither a secret nor a code that would have been right leaves the daemon. B25: nothing from outside
// writes to the terminal or forges a line.

import Foundation
import Glibc
import Testing

@Suite("What must not be seen") struct SecrecyTests {
    /// Refused callbacks, each with the signature that would have been right for it.
    private func forgeries() throws -> [(callback: SignedCallback, expected: [String])] {
        try (0..<20).map { index in
            var callback = try SignedCallback.unique()
            let code = try hmac(
                callback.body, nonce: callback.nonce, timestamp: callback.timestamp, secret: DaemonHome.secret)
            switch index % 4 {
            case 0: callback.signature = try SignedCallback("{}").signature
            case 1: callback.signature = "short"
            case 2: callback.algorithm = "HmacSHA1"
            default: callback.signature = ""
            }
            return (callback, [String(code.base64.prefix(6)), String(code.hexadecimal().prefix(6))])
        }
    }

    @Test("secrets and expected codes, at the most talkative log level") func secrets() throws {
        var settings = Settings(secrets: ["secret", "second"], sinks: RoundTripTests.sinks)
        settings.logLevel = "trace"
        let home = try DaemonHome()
        try home.directory.write("canary-two-f0rW4rd", to: "second")
        let daemon = try DaemonProcess(in: home, settings)
        var answers = ""
        let forgeries = try forgeries()
        for forgery in forgeries {
            let answer = try daemon.post(forgery.callback)
            #expect(answer.status == 401)
            answers += answer.text + answer.fields.map { "\($0.name): \($0.value)\n" }.joined()
        }
        #expect(try daemon.post(SignedCallback("{}", timestamp: "1634579353")).status == 401)
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        let commandLine = contents(of: "/proc/\(daemon.process.pid)/cmdline")
        #expect(!commandLine.isEmpty)
        #expect(try daemon.stop() == .exited(0))

        let errors = try daemon.process.errors.toEnd()
        for expected in forgeries.flatMap(\.expected) {
            #expect(!answers.contains(expected) && !errors.contains(expected), "expected code \(expected)")
        }
        let written = files(under: home.statePath) + [home.eventsPath]
        #expect(written.count >= 3)
        let seen = [("answers", answers), ("stderr", errors), ("stdout", try daemon.process.output.toEnd())]
        let places =
            seen.map { ($0.0, Array($0.1.utf8)) } + [("command line", commandLine)]
            + written.map { ($0, contents(of: $0)) }
        for secret in [DaemonHome.secret, "canary-two-f0rW4rd"] {
            let hexadecimal = secret.utf8.map { String($0, radix: 16) }.joined()
            for text in [secret, hexadecimal, Data(secret.utf8).base64EncodedString()] {
                for (place, bytes) in places {
                    #expect(bytes.firstRange(of: Array(text.utf8)) == nil, "a secret in \(place)")
                }
            }
        }
    }

    @Test("a crash leaves no image of the memory") func coreDumps() throws {
        let daemon = try DaemonProcess()
        let limits = String(decoding: contents(of: "/proc/\(daemon.process.pid)/limits"), as: UTF8.self)
        #expect(limits.contains(#/Max core file size +0 +0/#), "\(limits)")
    }

    /// A line that looks like the daemon's own, a clear screen, and text that runs backwards.
    static let attack =
        "\u{1B}[2J\u{1B}]0;owned\u{07}\r\n2026-01-01T00:00:00.000Z error forged\u{202E}\u{2028}\u{85}\u{9B}31m\u{200F}"

    @Test("escape sequences, line ends and bidi marks from outside") func injection() throws {
        var settings = Settings(sinks: RoundTripTests.sinks)
        settings.logLevel = "trace"
        let daemon = try DaemonProcess(settings)
        let escaped = String(decoding: try JSONEncoder().encode(Self.attack), as: UTF8.self)
        let bodies = [
            #"{"message":{"id":\#(escaped),"contact_message":{"text_message":{"text":\#(escaped)}}}}"#,
            #"{"message":{"id":"\u001b[2J\r\n"},"app_id":"\n\n","project_id":"\u202e"}"#,
            "\u{1B}[2J\nnot JSON\n",
        ]
        for body in bodies { #expect(try daemon.post(SignedCallback(body)).status == 200) }
        // In headers, where HTTP lets them through: everything but control characters.
        for value in ["\u{202E}\u{85}\u{9B}31m", "01\u{200F}02", "a\u{2028}b"] {
            for header in ["-nonce", "-timestamp", "-algorithm", ""] {
                let request = try SignedCallback.unique().request(
                    without: "x-sinch-webhook-signature" + header,
                    adding: ["x-sinch-webhook-signature\(header): \(value)", "User-Agent: \(value)"])
                #expect(try daemon.connect().exchange(request).status == 401)
            }
        }
        for path in ["/\u{1B}[2J", "/%1b%5b2J%0d%0a"] {
            let status = try daemon.post(SignedCallback.unique(), path: path).status
            #expect(status == 400 || status == 404)
        }
        #expect(try daemon.stop() == .exited(0))

        let errors = try daemon.process.errors.toEnd(), output = try daemon.process.output.toEnd()
        let isLow: (Unicode.Scalar) -> Bool = { $0.value < 0x20 && $0 != "\n" }
        let isHigh: (Unicode.Scalar) -> Bool = {
            (0x7F..<0xA0).contains($0.value) || "\u{202E}\u{200F}\u{2028}".unicodeScalars.contains($0)
        }
        #expect(!errors.unicodeScalars.contains { isLow($0) || isHigh($0) })
        // JSON escapes what lies below U+0020 (RFC 8259 §7); the rest of a body is the sender's, as signed.
        #expect(!output.unicodeScalars.contains(where: isLow))
        #expect(!errors.contains("error forged"))
        for line in errors.split(separator: "\n") {
            #expect(line.contains(#/^\d{4}-\d\d-\d\dT[\d:.]+Z (trace|debug|info|notice|warning|error) /#), "\(line)")
        }
        let lines = wholeLines(of: Array(output.utf8))
        #expect(lines.count == bodies.count)
        for (line, body) in zip(lines, bodies) { #expect(try EventLine(line).holds(Array(body.utf8))) }
    }

    @Test("message texts, seen through tail on a terminal") func terminal() throws {
        let daemon = try DaemonProcess()
        let escaped = String(decoding: try JSONEncoder().encode(Self.attack), as: UTF8.self)
        let body = #"{"message":{"id":"1","contact_message":{"text_message":{"text":\#(escaped)}}}}"#
        #expect(try daemon.post(SignedCallback(body)).status == 200)
        let terminal = try makeTerminal()
        defer { close(terminal.slave) }
        let seen = Collected()
        seen.read(from: terminal.master)
        let run = try SpawnedProcess(
            try hookdExecutable(), ["tail", "--state-directory", daemon.home.statePath],
            environment: ["TERM": "xterm", "NO_COLOR": "1"], stdout: terminal.path)
        #expect(try run.wait() == .exited(0))
        let text = try #require(try seen.wait("a line on the terminal") { $0.contains("\r\n") ? $0 : nil })
        #expect(text.contains("message_inbound") && text.contains("owned"), "\(text)")
        let shown = text.replacing("\r\n", with: "")  // as a terminal ends a line
        let isUnsafe: (Unicode.Scalar) -> Bool = { scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || [0x202E, 0x200F, 0x2028].contains(scalar.value)
        }
        #expect(!shown.unicodeScalars.contains(where: isUnsafe), "\(shown.debugDescription)")
        #expect(text.split(separator: "\r\n").count == 1)
    }
}
