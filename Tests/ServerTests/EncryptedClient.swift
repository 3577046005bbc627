// A client that speaks TLS over a real socket.

import CTLSClient
import Foundation
import Testing

@testable import Server

/// An encrypted connection to a server. The descriptor is closed with the object.
final class EncryptedClient {
    let plain: Client
    private let client: OpaquePointer
    private var received: [UInt8] = []
    private(set) var progress = CTLS_WAITING

    /// Connects, and has the beginning of the handshake ready to be sent.
    ///
    /// - Parameter version: as it is on the wire, such as 0x0304 for TLS 1.3.
    init(_ address: ListenAddress, version: Int32 = 0x0304) throws {
        plain = try Client(address)
        var options = ctls_options()
        (options.minimum_version, options.maximum_version) = (version, version)
        client = try #require(ctls_client_new(&options, nil))
        progress = ctls_client_take(client, nil, 0)
    }

    deinit { ctls_client_free(client) }

    /// What is to go over the wire, taken off the client.
    func pending() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = ctls_client_sent(client, &piece, piece.count)
            if count == 0 { return all }
            all += piece[..<count]
        }
    }

    /// Sends what is ready, reads some bytes, and takes them.
    ///
    /// - Returns: false at the end of the stream.
    @discardableResult
    private func step(_ what: String) throws -> Bool {
        try plain.send(pending())
        try plain.waitUntilReadable(what)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(plain.descriptor, &buffer, buffer.count)
        guard count > 0 else { return false }
        progress = ctls_client_take(client, buffer, count)
        while true {
            let count = ctls_client_received(client, &buffer, buffer.count)
            if count == 0 { return true }
            received += buffer[..<count]
        }
    }

    func handshake() throws {
        while !ctls_client_is_ready(client), progress == CTLS_WAITING {
            guard try step("handshake") else { throw ClientError(timeout: "handshake before the end") }
        }
        try plain.send(pending())
    }

    /// Encrypts and sends; the handshake must be over.
    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        #expect(ctls_client_send(client, bytes, bytes.count))
        try plain.send(pending())
    }

    /// Encrypts what `pending` then gives.
    func prepare(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(ctls_client_send(client, bytes, bytes.count))
    }

    /// Asks for new keys so many times, without a look at the answers.
    func askForNewKeys(_ times: Int) throws {
        for _ in 0..<times { #expect(ctls_client_renegotiate(client)) }
        try plain.send(pending())
    }

    /// Says that nothing more will be sent.
    func close() throws {
        ctls_client_close(client)
        try plain.send(pending())
    }

    /// Reads one answer: status and body.
    func answer() throws -> Answer {
        while true {
            if let answer = Answer(takenFrom: &received) { return answer }
            guard try step("answer") else { throw ClientError(timeout: "answer before the end") }
        }
    }

    /// Reads to the end of the stream.
    ///
    /// - Returns: whether the server had said that it sends nothing more: without that, an answer could have been cut.
    func endsInOrder() throws -> Bool {
        while try step("end of the connection") {}
        return progress == CTLS_CLOSED
    }

    /// What has come and was not taken as an answer.
    var rest: String { String(decoding: received, as: UTF8.self) }

    /// The common name of the certificate that the server showed.
    var serverName: String {
        textFromC(capacity: 256) { ctls_client_server_name(client, $0, $1) }
    }
}
