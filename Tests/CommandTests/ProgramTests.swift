// The program as scripts see it: arguments in, lines and an exit status out.

import Foundation
import Testing

@testable import hookd

@Suite("hookd", .timeLimit(.minutes(1))) struct ProgramTests {
    struct Ending: Equatable { var status: Int32, output: String, errors: String }

    /// The program lies beside the test bundle.
    private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "hookd")

    private func program(_ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        // The test process ignores SIGPIPE, and a child would inherit that.
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal=PIPE", Self.program.path] + arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        return process
    }

    private func start(_ arguments: [String], environment: [String: String] = [:]) throws -> (Process, Pipe, Pipe) {
        let process = program(arguments, environment: environment)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output, errors)
    }

    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Ending {
        let (process, output, errors) = try start(arguments, environment: environment)
        let outputText = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Ending(status: process.terminationStatus, output: outputText, errors: errorText)
    }

    @Test("says its version") func version() throws {
        #expect(try run(["--version"]) == Ending(status: 0, output: "0.1.0\n", errors: ""))
    }

    @Test(
        "has help with an example for every command",
        arguments: [
            [], ["serve"], ["check"], ["send"], ["tail"], ["status"], ["health"], ["reload"], ["replay"], ["backup"],
            ["selftest"],
            ["dead-letters"], ["dead-letters", "list"], ["dead-letters", "show"], ["dead-letters", "release"],
            ["dead-letters", "drop"], ["quarantine"], ["quarantine", "list"], ["quarantine", "show"],
            ["quarantine", "release"], ["quarantine", "drop"],
        ])
    func help(_ command: [String]) throws {
        let ending = try run(command + ["--help"])
        #expect(ending.status == 0)
        #expect(ending.output.contains("EXAMPLES\n  hookd \(command.first ?? "")"))
        #expect(ending.output.split(separator: "\n").prefix { !$0.hasPrefix("USAGE") }.allSatisfy { $0.count <= 80 })
    }

    @Test(
        "ends with 64 where it cannot follow its arguments",
        arguments: [
            ["nonsense"],
            ["send"],
            ["send", "http://127.0.0.1:1/"],
            ["send", "ftp://127.0.0.1/", "--secret-env", "SECRET"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "MISSING"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "EMPTY"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--secret-file", "/dev/null"],
            ["send", "http://127.0.0.1:1/", "--secret-file", "/dev/null"],
            ["send", "http://127.0.0.1:1/", "--secret-file", "/nonexistent"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--sample", "nonsense"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--sample", "a", "--body", "b"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--body", "/nonexistent"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--fault", "nonsense"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--nonce", "a\r\nx-evil: 1"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--repeat", "0"],
            ["send", "http://127.0.0.1:1/", "--secret-env", "SECRET", "--repeat", "2", "--nonce", "n"],
            ["tail", "--since", "yesterday"],
            ["tail", "--lines", "-1"],
            ["dead-letters", "release"],
            ["dead-letters", "drop", "1", "--all"],
            ["dead-letters", "drop", "0"],
            ["dead-letters", "drop", "1", "--sink", "crm"],
            ["quarantine", "drop", "--all"],
            ["replay", "--all"],
            ["replay", "--sink", "crm"],
            ["replay", "--sink", "crm", "--since", "yesterday"],
            ["replay", "--sink", "crm", "--type", ""],
            ["backup"],
            ["selftest", "--cycles", "0"],
            ["selftest", "--clients", "0"],
            ["selftest", "--ready-within", "soon"],
        ]) func wrongUsage(_ arguments: [String]) throws
    {
        let ending = try run(arguments, environment: ["SECRET": "s3cret-value", "EMPTY": ""])
        #expect(ending.status == 64)
        #expect(ending.output == "" && ending.errors != "")
        #expect(!ending.errors.contains("s3cret-value"))
    }

    @Test("replay asks for less than everything, or for everything, and says which was meant") func allOrSome() throws {
        let ending = try run(["replay", "--sink", "crm", "--all", "--type", "message_inbound"])
        #expect(ending.status == 64 && ending.errors.contains("--all goes with none of --since"))
    }

    @Test("replay names the types that there are, on one line, before it asks anybody") func unknownType() throws {
        let ending = try run(["replay", "--sink", "crm", "--type", "mesage\u{1B}_inbound", "--config", "/nonexistent"])
        #expect(ending.status == 64 && ending.output == "")
        #expect(
            ending.errors.hasPrefix(
                #"hookd: --type: "mesage\u001b_inbound" is no type of event; expected one of message_inbound, "#))
        #expect(ending.errors.hasSuffix("unknown, invalid_json (did you mean \"message_inbound\"?).\n"))
        #expect(ending.errors.count { $0 == "\n" } == 1)
    }

    @Test("ends with 69 where nobody answers") func unreachable() throws {
        let (descriptor, port) = try boundSocket()
        defer { close(descriptor) }
        let ending = try run(
            ["send", "http://127.0.0.1:\(port)/", "--secret-env", "SECRET"], environment: ["SECRET": "x"])
        #expect(ending.status == 69)
        #expect(ending.errors.hasPrefix("hookd: no answer from http://127.0.0.1:\(port)/: "))
    }

    @Test(
        "send prints the answer and ends with what it means",
        arguments: [
            ("200 OK", #"{"status":"stored"}"#, [], 0, "200 {\"status\":\"stored\"}\n"),
            ("503 Service Unavailable", "{}", [], 75, "503 {}\n"),
            ("401 Unauthorized", "{}", [], 1, "401 {}\n"),
            ("302 Found", "", [], 1, "302 \n"),
            ("200 OK", "\u{1B}[31m\n", [], 0, "200 \\u001b[31m\\n\n"),
            ("401 Unauthorized", "{}", ["--fault", "forged"], 0, nil),
            ("200 OK", "{}", ["--fault", "forged"], 1, nil),
            ("503 Service Unavailable", "{}", ["--fault", "forged"], 75, nil),
            ("200 OK", #"{"status":"stored"}"#, ["--fault", "replay"], 1, nil),
            ("200 OK", #"{"status":"duplicate"}"#, ["--fault", "replay"], 0, nil),
        ] as [(String, String, [String], Int32, String?)])
    func send(_ status: String, _ body: String, _ options: [String], _ exit: Int32, _ output: String?) throws {
        let server = try OneAnswerServer(status: status, body: body)
        let url = "http://127.0.0.1:\(server.port)/callbacks"
        let ending = try run(["send", url, "--secret-env", "SECRET"] + options, environment: ["SECRET": "x"])
        #expect(ending.status == exit)
        if let output { #expect(ending.output == output) }
    }

    @Test(
        "send signs what it sends, past any proxy",
        arguments: [
            ("env", "foo_secret1234"), ("file", "foo_secret1234"), ("file", "foo_secret1234\n"),
            ("file", "foo_secret1234\r\n"),
        ]) func signs(_ source: String, _ secret: String) throws
    {
        let server = try OneAnswerServer(status: "200 OK", body: "")
        let file = FileManager.default.temporaryDirectory.appending(path: "hookd-secret-\(UUID().uuidString)").path
        try Data(secret.utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let arguments = [
            "send", "http://127.0.0.1:\(server.port)/callbacks?a=b", "--body", "-",
            "--nonce", "01FJA8B4A7BM43YGWSG9GBV067", "--timestamp", "1634579353",
            "--secret-\(source)", source == "env" ? "SECRET" : file,
        ]
        let environment = ["SECRET": secret, "http_proxy": "http://127.0.0.1:1"]
        #expect(try run(arguments, environment: environment).status == 0)
        let lines = try #require(server.requests.first).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.first == "POST /callbacks?a=b HTTP/1.1")
        // printf .01FJA8B4A7BM43YGWSG9GBV067.1634579353 | openssl dgst -sha256 -hmac foo_secret1234 -binary | base64
        #expect(lines.contains("x-sinch-webhook-signature: LAno4LgU5m5H2+rWTTlWn9YoEDfiuujOwWTrfe8JMdo="))
        #expect(lines.contains("x-sinch-webhook-signature-nonce: 01FJA8B4A7BM43YGWSG9GBV067"))
        #expect(lines.contains("x-sinch-webhook-signature-timestamp: 1634579353"))
        #expect(lines.contains("x-sinch-webhook-signature-algorithm: HmacSHA256"))
        #expect(lines.contains("content-type: application/json"))
    }

    @Test("send --repeat gives each callback a nonce of its own") func repeats() throws {
        let server = try OneAnswerServer(status: "200 OK", body: "")
        let url = "http://127.0.0.1:\(server.port)/"
        let ending = try run(
            ["send", url, "--secret-env", "SECRET", "--repeat", "3", "--json"], environment: ["SECRET": "x"])
        let answers = try ending.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(answers.map { $0["status"] as? Int } == [200, 200, 200])
        #expect(Set(answers.map { $0["nonce"] as? String }).count == 3)
        #expect(server.requests.count == 3)
    }

    @Test("tail names the store that is not there") func missingStore() throws {
        let ending = try run(["tail", "--state-directory", "/nonexistent"])
        #expect(ending.status == 1)
        #expect(ending.errors.contains("/nonexistent"))
    }

    @Test("tail ends with 78 without a configuration") func missingConfiguration() throws {
        #expect(try run(["tail", "--config", "/nonexistent/config.json"]).status == 78)
    }

    @Test("tail finds the store through the configuration, and prints JSON off a terminal") func tail() throws {
        let fixture = try StoreFixture()
        try fixture.add(12)
        let configuration = fixture.directory + "/config.json"
        try Data(#"{"state_directory": "."}"#.utf8).write(to: URL(filePath: configuration))
        let ending = try run(["tail", "--config", configuration])
        #expect(ending.status == 0 && ending.errors == "")
        let lines = ending.output.split(separator: "\n")
        #expect(lines.count == 10 && lines.allSatisfy { $0.hasPrefix(#"{"specversion":"1.0","#) })
    }

    @Test("tail ends in silence where nobody reads") func closedPipe() throws {
        let fixture = try StoreFixture()
        try fixture.add(1)
        let process = program(["tail", "--state-directory", fixture.directory])
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try output.fileHandleForReading.close()
        try process.run()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && process.terminationReason == .exit && complaints.isEmpty)
    }

    @Test("tail --follow prints what comes, and ends in silence when nobody reads any more") func follow() throws {
        let fixture = try StoreFixture()
        try fixture.add(1)
        let (process, output, errors) = try start(["tail", "--state-directory", fixture.directory, "--follow"])
        try expectLine(from: output, sequence: 1)
        try fixture.add(1)
        try expectLine(from: output, sequence: 2)
        try output.fileHandleForReading.close()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && process.terminationReason == .exit && complaints.isEmpty)
    }

    @Test("tail fails where its output does not fit: an export that is cut must not look whole") func fullDisk() throws
    {
        let fixture = try StoreFixture()
        try fixture.add(1)
        let process = program(["tail", "--state-directory", fixture.directory])
        let errors = Pipe()
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        process.standardError = errors
        try process.run()
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(complaint.contains("No space left on device"))
    }

    private func expectLine(from pipe: Pipe, sequence: Int) throws {
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let more = try #require(try pipe.fileHandleForReading.read(upToCount: 1), "the output ended")
            line += more
        }
        let event = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
        #expect(Int(event["sequence"] as? String ?? "") == sequence)
    }
}
