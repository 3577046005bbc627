// The client's end of a TLS connection, and the wire between the two ends: arrays of bytes.

import CTLSClient
import Glibc
import TestAuthority
import Testing

@testable import Server

extension Issued {
    /// As an identity of a server, with other certificates behind it.
    func identity(behind: [Issued] = [], key: Issued? = nil) -> TLSIdentity {
        TLSIdentity(
            certificate: Array((certificate + behind.map(\.certificate).joined()).utf8), certificateName: "site.pem",
            key: Array((key ?? self).key.utf8), keyName: "site.key")
    }
}

/// What a client is like.
struct ClientOptions {
    var versions: ClosedRange<Int32> = 0x0303...0x0304
    var ciphers: String?
    var serverName: String?
    var protocols: [String] = []
    var issuers: String?
    var shows: Issued?
}

/// Something to resume a session with.
final class ResumptionTicket {
    fileprivate let ticket: OpaquePointer

    fileprivate init(_ ticket: OpaquePointer) { self.ticket = ticket }

    deinit { ctls_ticket_free(ticket) }
}

/// A client, and a server's session that it is connected with.
final class TLSLink {
    /// What the server received, in plain text.
    var received: [UInt8] = []
    /// What became of the last bytes that the server got.
    var progress = TLSProgress.needsMore
    /// What became of the last bytes that the client got.
    var clientProgress = CTLS_WAITING
    /// All that the server sent, encrypted.
    var sentByServer: [UInt8] = []
    let server: TLSSession
    private let client: OpaquePointer
    private var toClient: [UInt8] = []

    init(
        _ context: TLSContext, _ options: ClientOptions = ClientOptions(), ticket: ResumptionTicket? = nil,
        hours: Int64 = 0
    )
        throws
    {
        let now = TLSLink.start + hours * 3_600_000_000_000
        server = try #require(context.makeSession(monotonicNanoseconds: now))
        let protocols = options.protocols.map { String(UnicodeScalar(UInt8($0.utf8.count))) + $0 }.joined()
        let strings = [
            options.ciphers, options.serverName, protocols.isEmpty ? nil : protocols, options.issuers,
            options.shows?.certificate, options.shows?.key,
        ]
        let made = withStrings(strings) {
            var all = ctls_options()
            (all.minimum_version, all.maximum_version) = (options.versions.lowerBound, options.versions.upperBound)
            (all.ciphers, all.server_name, all.protocols, all.issuers) = ($0[0], $0[1], $0[2], $0[3])
            (all.certificate, all.key) = ($0[4], $0[5])
            return ctls_client_new(&all, ticket?.ticket)
        }
        client = try #require(made)
        clientProgress = ctls_client_take(client, nil, 0)
    }

    deinit { ctls_client_free(client) }

    /// Hands bytes to and fro until neither side has any, cut to pieces of `piece` bytes on their way.
    @discardableResult
    func run(piece: Int = .max) -> TLSLink {
        while true {
            let toServer = sentByClient()
            if toServer.isEmpty, toClient.isEmpty { return self }
            cut(toServer, piece) { give($0) }
            let bytes = toClient
            toClient = []
            cut(bytes, piece) { clientProgress = ctls_client_take(client, $0, $0.count) }
        }
    }

    /// Gives the server bytes, whoever they are of.
    func give(_ bytes: [UInt8]) {
        var scratch = [UInt8](repeating: 0, count: 16 << 10)
        var output: [UInt8] = []
        bytes.withUnsafeBytes { bytes in
            var rest = bytes
            repeat {
                progress = scratch.withUnsafeMutableBytes { server.receive(&rest, into: $0, output: &output) }
                guard case .plaintext(let count) = progress else { break }
                received += scratch[..<count]
            } while true
            if progress == .needsMore { #expect(rest.isEmpty, "all was taken") }
        }
        sentByServer += output
        toClient += output
    }

    /// What the client wants to send, taken off it.
    func sentByClient() -> [UInt8] { drain { ctls_client_sent(client, $0, $1) } }

    /// What the client received, in plain text, taken off it.
    func receivedByClient() -> [UInt8] { drain { ctls_client_received(client, $0, $1) } }

    /// Has the client say something, if it still may.
    @discardableResult
    func say(_ bytes: [UInt8]) -> Bool { ctls_client_send(client, bytes, bytes.count) }

    /// Has the server say something.
    func answer(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { server.send($0, output: &toClient) } }

    func closeClient() { ctls_client_close(client) }

    func closeServer() { server.close(output: &toClient) }

    /// Another handshake in TLS 1.2, other keys in TLS 1.3.
    func renegotiate() { #expect(ctls_client_renegotiate(client)) }

    var clientIsReady: Bool { ctls_client_is_ready(client) }
    var clientIsResumed: Bool { ctls_client_is_resumed(client) }
    var clientVersion: String { String(cString: ctls_client_version(client)) }
    var clientCipher: String { String(cString: ctls_client_cipher(client)) }
    var clientError: String { String(cString: ctls_client_error(client)) }
    var ticket: ResumptionTicket? { ctls_client_ticket(client).map(ResumptionTicket.init) }
    var shownName: String { text { ctls_client_server_name(client, $0, $1) } }
    var agreedProtocol: String { text { ctls_client_protocol(client, $0, $1) } }

    /// The failure that the server saw.
    var failure: TLSFailure? { if case .failed(let failure) = progress { failure } else { nil } }

    /// When tickets' keys are made, for hours to be counted from.
    private static let start: Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000
    }()

    private func cut(_ bytes: [UInt8], _ piece: Int, _ body: ([UInt8]) -> Void) {
        for start in stride(from: 0, to: bytes.count, by: min(piece, max(bytes.count, 1))) {
            body(Array(bytes[start..<min(bytes.count, start + min(piece, bytes.count))]))
        }
    }

    private func drain(_ take: (UnsafeMutableRawPointer, Int) -> Int) -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = piece.withUnsafeMutableBytes { $0.baseAddress.map { take($0, 64 << 10) } ?? 0 }
            if count == 0 { return all }
            all += piece[..<count]
        }
    }

    private func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
        textFromC(capacity: 256, fill)
    }
}
