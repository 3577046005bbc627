// Asks a running daemon by its admin listener.

import ArgumentParser
import Daemon
import Glibc

/// A daemon's admin listener.
final class AdminClient: Answering {
    /// The most of an answer that is kept: a list holds 1000 rows at most.
    private static let answerLimitBytes = 64 << 20

    let place: AdminPlace
    private let base: String
    let headers: [(name: String, value: String)]
    private let client: HTTPClient

    /// - Parameter waits: whether an answer may take any time, as that to a backup.
    init(_ place: AdminPlace, token: String?, waits: Bool) throws {
        self.place = place
        var headers = [(name: "Content-Type", value: "application/json")]
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        self.headers = headers
        base = "http://" + (place.socketPath == nil ? place.text : "localhost")
        do {
            client = try HTTPClient(
                timeoutMilliseconds: waits ? 0 : 30_000, bodyLimitBytes: Self.answerLimitBytes, socket: place.socketPath
            )
        } catch {
            throw failure("\(error)")
        }
    }

    /// Whether somebody listens there.
    var isListening: Bool {
        guard let path = place.socketPath else {
            return (try? client.get(headers: headers, from: base + "/healthz")) != nil
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(probe) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, length) }
        }
        // Whoever must not connect should be told so, and not that nobody is there.
        return result == 0 || (errno != ECONNREFUSED && errno != ENOENT)
    }

    /// The URL of what is asked for.
    func url(of request: AdminRequest) -> String { base + request.target }

    /// Asks, where it is no surprise that nobody answers.
    func tryToAsk(_ request: AdminRequest) throws(HTTPClientError) -> AdminReply {
        let answer =
            switch request.method {
            case .get: try client.get(headers: headers, from: url(of: request))
            case .post: try client.post(request.body, headers: headers, to: url(of: request))
            }
        return AdminReply(status: answer.status, body: answer.text)
    }

    func ask(_ request: AdminRequest) throws -> AdminReply {
        do {
            return try tryToAsk(request)
        } catch {
            throw failure("no answer from hookd at \(escapingControls(place.text)): \(error)", .unreachable)
        }
    }

    func close() {}
}
