// What a server counts of itself.

import Dispatch
import Server
import Testing

@Suite("What a server counts") struct StatisticsTests {
    @Test("answers by their status, whoever made them") func answers() throws {
        let running = try EchoServer(shards: 2)
        for request in [post("/x"), post("/x"), post("/refuse"), "nonsense\r\n\r\n"] {
            let client = try running.client()
            try client.send(request)
            _ = try client.answer()
        }
        let statistics = running.server.statistics()
        #expect(statistics.answers == [200: 2, 404: 1, 400: 1])
        #expect(statistics.answerTimes.counts.reduce(0, +) == 2, "of requests that came whole and to the handler")
    }

    @Test("connections by what they do") func connections() throws {
        let running = try EchoServer()
        let idle = try running.client(), waiting = try running.client(), reading = try running.client()
        try waiting.send(post("/later"))
        let request = try running.echo.next()
        try reading.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
        // Answered behind what the others sent, on the same shard.
        try idle.send(post("/x"))
        _ = try idle.answer()
        #expect(running.server.statistics().connections == [.idle: 1, .waiting: 1, .reading: 1])
        request.answer("done")
        _ = try waiting.answer()
        #expect(running.server.statistics().connections == [.idle: 2, .reading: 1])
    }

    @Test("a server that has ended still tells what it did, and is not waited for long") func ended() throws {
        let running = try EchoServer()
        let client = try running.client()
        try client.send(post("/x"))
        _ = try client.answer()
        client.close()
        running.server.drain(deadline: .distantFuture)
        let statistics = running.server.statistics()
        #expect(statistics.answers == [200: 1])
        #expect(statistics.connections.isEmpty)
    }
}
