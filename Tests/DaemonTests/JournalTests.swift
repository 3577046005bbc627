// What goes to systemd's journal, and what happens where there is none.

import Dispatch
import Foundation
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite("The journal") struct JournalTests {
    /// A journal that keeps what it gets, and lines beside it.
    private final class Journal: Sendable {
        private let kept = Mutex<[[String]]>([])
        let isThere = Atomic<Bool>(true)
        /// Journald does not read while this is taken.
        let reads = DispatchSemaphore(value: 1)
        let lines = Pipe()
        let writer: Mutex<JournalWriter?> = Mutex(nil)

        var entries: [[String]] { kept.withLock { $0 } }

        func take(_ fields: [String]) -> Bool {
            guard isThere.load(ordering: .relaxed) else { return false }
            reads.wait()
            reads.signal()
            kept.withLock { $0.append(fields) }
            return true
        }

        func logger(level: LogLevel = .info) -> Logger {
            var settings = Configuration.Log()
            settings.level = level
            let lines = LineLogHandler(settings, descriptor: self.lines.fileHandleForWriting.fileDescriptor) { 0 }
            let writer = JournalWriter { self.take($0) }
            self.writer.withLock { $0 = writer }
            return Logger(label: "hookd") { _ in JournalLogHandler(writer, otherwise: lines) }
        }

        func flush() { writer.withLock { $0 }?.flush() }

        func text() throws -> String {
            try lines.fileHandleForWriting.close()
            return String(decoding: try lines.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        }
    }

    @Test("gets fields that programs can sort by") func fields() {
        let journal = Journal()
        let log = journal.logger()
        log.log(
            .sinkPaused, level: .error, "the target turns it away",
            metadata: ["sink": "crm", "event_id": "ab", "sequence": .stringConvertible(7), "wéird key": "x"])
        log.info("plain")
        log.debug("not this")
        journal.flush()
        #expect(
            journal.entries == [
                [
                    "MESSAGE=the target turns it away", "PRIORITY=3", "SYSLOG_IDENTIFIER=hookd",
                    "MESSAGE_ID=\(LogKind.sinkPaused.messageID)", "HOOKD_EVENT_ID=ab", "HOOKD_KIND=sink_paused",
                    "HOOKD_SEQUENCE=7", "HOOKD_SINK=crm", "HOOKD_W_IRD_KEY=x",
                ],
                ["MESSAGE=plain", "PRIORITY=6", "SYSLOG_IDENTIFIER=hookd"],
            ])
    }

    @Test("gets nothing that could be taken for another field") func hostile() {
        let journal = Journal()
        let log = journal.logger()
        log.warning("a\nPRIORITY=0", metadata: ["peer": "x\nMESSAGE_ID=0\u{0}\u{1b}[31m"])
        log.warning("long", metadata: ["peer": .string(String(repeating: "x", count: 5000))])
        journal.flush()
        let fields = journal.entries.flatMap(\.self)
        #expect(fields.allSatisfy { field in field.utf8.allSatisfy { $0 >= 0x20 } && field.utf8.count < 1100 })
        #expect(
            fields.contains(#"MESSAGE=a\nPRIORITY=0"#)
                && fields.contains(#"HOOKD_PEER=x\nMESSAGE_ID=0\u0000\u001b[31m"#))
    }

    @Test("is not there: lines, as for people") func absent() throws {
        let journal = Journal()
        journal.isThere.store(false, ordering: .relaxed)
        let log = journal.logger()
        log.log(.started, level: .notice, "here", metadata: ["a": "b"])
        journal.flush()
        journal.isThere.store(true, ordering: .relaxed)
        log.info("again")
        journal.flush()
        #expect(try journal.text() == "1970-01-01T00:00:00.000Z notice here a=b\n")
        #expect(journal.entries.map { $0[0] } == ["MESSAGE=again"])
    }

    @Test("does not read: nobody waits for it, and what was lost is counted") func stuck() {
        let journal = Journal()
        let log = journal.logger()
        journal.reads.wait()
        for number in 0..<3000 { log.info("\(number)") }
        journal.reads.signal()
        journal.flush()
        #expect(journal.entries.count == 1024)
        // The first may be taken up when some are lost already.
        let lost = journal.entries.flatMap(\.self).compactMap { field in
            field.hasPrefix("HOOKD_LINES_LOST=") ? Int(field.dropFirst("HOOKD_LINES_LOST=".count)) : nil
        }
        #expect(lost.reduce(0, +) == 1976 && lost.count <= 2)
        log.info("after")
        journal.flush()
        #expect(journal.entries.last == ["MESSAGE=after", "PRIORITY=6", "SYSLOG_IDENTIFIER=hookd"])
    }

    @Test("is chosen where stderr leads there, and nowhere else") func choice() throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        var status = stat()
        #expect(fstat(descriptor, &status) == 0)
        func isJournal(_ stream: String?) -> Bool {
            DaemonLog.isJournal(descriptor, environment: stream.map { ["JOURNAL_STREAM": $0] } ?? [:])
        }
        #expect(isJournal("\(status.st_dev):\(status.st_ino)"))
        for other in [
            nil, "", ":", "1", "\(status.st_dev):\(status.st_ino + 1)", "\(status.st_dev):\(status.st_ino):1",
        ] {
            #expect(!isJournal(other), "\(other ?? "nothing")")
        }
    }

    // MARK: The catalogue

    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The entries of systemd/hookd.catalog, by their ids.
    private func catalogue() throws -> [String: String] {
        let text = try String(contentsOf: root.appending(path: "systemd/hookd.catalog"), encoding: .utf8)
        var entries: [String: String] = [:]
        for part in "\n\(text)".components(separatedBy: "\n-- ").dropFirst() {
            let lines = part.split(separator: "\n", maxSplits: 1)
            #expect(entries[String(lines[0])] == nil, "\(lines[0]) twice")
            entries[String(lines[0])] = lines.count > 1 ? String(lines[1]) : ""
        }
        return entries
    }

    @Test("each kind is listed, with its id, where operators look it up") func listed() throws {
        let page = try String(contentsOf: root.appending(path: "docs/operating.md"), encoding: .utf8)
        let subjects = try catalogue().mapValues { entry in
            entry.split(separator: "\n").first.map { $0.dropFirst("Subject: ".count) } ?? ""
        }
        for kind in LogKind.allCases {
            let subject = try #require(subjects[kind.messageID])
            #expect(page.contains("| `\(kind)` | \(subject) | `\(kind.messageID)` |"))
        }
    }

    @Test("each kind of event has an id of its own, and a text in the catalogue; nothing else has") func kinds() throws
    {
        let catalogue = try catalogue()
        let ids = LogKind.allCases.map(\.messageID)
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.wholeMatch(of: #/[0-9a-f]{32}/#) != nil })
        #expect(Set(catalogue.keys) == Set(ids))
        for kind in LogKind.allCases {
            let entry = try #require(catalogue[kind.messageID], "\(kind)")
            let (head, text) = try #require(
                entry.firstRange(of: "\n\n").map { (entry[..<$0.lowerBound], entry[$0.upperBound...]) })
            #expect(head.hasPrefix("Subject: ") && head.contains("\nDefined-By: hookd"), "\(kind): \(head)")
            #expect(text.split(separator: "\n").joined().count > 60, "\(kind) says what to do")
            for name in entry.matches(of: #/@([A-Z_]+)@/#).map(\.1) {
                #expect(name.hasPrefix("HOOKD_"), "\(kind): \(name)")
            }
        }
    }
}
