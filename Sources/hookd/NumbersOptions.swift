// Which rows an operator means: numbers, or all of them, which is asked back for.

import ArgumentParser
import Daemon
import Glibc

struct NumbersOptions: ParsableArguments {
    @Argument(help: "The numbers that list prints.")
    var numbers: [Int64] = []

    @Flag(help: "All that there are.")
    var all = false

    @Flag(help: "Do not ask back.")
    var yes = false

    func validate() throws {
        guard numbers.isEmpty == all else { throw ValidationError("Name the numbers, or --all.") }
        guard numbers.allSatisfy({ $0 > 0 }) else { throw ValidationError("Numbers begin at 1.") }
    }

    /// Asks back before all are changed: at a terminal by a question, elsewhere by --yes.
    ///
    /// - Parameter question: such as `Drop all dead letters of crm?`
    func confirm(_ question: String) throws {
        guard all, !yes else { return }
        guard isatty(STDIN_FILENO) == 1, Output.error.isTerminal else {
            throw failure("\(question) Say --yes where nobody can be asked.", .wrongUsage)
        }
        Output.error.write("\(question) [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw failure("nothing was changed.")
        }
    }

    /// The body of the request.
    ///
    /// - Parameter more: further keys and values, which are JSON.
    func body(_ more: [String] = []) -> [UInt8] {
        let which = all ? "\"all\":true" : "\"numbers\":[\(numbers.map { "\($0)" }.joined(separator: ","))]"
        return Array("{\(([which] + more).joined(separator: ","))}".utf8)
    }
}

/// `1 dead letter`, `2 dead letters`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
