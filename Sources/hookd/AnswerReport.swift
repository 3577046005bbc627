// What `hookd send` prints: for people a line per answer, for programs a JSON object per line.

import Daemon

struct AnswerReport {
    var fault: Fault?
    var asJSON: Bool

    /// Says what is about to be done wrong.
    func begin(_ fault: Fault) {
        guard !asJSON else { return }
        Output.standard.write(line: "\(fault.rawValue): \(fault.explanation)")
    }

    func show(_ answer: HTTPAnswer, to attempt: Attempt) {
        Output.standard.write(line: asJSON ? json(answer, attempt) : text(answer, attempt))
    }

    /// Says whether the receiver stood the test.
    func end(asExpected: Bool) {
        guard !asJSON else { return }
        Output.standard.write(line: asExpected ? "as expected" : "NOT as expected")
    }

    private func text(_ answer: HTTPAnswer, _ attempt: Attempt) -> String {
        let line = "\(answer.status) \(escapingControls(answer.text))"
        guard fault != nil else { return line }
        return "\(line)\n  expected: \(attempt.expectation.text)"
    }

    private func json(_ answer: HTTPAnswer, _ attempt: Attempt) -> String {
        var members = [
            ("status", String(answer.status)),
            ("body", quoted(answer.text)),
            ("nonce", quoted(attempt.callback.nonce)),
            ("timestamp", quoted(attempt.callback.timestamp)),
        ]
        if let fault {
            members += [
                ("fault", quoted(fault.rawValue)),
                ("expected", quoted(attempt.expectation.text)),
                ("as_expected", String(attempt.expectation.isMet(by: answer))),
            ]
        }
        return "{" + members.map { "\(quoted($0)):\($1)" }.joined(separator: ",") + "}"
    }
}
