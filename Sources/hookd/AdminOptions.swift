// How commands find whom to ask: the running daemon by its admin listener, or where none runs the store itself.

import ArgumentParser
import Daemon
import FoundationEssentials
import Store

struct AdminOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOption

    @Option(
        help: ArgumentHelp("Where the store is, without asking a configuration.", valueName: "directory"),
        completion: .directory)
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Where the daemon answers, without looking for it: unix:/path or host:port.", valueName: "address"))
    var admin: String?

    @Option(
        help: ArgumentHelp("The file that holds the admin listener's token.", valueName: "file"), completion: .file())
    var tokenFile: String?

    @Flag(help: "Print JSON, one object on a line.")
    var json = false

    /// The running daemon.
    ///
    /// - Parameter waits: whether the answer may take any time.
    func daemon(waits: Bool = false) throws -> AdminClient {
        guard let client = try reachableDaemon(waits: waits) else {
            throw failure("no hookd runs with the state directory \(quoted(try directory())).", .unreachable)
        }
        return client
    }

    /// Whoever can answer for the store: the daemon, or where none runs a desk of our own.
    func desk(waits: Bool = false) throws -> any Answering {
        if let client = try reachableDaemon(waits: waits) { return client }
        let directory = try directory()
        do throws(StoreError) {
            return OwnDesk(
                desk: try OperatorDesk(stateDirectory: directory, terms: terms()) { notice in
                    Output.error.write(line: "hookd: \(escapingControls(notice))")
                })
        } catch {
            if case .locked = error {
                throw failure(
                    escapingControls(
                        "\(error.description) It could not be asked: name its admin listener with --admin."),
                    .unreachable)
            }
            throw failure(escapingControls(error.description))
        }
    }

    /// What the sinks get, where it was the configuration that told where the store is.
    private func terms() -> [String: SinkTerms] {
        guard stateDirectory == nil else { return [:] }
        return (try? configuration.sinkTerms()) ?? [:]
    }

    /// Nil where no daemon has left word of where it is.
    func reachableDaemon(waits: Bool = false) throws -> AdminClient? {
        let part = admin == nil && stateDirectory == nil ? try configuration.adminPart() : nil
        let token = try tokenFile.map { try readToken($0) } ?? part?.token()
        if let text = admin ?? part?.listen {
            guard let place = AdminPlace(text: text), admin == nil || !place.isOpen else {
                throw failure("\(quoted(text)) is no address such as unix:/run/hookd/admin.sock.", .wrongUsage)
            }
            let client = try AdminClient(place, token: token, waits: waits)
            // Whoever names an address means this one and no store.
            if admin != nil { return client }
            if !place.isOpen { return client.isListening ? client : nil }
        }
        let note = adminNotePath(in: try directory())
        guard let bytes = try? contents(of: note) else { return nil }
        guard let place = AdminPlace(text: String(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" })) else {
            throw failure("\(quoted(note)) names no address.")
        }
        let client = try AdminClient(place, token: token, waits: waits)
        return client.isListening ? client : nil
    }

    /// Where the store is.
    func directory() throws -> String { try stateDirectory ?? configuration.stateDirectory() }
}

/// The token in a file.
func readToken(_ path: String) throws -> String {
    do {
        return String(decoding: withoutTrailingNewline(try contents(of: path)), as: UTF8.self)
    } catch {
        throw failure("\(error)", .badConfiguration)
    }
}

/// Whoever answers questions about a store.
protocol Answering {
    func ask(_ request: AdminRequest) throws -> AdminReply
    func close()
}

/// What came back.
struct AdminReply {
    var status: Int
    var body: String
}

/// The store of a daemon that does not run, asked by this command itself.
private struct OwnDesk: Answering {
    let desk: OperatorDesk

    func ask(_ request: AdminRequest) throws -> AdminReply {
        let answer = desk.answer(request)
        return AdminReply(status: answer.status, body: answer.body)
    }

    func close() { desk.close() }
}

extension Answering {
    /// Asks, and ends the command where the answer is no success.
    ///
    /// - Parameter onConflict: the status to end with where the answer is 409.
    func answer(_ request: AdminRequest, onConflict: ExitCode = .failure) throws -> String {
        let reply = try ask(request)
        guard !(200..<300).contains(reply.status) else { return reply.body }
        let message = reply.errorMessage ?? "the answer was \(reply.status): \(reply.body)"
        let status: ExitCode =
            switch reply.status {
            case 409: onConflict
            case 503: .tryAgain
            default: .failure
            }
        throw failure(escapingControls(message), status)
    }
}

extension AdminReply {
    /// What the answer says went wrong; nil where it is no error.
    var errorMessage: String? {
        struct Failure: Decodable {
            struct Details: Decodable { var message: String }
            var error: Details
        }
        return (try? JSONDecoder().decode(Failure.self, from: Data(body.utf8)))?.error.message
    }
}
