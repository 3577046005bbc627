// What `hookd send` signs, and with which secret.

import ArgumentParser
import Daemon
import Samples

struct SecretOptions: ParsableArguments {
    @Option(
        name: .customLong("secret-env"),
        help: ArgumentHelp("The environment variable that holds the secret.", valueName: "name"))
    var variableName: String?

    @Option(
        name: .customLong("secret-file"),
        help: ArgumentHelp(
            "The file that holds the secret. A newline at its end is not part of it.", valueName: "file"),
        completion: .file())
    var path: String?

    /// The secret's bytes.
    func read() throws -> [UInt8] {
        let secret: [UInt8]
        switch (variableName, path) {
        case (let name?, nil):
            secret = Array((variable(name) ?? "").utf8)
            if secret.isEmpty {
                throw failure("the environment variable \(quoted(name)) holds no secret.", .wrongUsage)
            }
        case (nil, let path?):
            secret = withoutTrailingNewline(try argument(path))
            if secret.isEmpty { throw failure("the file \(quoted(path)) holds no secret.", .wrongUsage) }
        default:
            throw failure("name the secret by one of --secret-file and --secret-env.", .wrongUsage)
        }
        return secret
    }
}

struct CallbackOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The sample to send; --list-samples names them.", valueName: "name"),
        completion: .list(Sample.all.map(\.name)))
    var sample: String?

    @Option(
        name: .customLong("body"),
        help: ArgumentHelp("The file to send, byte for byte; - for stdin.", valueName: "file"),
        completion: .file())
    var bodyPath: String?

    @Option(help: ArgumentHelp("The nonce. (default: a new ULID)", valueName: "text"))
    var nonce: String?

    @Option(help: ArgumentHelp("The timestamp, in seconds since 1970. (default: now)", valueName: "seconds"))
    var timestamp: String?

    static let defaultSample = "message_inbound.text"

    func validate() throws {
        if sample != nil, bodyPath != nil { throw ValidationError("--sample and --body exclude each other.") }
        for (name, value) in [("--nonce", nonce), ("--timestamp", timestamp)] {
            if let value, value != escapingControls(value) {
                throw ValidationError("\(name) \(quoted(value)) cannot stand in a header.")
            }
        }
    }

    /// The bytes to sign.
    func body() throws -> [UInt8] {
        if let bodyPath { return try argument(bodyPath) }
        let name = sample ?? Self.defaultSample
        guard let sample = Sample.named(name) else {
            throw failure("there is no sample \(quoted(name)): see hookd send --list-samples.", .wrongUsage)
        }
        return Array(sample.body)
    }
}

private func argument(_ path: String) throws -> [UInt8] {
    do {
        return try contents(of: path)
    } catch {
        throw failure("\(error).", .wrongUsage)
    }
}

/// Editors end a line, and the line's end is not part of the secret: as in the configuration.
func withoutTrailingNewline(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    if bytes.last == UInt8(ascii: "\n") {
        bytes.removeLast()
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    return bytes
}
