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
    var released: Int?
    var dropped: Int?
    var missing: Int
    var alreadyStored: Int?
    var unavailable: Int?

    enum CodingKeys: String, CodingKey {
        case released, dropped, missing, unavailable
        case alreadyStored = "already_stored"
    }
}

/// What can be done to rows, as a question begins.
enum RowChange: String {
    case release = "Release"
    case drop = "Drop"
}

/// Releases or drops the rows that were named, and says what became of them.
///
/// - Parameters:
///   - noun: what one row is.
///   - all: what is meant by `--all`, for the question.
func carryOut(
    _ change: RowChange, of noun: String, all: String, at path: String, _ options: AdminOptions,
    _ which: NumbersOptions, sink: String? = nil
) throws {
    if sink != nil, !which.all { throw failure("--sink goes with --all.", .wrongUsage) }
    try which.confirm("\(change.rawValue) \(all)?")
    let desk = try options.desk(waits: true)
    defer { desk.close() }
    let body = which.body(sink.map { ["\"sink\":\(quoted($0))"] } ?? [])
    let answer = try desk.answer(AdminRequest(.post, path: "\(path)/\(change.rawValue.lowercased())", body: body))
    let changed = try decoded(answer, as: ChangedRows.self)
    if options.json {
        Output.standard.write(answer)
    } else {
        let (count, done) = changed.released.map { ($0, "released") } ?? (changed.dropped ?? 0, "dropped")
        Output.standard.write(line: "\(counted(count, noun)) \(done)")
        if let stored = changed.alreadyStored, stored > 0 {
            Output.standard.write(line: "\(counted(stored, noun)) had been stored already")
        }
    }
    if let left = changed.unavailable, left > 0 {
        throw failure("\(counted(left, noun)) could not be stored now, and stay.", .tryAgain)
    }
    // Nothing went wrong but for the caller's idea of what there is.
    guard changed.missing > 0 else { return }
    throw failure(changed.missing == 1 ? "one number was not there." : "\(changed.missing) numbers were not there.")
}
