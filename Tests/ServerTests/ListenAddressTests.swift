// Addresses: what they are called, and which cannot be listened on.

import Glibc
import Server
import Testing

@Suite("An address") struct ListenAddressTests {
    @Test("is told as the configuration writes it") func descriptions() {
        #expect("\(ListenAddress.tcp(host: "127.0.0.1", port: 8080))" == "127.0.0.1:8080")
        #expect("\(ListenAddress.tcp(host: "::1", port: 8080))" == "[::1]:8080")
        #expect("\(ListenAddress.unix(path: "/run/s"))" == "unix:/run/s")
    }

    @Test("with port 0 gets one from the kernel, the same on every shard") func portZero() throws {
        let running = try EchoServer([.tcp(host: "127.0.0.1", port: 0), .tcp(host: "127.0.0.1", port: 0)], shards: 3)
        guard case .tcp(let host, let port) = running.address else {
            Issue.record("not TCP")
            return
        }
        #expect(host == "127.0.0.1")
        #expect(port != 0)
        #expect(running.server.addresses[1] != running.address)
        for address in running.server.addresses {
            for _ in 0..<10 {
                let client = try Client(address)
                try client.send(post("/x"))
                #expect(try client.answer() == (200, "post /x "))
            }
        }
    }

    @Test(
        "that is no address of this machine names itself in the error",
        arguments: ["no-such-host.invalid", "300.1.1.1"])
    func noAddress(_ host: String) throws {
        #expect(try #require(startError([.tcp(host: host, port: 0)])) == ("listen on \(host):0", EADDRNOTAVAIL))
    }
}
