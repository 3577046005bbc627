// What a line of the log looks like, and that nothing from outside can look like a line.

import Foundation
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite struct LoggingTests {
    /// A logger that writes into a pipe, at 2026-11-23T18:40:00.123Z.
    private struct Capture {
        let pipe = Pipe()
        let log: Logger

        init(format: LogFormat, level: LogLevel = .info) {
            var settings = Configuration.Log()
            (settings.format, settings.level) = (format, level)
            log = settings.makeLogger(descriptor: pipe.fileHandleForWriting.fileDescriptor) { 1_795_459_200_123_456 }
        }

        /// Everything written so far. The writing end is closed.
        func text() throws -> String {
            try pipe.fileHandleForWriting.close()
            return String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        }
    }

    @Test func textForPeople() throws {
        let capture = Capture(format: .text)
        let log = capture.log
        log.info("started")
        log.warning("refused", metadata: ["peer": "10.0.0.1:5", "count": "\(3)", "why": "two words", "empty": ""])
        log.error(
            "odd", metadata: ["a": .stringConvertible(7), "eq": "a=b", "list": ["x", "y z"], "quote": #"a"b\"#])
        #expect(
            try capture.text() == #"""
                2026-11-23T18:40:00.123Z info  started
                2026-11-23T18:40:00.123Z warning refused count=3 empty="" peer=10.0.0.1:5 why="two words"
                2026-11-23T18:40:00.123Z error odd a=7 eq="a=b" list=["x","y z"] quote="a\"b\\"

                """#)
    }

    @Test func jsonForPrograms() throws {
        let capture = Capture(format: .json)
        capture.log.info(
            "a \"b\"",
            metadata: [
                "count": .stringConvertible(3), "on": .stringConvertible(true), "text": "x", "time": "mine",
                "nested": ["k": ["v", .stringConvertible(1.5)]],
            ])
        #expect(
            try capture.text() == #"{"time":"2026-11-23T18:40:00.123Z","level":"info","message":"a \"b\"","count":3,"#
                + #""nested":{"k":["v","1.5"]},"on":true,"text":"x","time_":"mine"}"# + "\n")
    }

    @Test(
        arguments: [LogFormat.text, .json],
        [
            "x\n2026-11-23T18:40:00.123Z info  forged", "\r\u{1B}[2K", "\u{9B}31m", "\u{202E}gnp.exe", "a\u{2028}b",
            "\" level=\"critical", "x\",\"level\":\"critical",
        ])
    func nothingFromOutsideLooksLikeALine(_ format: LogFormat, _ text: String) throws {
        let capture = Capture(format: format)
        capture.log.info("m \(text)", metadata: ["k": "\(text)", "\(text)": "v", "l": ["\(text)"]])
        let written = try capture.text()
        #expect(written.hasSuffix("\n"))
        let line = written.dropLast()
        #expect(!line.unicodeScalars.contains(where: isUnprintable))
        if format == .json {
            guard case .object(let members) = try JSONParser.parse(Array(line.utf8)).value else {
                Issue.record("\(line)")
                return
            }
            #expect(Set(members.map(\.key)) == ["time", "level", "message", "k", text, "l"])
            #expect(members.first { $0.key == "k" }?.value.value == .string(text))
        } else {
            #expect(line.contains(" k=\(quoted(text)) ") || line.contains(" k=\(text)"))
        }
    }

    @Test func longValuesAreCut() throws {
        let capture = Capture(format: .text)
        let long = String(repeating: "é", count: 5000)
        capture.log.info("\(long)", metadata: ["k": "\(long)"])
        let cut = String(repeating: "é", count: 1024) + "…"
        #expect(try capture.text() == "2026-11-23T18:40:00.123Z info  \(cut) k=\(cut)\n")
    }

    @Test func whatIsLessSevereIsLeftOut() throws {
        let capture = Capture(format: .text, level: .error)
        capture.log.warning("no")
        capture.log.error("yes")
        #expect(try capture.text() == "2026-11-23T18:40:00.123Z error yes\n")
    }

    @Test func whatALoggerCarriesIsOverriddenByTheMessage() throws {
        let capture = Capture(format: .text)
        var log = capture.log
        log[metadataKey: "sink"] = "crm"
        log[metadataKey: "try"] = "1"
        log.info("m", metadata: ["try": "2"])
        #expect(try capture.text() == "2026-11-23T18:40:00.123Z info  m sink=crm try=2\n")
    }

    /// A socket that keeps messages apart shows what one write(2) was. Lines of threads cannot mix then.
    @Test func aLineIsOneWrite() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let log = Configuration.Log().makeLogger(descriptor: ends[0]) { 0 }
        for number in 1...3 { log.info("message", metadata: ["n": .stringConvertible(number)]) }
        for number in 1...3 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(ends[1], &buffer, buffer.count)
            let line = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            #expect(line == "1970-01-01T00:00:00.000Z info  message n=\(number)\n")
        }
    }

    @Test func aReaderThatStoppedReadingStopsNobody() throws {
        let capture = Capture(format: .text)
        let end = capture.pipe.fileHandleForWriting.fileDescriptor
        let room = fcntl(end, 1032)  // F_GETPIPE_SZ
        for _ in 0..<room / 4096 { #expect(write(end, [UInt8](repeating: 0x2e, count: 4096), 4096) == 4096) }
        capture.log.info("lost")
        capture.log.info("lost")
        let filling = try #require(try capture.pipe.fileHandleForReading.read(upToCount: Int(room)))
        #expect(filling.count == Int(room))
        capture.log.info("read again")
        #expect(try capture.text() == "2026-11-23T18:40:00.123Z info  read again lines_lost=2\n")
    }

    @Test func whatAStrangerCanCauseIsLoggedOnceInAWhile() throws {
        let capture = Capture(format: .text)
        let start = ContinuousClock.now
        let elapsed = Mutex(Duration.zero)
        let log = RateLimitedLog(
            capture.log, interval: .seconds(10), now: { start + elapsed.withLock { $0 } })
        func refuse(at seconds: Int, _ name: String = "forged") {
            elapsed.withLock { $0 = .seconds(seconds) }
            log.log(name, level: .warning, "refused", metadata: ["at": "\(seconds)"])
        }
        refuse(at: 0)
        refuse(at: 1)
        refuse(at: 9)
        refuse(at: 9, "late")
        log.log("chatter", level: .debug, "never")
        refuse(at: 10)
        refuse(at: 11)
        log.flush()
        elapsed.withLock { $0 = .seconds(20) }
        log.flush()
        log.flush()
        refuse(at: 21)
        refuse(at: 22)
        log.flush(isFinal: true)
        #expect(
            try capture.text().replacing("2026-11-23T18:40:00.123Z warning ", with: "") == """
                refused at=0
                refused at=9
                refused at=10 suppressed=2
                more of the same were not logged class=forged suppressed=1
                refused at=21
                more of the same were not logged class=forged suppressed=1

                """)
    }

    @Test func classesMadeOfTextFromOutsideDoNotFillTheMemory() throws {
        let capture = Capture(format: .text)
        let start = ContinuousClock.now
        let log = RateLimitedLog(capture.log, now: { start })
        for number in 0..<RateLimitedLog.classLimit + 10 { log.log("class \(number)", level: .info, "m") }
        #expect(try capture.text().split(separator: "\n").count == RateLimitedLog.classLimit + 1)
    }
}
