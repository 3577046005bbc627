// The PROXY protocol: a proxy that is trusted says first, once for each connection, on whose behalf it connects.

import Glibc
import HTTP

extension Shard {
    /// Takes bytes of a connection whose proxy header has not come whole. What is behind it is the client's.
    func takeProxyHeader(_ connection: Connection, _ bytes: UnsafeMutableBufferPointer<UInt8>) {
        connection.input.append(contentsOf: bytes)
        do throws(ProxyProtocolError) {
            guard case .complete(let byteCount, let source) = try proxyHeader(connection.input) else { return }
            connection.awaitsProxyHeader = false
            if let source { connection.client = source }
            guard countAddress(of: connection) else {
                connection.input = []
                return refuse(connection, status: 503, message: "there are too many connections")
            }
            var rest = Array(connection.input[byteCount...])
            connection.input = []
            guard !rest.isEmpty else { return }
            rest.withUnsafeMutableBufferPointer { arrive(connection, $0) }
        } catch {
            // Whoever it is speaks another language: there is nobody to answer.
            handler?.report(.proxyHeader(error.description), client: connection.client)
            end(connection)
        }
    }

    private func proxyHeader(_ bytes: [UInt8]) throws(ProxyProtocolError) -> ProxyProtocol.Result {
        try bytes.withUnsafeBufferPointer { bytes throws(ProxyProtocolError) in try ProxyProtocol.parse(bytes) }
    }
}
