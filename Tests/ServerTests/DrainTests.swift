// Stopping: what was read is answered, then every connection is closed.

import Dispatch
import Server
import Synchronization
import Testing

@Suite("A server that stops") struct DrainTests {
    let running: EchoServer

    init() throws { running = try EchoServer() }

    /// Starts to drain on another thread.
    private func drain(until deadline: DispatchTime = .distantFuture) -> (DispatchSemaphore, Draining) {
        let done = DispatchSemaphore(value: 0)
        let draining = Draining(server: running.server)
        DispatchQueue.global().async {
            draining.run(deadline: deadline)
            done.signal()
        }
        return (done, draining)
    }

    private final class Draining: Sendable {
        let server: Server
        private let result = Mutex<Bool?>(nil)
        var isClean: Bool? { result.withLock { $0 } }

        init(server: Server) { self.server = server }

        func run(deadline: DispatchTime) {
            let isClean = server.drain(deadline: deadline)
            result.withLock { $0 = isClean }
        }
    }

    @Test("answers what it has read, says that it closes, and closes") func answers() throws {
        let waiting = try running.client()
        try waiting.send(post("/later"))
        let request = try running.echo.next()
        let idle = try running.client()
        try idle.send(post("/x"))
        _ = try idle.answer()
        let (done, draining) = drain()
        #expect(try idle.rest() == "", "nothing is waited for here")
        #expect(draining.isClean == nil, "an answer is missing")
        request.answer("answered")
        let answer = try waiting.answer()
        #expect(answer == (200, "answered"))
        #expect(answer.headers["connection"] == "close")
        #expect(try waiting.rest() == "")
        waiting.close()
        done.wait()
        #expect(draining.isClean == true)
    }

    @Test("lets a request that has begun end") func unfinished() throws {
        let client = try running.client()
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
        let sync = try running.client()
        try sync.send(post("/sync"))
        _ = try sync.answer()
        let (done, draining) = drain()
        _ = try sync.rest()
        try client.send("lo")
        let answer = try client.answer()
        #expect(answer == (200, "post /x hello"))
        #expect(answer.headers["connection"] == "close")
        client.close()
        done.wait()
        #expect(draining.isClean == true)
    }

    @Test("takes no further connection") func noFurther() throws {
        running.server.drain(deadline: .distantFuture)
        #expect(throws: ClientError.self) { try running.client() }
    }

    @Test("cuts what is open at the deadline") func deadline() throws {
        let client = try running.client()
        try client.send(post("/later"))
        let request = try running.echo.next()
        #expect(!running.server.drain(deadline: .now()))
        _ = try client.rest()
        request.answer("nobody is there")
    }
}
