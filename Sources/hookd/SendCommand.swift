// `hookd send`: a signed callback as Sinch sends it, or one that misbehaves on purpose.

import ArgumentParser
import Callbacks
import Daemon
import Samples

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sign and send a callback as Sinch does, and print the answer.",
        discussion: """
            EXAMPLES
              hookd send http://127.0.0.1:8080/callbacks --secret-file secret
              hookd send https://example.com/in --secret-env SECRET --body in.json
              hookd send http://127.0.0.1:8080/callbacks --secret-file secret \\
                --fault replay
              hookd send --list-samples

            FAULTS
            \(Fault.table)

            A secret is never an argument: every user of the machine can read those. A proxy is never used, and a \
            redirect never followed.

            EXIT STATUS
              0 if the answer was 2xx, 69 if there was none, 75 if it was 503 (try
              again), else 1. With --fault: 0 if each answer was as expected.
            """)

    @Argument(help: "Where to send it: http:// or https://, with the endpoint's path.")
    var url: String?

    @OptionGroup(title: "Secret") var secret: SecretOptions
    @OptionGroup(title: "Callback") var callback: CallbackOptions

    @Option(help: ArgumentHelp("How many callbacks to send, each with a nonce of its own.", valueName: "n"))
    var `repeat` = 1

    @Option(help: ArgumentHelp("Misbehave, and say whether that was answered as it should be.", valueName: "fault"))
    var fault: Fault?

    @Flag(help: "Print an answer as a line of JSON.")
    var json = false

    @Flag(help: "Print the names of the samples, and send nothing.")
    var listSamples = false

    func validate() throws {
        if listSamples { return }
        guard let url else { throw ValidationError("Where to? Name the URL, such as http://127.0.0.1:8080/callbacks.") }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw ValidationError("\(quoted(url)) is no URL that begins with http:// or https://.")
        }
        guard `repeat` >= 1 else { throw ValidationError("--repeat takes a number from 1.") }
        if `repeat` > 1, callback.nonce != nil {
            throw ValidationError("--repeat gives each callback a nonce of its own: leave --nonce out.")
        }
        if `repeat` > 1, fault != nil {
            throw ValidationError("--repeat and --fault exclude each other.")
        }
    }

    func run() throws {
        if listSamples {
            Output.standard.write(Sample.all.map { $0.name + "\n" }.joined())
            return
        }
        let signer = try CallbackSigner(secret: try secret.read())
        let body = try callback.body()
        let client = try HTTPClient()
        let report = AnswerReport(fault: fault, asJSON: json)
        if let fault { report.begin(fault) }
        var worst = ExitCode.success
        for _ in 0..<`repeat` {
            for attempt in try attempts(signer, body) {
                let answer = try post(attempt.callback, with: client)
                report.show(answer, to: attempt)
                if worst == .success { worst = status(of: answer, to: attempt) }
            }
        }
        if fault != nil { report.end(asExpected: worst == .success) }
        throw worst
    }

    private func attempts(_ signer: CallbackSigner, _ body: [UInt8]) throws -> [Attempt] {
        let now = WallTime.now()
        let nonce = callback.nonce ?? ULID.fresh(at: now).text
        let timestamp = callback.timestamp ?? String(now.seconds + (fault?.timestampOffset ?? 0))
        if let fault { return try fault.attempts(with: signer, body: body, nonce: nonce, timestamp: timestamp) }
        return [Attempt(try signer.sign(body, nonce: nonce, timestamp: timestamp), .stored)]
    }

    private func post(_ callback: SignedCallback, with client: HTTPClient) throws -> HTTPAnswer {
        let url = url ?? ""
        do {
            return try client.post(callback.body, headers: callback.headers, to: url)
        } catch {
            throw failure("no answer from \(escapingControls(url)): \(error)", .unreachable)
        }
    }

    private func status(of answer: HTTPAnswer, to attempt: Attempt) -> ExitCode {
        if attempt.expectation.isMet(by: answer) { return .success }
        return answer.status == 503 ? .tryAgain : .failure
    }
}
