// What dead letters and quarantine have in common: showing a row, and changing some.

import ArgumentParser
import Daemon

/// Prints a row and its event.
func show<Row: NumberedRow>(
    _ type: Row.Type, at path: String, _ options: AdminOptions, text: (Row) -> String
) throws {
    let desk = try options.desk()
    defer { desk.close() }
    let body = try desk.answer(AdminRequest(.get, path: path))
    guard !options.json else {
        Output.standard.write(body)
        return
    }
    let event = try desk.answer(AdminRequest(.get, path: path + "/event"))
    Output.standard.write(text(try decoded(body, as: type)) + event.split(separator: "\n").map(escaped).joined())
}

private func escaped(_ line: Substring) -> String { escapingControls(String(line)) + "\n" }

/// How many rows were changed.
struct ChangedRows: Decodable {
    var released = 0
    var dropped = 0
    var missing: Int
    var alreadyStored: Int?
    var unavailable: Int?

    enum CodingKeys: String, CodingKey {
        case released, dropped, missing, unavailable
        case alreadyStored = "already_stored"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        released = try container.decodeIfPresent(Int.self, forKey: .released) ?? 0
        dropped = try container.decodeIfPresent(Int.self, forKey: .dropped) ?? 0
        missing = try container.decode(Int.self, forKey: .missing)
        alreadyStored = try container.decodeIfPresent(Int.self, forKey: .alreadyStored)
        unavailable = try container.decodeIfPresent(Int.self, forKey: .unavailable)
    }
}

/// Changes the rows that were named, and prints the answer where JSON is asked for.
func change(
    _ path: String, _ options: AdminOptions, _ which: NumbersOptions, sink: String? = nil
) throws -> ChangedRows {
    if sink != nil, !which.all { throw failure("--sink goes with --all.", .wrongUsage) }
    let desk = try options.desk(waits: true)
    defer { desk.close() }
    let body = which.body(sink.map { ["\"sink\":\(quoted($0))"] } ?? [])
    let answer = try desk.answer(AdminRequest(.post, path: path, body: body))
    if options.json { Output.standard.write(answer) }
    return try decoded(answer, as: ChangedRows.self)
}
