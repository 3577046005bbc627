// docs/http.md tells what the table says. Whether nginx does what it tells, only `make test-nginx` can know.

import Foundation
import HTTP
import HTTPCases
import Testing

@Suite("docs/http.md") struct DocumentTests {
    private let text: String
    private let cases: [Case]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        text = try String(contentsOf: root.appending(path: "docs/http.md"), encoding: .utf8)
        cases = try Case.all()
    }

    /// The rows of the table beside nginx: request, hookd, nginx, why.
    private var rows: [[String]] {
        let begin = "<!-- make test-nginx writes from here … -->\n"
        guard let start = text.range(of: begin), let end = text.range(of: "<!-- … to here -->") else { return [] }
        return text[start.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2).map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    @Test("tells of hookd what the table of requests says") func isInStep() throws {
        #expect(rows.count > 100)
        let known = Dictionary(uniqueKeysWithValues: cases.map { ($0.requestText, $0) })
        for row in rows {
            try #require(row.count == 4, "\(row)")
            let request = row[0].trimmingCharacters(in: ["`"]).trimmingCharacters(in: .whitespaces)
            let found = try #require(known[request], "no row has this request: make test-nginx WRITE=1")
            #expect(row[1] == words(found.outcome), "\(found)")
            #expect(row[3] == "\(found.why) (\(found.clause))", "\(found)")
        }
    }

    /// An outcome as the document tells it.
    private func words(_ outcome: String) -> String {
        let events = outcome.replacing(/"[^"]*(\\"[^"]*)*"/, with: "").split(separator: ", ").compactMap { event in
            if event.hasSuffix("…") || event.hasSuffix("unread") || event == "nothing" { return String?.none }
            return event.contains(/^[45]\d\d\x20/) ? String(event.prefix(3)) : "taken"
        }
        return events.isEmpty ? "waits" : events.joined(separator: ", ")
    }

    @Test("has a rule for every status that a malformed request is answered with") func statuses() {
        let refused = Set(cases.flatMap { $0.outcome.matches(of: /(?:^|,\x20)([45]\d\d)\x20/).map { String($0.1) } })
        #expect(refused == ["400", "413", "414", "417", "431", "501", "505"])
        for status in refused { #expect(text.contains("| \(status) | "), "no rule of the document has \(status)") }
    }
}
