// One connection after the other: requests in order, answers in order, whatever way the bytes arrive.

import HTTP
import Server
import Testing

@Suite("A connection") struct ConnectionTests {
    let running: EchoServer

    init() throws { running = try EchoServer() }

    @Test("serves one request after the other") func keepAlive() throws {
        let client = try running.client()
        for number in 0..<5 {
            try client.send(post("/\(number)", "hello"))
            #expect(try client.answer() == (200, "post /\(number) hello"))
        }
        try client.send(post("/close"))
        #expect(try client.answer().headers["connection"] == "close")
        #expect(try client.rest() == "")
    }

    @Test("ends where the client wants it", arguments: ["1.1\r\nConnection: close", "1.0"]) func ends(_ end: String)
        throws
    {
        let client = try running.client()
        try client.send("POST /x HTTP/\(end)\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        let answer = try client.answer()
        #expect(answer == (200, "post /x hi"))
        #expect(answer.headers["connection"] == "close")
        #expect(try client.rest() == "")
    }

    @Test("hands on fields and body, however the bytes are cut") func pieces() throws {
        let request = Array(post("/fields", "hello", "X-One: two\r\n").utf8)
        for cut in 1..<request.count {
            let client = try running.client()
            try client.send(Array(request[..<cut]))
            // Answered, so the first piece was read before the second is sent.
            let other = try running.client()
            try other.send(post("/sync"))
            _ = try other.answer()
            try client.send(Array(request[cut...]))
            #expect(try client.answer() == (200, "Host=a,X-One=two,Content-Length=5"), "cut after \(cut)")
        }
    }

    @Test("answers requests sent at once in their order") func pipelining() throws {
        let client = try running.client()
        try client.send((0..<50).map { post("/\($0)", "body \($0)") }.joined())
        for number in 0..<50 { #expect(try client.answer() == (200, "post /\(number) body \(number)")) }
    }

    @Test("hands on a request only when the one before it is answered") func pipeliningLater() throws {
        let client = try running.client()
        try client.send((0..<5).map { post("/later/\($0)", "body \($0)") }.joined() + post("/last"))
        for number in 0..<5 {
            let request = try running.echo.next()
            #expect(request.body == "body \(number)")
            #expect(running.echo.targets.last == "/later/\(number)", "nothing behind it was handled")
            request.answer("answer \(number)")
            #expect(try client.answer() == (200, "answer \(number)"))
        }
        #expect(try client.answer() == (200, "post /last "))
    }

    @Test("gets its own answer, in whichever order answers come") func outOfOrder() throws {
        let clients = try (0..<20).map { _ in try running.client() }
        for (number, client) in clients.enumerated() { try client.send(post("/later", "from \(number)")) }
        let requests = try clients.map { _ in try running.echo.next() }
        for request in requests.reversed() { request.answer("to those \(request.body)") }
        for (number, client) in clients.enumerated() {
            #expect(try client.answer() == (200, "to those from \(number)"))
        }
    }

    @Test("that is half closed is still answered") func halfClosed() throws {
        for target in ["/x", "/later"] {
            let client = try running.client()
            try client.send(post(target, "hello"))
            client.finish()
            if target == "/later" { try running.echo.next().answer("post /later hello") }
            #expect(try client.answer() == (200, "post \(target) hello"))
            #expect(try client.rest() == "")
        }
    }

    @Test("that is half closed behind many requests is answered to the last") func halfClosedPipeline() throws {
        let client = try running.client()
        try client.send((0..<10).map { post("/later/\($0)") }.joined())
        client.finish()
        for number in 0..<10 { try running.echo.next().answer("\(number)") }
        for number in 0..<10 { #expect(try client.answer() == (200, "\(number)")) }
        #expect(try client.rest() == "")
    }

    @Test("that ends in the middle of a request ends it") func unfinished() throws {
        for part in ["POST /x HT", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"] {
            let client = try running.client()
            try client.send(part)
            client.finish()
            #expect(try client.rest() == "")
        }
        #expect(running.echo.targets == [])
    }

    @Test("whose client is gone takes nobody else's answer along") func gone() throws {
        let clients = try (0..<40).map { _ in try running.client() }
        for (number, client) in clients.enumerated() { try client.send(post("/later", "\(number)")) }
        let requests = try clients.map { _ in try running.echo.next() }
        for (number, client) in clients.enumerated() where !number.isMultiple(of: 4) {
            if number.isMultiple(of: 2) { client.close() } else { client.reset() }
        }
        // New ones get the descriptors of those that are gone, and wait for their first answer as those did.
        let others = try (0..<40).map { _ in try running.client() }
        for (number, client) in others.enumerated() { try client.send(post("/later", "other \(number)")) }
        let otherRequests = try others.map { _ in try running.echo.next() }
        for request in requests { request.answer("answer \(request.body)") }
        for request in otherRequests { request.answer("answer \(request.body)") }
        for (number, client) in clients.enumerated() where number.isMultiple(of: 4) {
            #expect(try client.answer() == (200, "answer \(number)"))
        }
        for (number, client) in others.enumerated() {
            #expect(try client.answer() == (200, "answer other \(number)"))
        }
    }

    @Test("takes an answer once") func answeredTwice() throws {
        let client = try running.client()
        try client.send(post("/later/1") + post("/later/2"))
        let first = try running.echo.next()
        first.answer("one")
        first.answer("one again")
        let second = try running.echo.next()
        first.answer("one once more")
        second.answer("two")
        #expect(try client.answer() == (200, "one"))
        #expect(try client.answer() == (200, "two"))
        try client.send(post("/x"))
        #expect(try client.answer() == (200, "post /x "))
    }

    @Test("tells where it comes from") func peer() throws {
        let client = try running.client()
        try client.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().body.hasPrefix("127.0.0.1:"))
    }

    @Test("answers HEAD without a body, and what follows with one") func head() throws {
        let client = try running.client()
        try client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer(toHead: true).headers["content-length"] == "8")
        try client.send(post("/y"))
        #expect(try client.answer() == (200, "post /y "))
        try client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
        #expect(try client.answer(toHead: true).status == 200)
        #expect(try client.answer() == (400, "the request line is malformed"))
    }
}
