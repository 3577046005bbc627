// The table of requests, read from the text files in Rows: what comes in, what becomes of it, and why.
//
// A row is one line of four columns, `OUTCOME | CLAUSE | REQUEST | WHY`. REQUEST is the bytes, written with \r \n \t \0
// \\ and \xNN, and {x*40} for forty times the same text; so no column holds a bar, a brace or a line end of its own.
// OUTCOME is what a connection comes to, one event behind another with `, ` between:
//
//     POST /a "body"   a request was served; "body" is left out where it is empty. `100` before the body: the client
//                      waits for it. `close` at the end: the connection ends behind it
//     400 hostInvalid  a request was refused with this status, for this RequestError; the connection is closed
//     head…, body…     a request is not whole
//     5 unread         behind the last request five bytes were left unread
//
// Lines that are empty or begin with # are for the reader.

import Foundation
import HTTP

/// One row.
public struct Case: Sendable, CustomStringConvertible {
    /// The bytes that a client sends.
    public let request: [UInt8]
    /// The same, as the row has it.
    public let requestText: String
    /// What becomes of them.
    public let outcome: String
    /// Where it is written that it should be so.
    public let clause: String
    /// What is special about it.
    public let why: String
    /// File and line of the row.
    public let place: String

    /// Where it is, what is special about it, and its bytes.
    public var description: String { "\(place): \(why): \(requestText)" }

    /// The limits that are in force for every row: small, so that a row can break them.
    public static let limits = RequestLimits(bodyBytes: 1024, headBytes: 512, fieldCount: 10)

    /// All rows of all files, in the order of their names.
    public static func all() throws -> [Case] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Rows")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.filter { $0.hasSuffix(".txt") }.flatMap { name in
            try rows(of: try String(contentsOf: folder.appending(path: name), encoding: .utf8), named: name)
        }
    }

    static func rows(of text: String, named name: String) throws -> [Case] {
        try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            if line.isEmpty || line.hasPrefix("#") { return nil }
            return try Case(line: String(line), place: "\(name):\(index + 1)")
        }
    }

    init(line: String, place: String) throws {
        let columns = line.split(separator: "|", omittingEmptySubsequences: false).map { column in
            column.drop { $0 == " " }
        }
        guard columns.count == 4 else { throw RowError(place: place, what: "\(columns.count) columns and not four") }
        // Only the blank before the bar is taken off: a request may end in others.
        let trimmed = columns.map { $0.hasSuffix(" ") ? $0.dropLast() : $0 }.map(String.init)
        self.place = place
        outcome = try expanded(trimmed[0].trimmingCharacters(in: .whitespaces), place)
        clause = trimmed[1].trimmingCharacters(in: .whitespaces)
        requestText = trimmed[2]
        why = trimmed[3]
        request = try bytes(of: try expanded(trimmed[2], place), place)
    }
}

/// A row that cannot be read.
public struct RowError: Error, CustomStringConvertible {
    let place: String
    let what: String
    /// The row, and what is wrong with it.
    public var description: String { "\(place): \(what)" }
}

/// `text` with each `{x*40}` written out.
private func expanded(_ text: String, _ place: String) throws -> String {
    let result = text.replacing(/\{([^{}]*)\*(\d+)\}/) { String(repeating: String($0.1), count: Int($0.2) ?? 0) }
    guard !result.contains(/[{}]/) else { throw RowError(place: place, what: "a brace that repeats nothing") }
    return result
}

private func bytes(of text: String, _ place: String) throws -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\") else {
            guard (0x20..<0x7f).contains(byte) else { throw RowError(place: place, what: "a byte that is no ASCII") }
            result.append(byte)
            continue
        }
        switch rest.popFirst().map({ Character(Unicode.Scalar($0)) }) {
        case "r": result.append(0x0d)
        case "n": result.append(0x0a)
        case "t": result.append(0x09)
        case "0": result.append(0)
        case "\\": result.append(UInt8(ascii: "\\"))
        case "x":
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw RowError(place: place, what: "\\x without two hexadecimal digits")
            }
            result.append(value)
            rest = rest.dropFirst(2)
        case let other: throw RowError(place: place, what: "an unknown escape \\\(other.map(String.init) ?? "")")
        }
    }
    return result
}
