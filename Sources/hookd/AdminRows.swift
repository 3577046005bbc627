// Lists that come from the daemon in pieces, one JSON object a line.

import Daemon
import FoundationEssentials

/// A row of a list, with the number that the next piece begins behind.
protocol NumberedRow: Decodable {
    var number: Int64 { get }
}

/// Reads what the answer says.
func decoded<Answer: Decodable>(_ body: some StringProtocol, as type: Answer.Type) throws -> Answer {
    do {
        return try JSONDecoder().decode(type, from: Data(body.utf8))
    } catch {
        throw failure("the daemon's answer was not understood. Is it of another version?")
    }
}

/// Shows every row of a list, piece by piece, for as long as somebody reads.
///
/// - Parameter show: is given a row, and the same as a line of JSON; says whether to go on.
/// - Returns: how many rows were shown.
func eachRow<Row: NumberedRow>(
    at path: String, _ query: [String: String] = [:], of desk: any Answering, as type: Row.Type,
    _ show: (Row, _ json: String) -> Bool
) throws -> Int {
    var query = query
    var count = 0
    while true {
        let lines = try desk.answer(AdminRequest(.get, path: path, query: query)).split(separator: "\n")
        for line in lines {
            let row = try decoded(line, as: type)
            guard show(row, line + "\n") else { return count }
            query["after"] = "\(row.number)"
            count += 1
        }
        if lines.isEmpty { return count }
    }
}
