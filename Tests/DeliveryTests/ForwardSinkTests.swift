// The forward sink against a real HTTP target that records and misbehaves.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Forward sink") struct ForwardSinkTests {
    private func sink(_ url: String, timeoutMilliseconds: Int = 30_000) throws -> ForwardSink {
        try ForwardSink(
            name: "crm", url: url, timeoutMilliseconds: timeoutMilliseconds, userAgent: "hookd/test",
            renderer: PlainRenderer())
    }

    /// Every byte there is, and what would be lost by who reads a body as text or as JSON.
    private static let oddBytes: [UInt8] = [UInt8](0...255) + Array(" { \"a\" : 1e400,\r\n\"a\":\"\\u00e9\" }\n\n".utf8)

    @Test("sends the body byte for byte, its attributes and its signature", arguments: ["HmacSHA256", ""])
    func binaryMode(algorithm: String) throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        var event = TestEvent(bytes: Self.oddBytes)
        event.algorithm = algorithm
        #expect(try sink(target.url).take(makeBatch([(7, event)]), from: 0).count == 1)

        let request = try #require(target.requests.first)
        #expect(request.body == Self.oddBytes)
        #expect(request.head.hasPrefix("POST /sinch HTTP/1.1\r\n"))
        let sorted = request.headers.filter { !$0.hasPrefix("Accept:") }.sorted()
        let expected = [
            "Host: 127.0.0.1:\(target.port)", "User-Agent: hookd/test", "Content-Type: application/json",
            "Content-Length: \(Self.oddBytes.count)", "ce-specversion: 1.0", "ce-id: 7",
            "x-sinch-webhook-signature: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "x-sinch-webhook-signature-timestamp: 1634579353",
            "x-sinch-webhook-signature-nonce: 01FJA8B4A7BM43YGWSG9GBV067",
        ]
        let algorithmHeader = algorithm.isEmpty ? [] : ["x-sinch-webhook-signature-algorithm: \(algorithm)"]
        #expect(sorted == (expected + algorithmHeader).sorted())
    }

    @Test("sends bodies of any size", arguments: [0, 1, 1023, 1025, 70_000, 1_048_576, 1_048_577])
    func sizes(count: Int) throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try sink(target.url).take(makeBatch([(1, TestEvent(bytes: body))]), from: 0).count == 1)
        #expect(target.requests.map(\.body) == [body])
        #expect(target.requests.allSatisfy { !$0.head.contains("Expect") })
    }

    @Test("lets no value from outside end a header")
    func headerInjection() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        var event = TestEvent("a")
        event.algorithm = "HmacSHA256\r\nX-Evil: 1"
        event.nonce = "a b"
        #expect(try sink(target.url).take(makeBatch([(1, event)]), from: 0).count == 1)
        let head = try #require(target.requests.first).head
        #expect(!head.contains("Evil") && !head.contains("signature-nonce"))
    }

    @Test("keeps one connection")
    func keepAlive() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        let sink = try sink(target.url)
        let batch = makeBatch(["a", "b", "c"])
        for index in 0..<3 {
            #expect(sink.take(batch, from: index).count == 1, "one event at a time")
        }
        #expect(target.requests.map(\.text) == ["a", "b", "c"])
        #expect(target.connectionCount == 1)
    }

    @Test("takes 2xx for success", arguments: [200, 201, 202, 204, 299])
    func success(status: Int) throws {
        let target = try HTTPTarget([.answer(status)])
        defer { target.close() }
        #expect(try sink(target.url).take(makeBatch(["a"]), from: 0).failure == nil)
    }

    @Test("takes every other status for a failure", arguments: [400, 401, 404, 410, 429, 500, 503, 599])
    func failure(status: Int) throws {
        let target = try HTTPTarget([.answer(status, body: "no\u{1B}[31m \r\n")])
        defer { target.close() }
        let taken = try sink(target.url).take(makeBatch(["a"]), from: 0)
        let origin = "http://127.0.0.1:\(target.port)"
        #expect(taken.count == 0)
        #expect(taken.failure == .answered(origin: origin, status: status, excerpt: "no\\x1b[31m \\x0d\\x0a"))
    }

    @Test("follows no redirect", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) throws {
        let other = try HTTPTarget([])
        let target = try HTTPTarget([.answer(status, headers: ["Location: \(other.url)"])])
        defer {
            target.close()
            other.close()
        }
        let taken = try sink(target.url).take(makeBatch(["a"]), from: 0)
        #expect(taken.failure == .redirected(origin: "http://127.0.0.1:\(target.port)", status: status))
        #expect(target.requests.count == 1 && other.requests.isEmpty)
    }

    @Test(
        "hangs on no answer without end, and takes the status at its word",
        arguments: [(Face.streamBody(status: 200), true), (.streamBody(status: 500), false), (.streamHead, true)])
    func endless(face: Face, isTaken: Bool) throws {
        let target = try HTTPTarget([face])
        defer { target.close() }
        let sink = try sink(target.url)
        #expect((sink.take(makeBatch(["a"]), from: 0).count == 1) == isTaken)
        try target.streamEnded.await("the stream was cut")
        #expect(target.state.withLock { $0.streamedBytes } < 16 << 20, "what the sockets hold, and not more")
        #expect(sink.take(makeBatch(["b"]), from: 0).count == 1, "the next event gets a connection of its own")
    }

    @Test(
        "takes no broken answer for success but one whose status had come",
        arguments: [(Face.hangUp, false), (.breakOff(status: 200), true), (.breakOff(status: 503), false)])
    func broken(face: Face, isTaken: Bool) throws {
        let target = try HTTPTarget([face])
        defer { target.close() }
        let taken = try sink(target.url).take(makeBatch(["a"]), from: 0)
        #expect((taken.count == 1) == isTaken)
        #expect((taken.failure == nil) == isTaken)
    }

    @Test("gives up on a target that says nothing")
    func timeout() throws {
        let target = try HTTPTarget([.stall])
        defer { target.close() }
        let taken = try sink(target.url, timeoutMilliseconds: 50).take(makeBatch(["a"]), from: 0)
        guard case .unreachable(_, let reason) = taken.failure else {
            Issue.record("\(taken)")
            return
        }
        #expect(reason.contains("timed out"))
    }

    @Test("can be interrupted while the target says nothing, and stays so")
    func interrupted() throws {
        let target = try HTTPTarget([.stall])
        defer { target.close() }
        let sink = try sink(target.url)
        let taken = Mutex(Taken(0))
        let done = inBackground {
            let result = sink.take(makeBatch(["a"]), from: 0)
            taken.withLock { $0 = result }
        }
        try target.arrived.await("the request")
        sink.interrupt()
        try done.await("the sink lets go")
        #expect(taken.withLock { $0.failure } == .interrupted)
        #expect(sink.take(makeBatch(["a"]), from: 0).failure == .interrupted)
        #expect(target.requests.count == 1)
    }

    @Test(
        "connects to no link-local, metadata or unspecified address",
        arguments: [
            ("http://169.254.169.254/latest/meta-data", "169.254.169.254"), ("http://0.0.0.0:%/", "0.0.0.0"),
            ("http://0:%/", "0.0.0.0"), ("http://0xa9fea9fe/", "169.254.169.254"),
            ("http://[fd00:ec2::254]/", "fd00:ec2::254"), ("http://[::]:%/", "::"),
            ("http://[::ffff:169.254.169.254]/", "::ffff:169.254.169.254"),
        ])
    func forbidden(url: String, address: String) throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        // Where an address leads to this machine, there is a target that would take the event.
        let parts = url.split(separator: "%", omittingEmptySubsequences: false)
        let taken = try sink(parts.joined(separator: "\(target.port)")).take(makeBatch(["a"]), from: 0)
        guard case .addressRefused(_, let refused) = taken.failure else {
            Issue.record("\(taken)")
            return
        }
        #expect(refused == address)
        #expect(target.requests.isEmpty)
    }

    @Test("connects to a name that leads to this machine")
    func loopback() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        #expect(try sink("http://localhost:\(target.port)/").take(makeBatch(["a"]), from: 0).failure == nil)
    }

    @Test(
        "is not made for a URL that it cannot send to",
        arguments: [
            ("", "empty"), ("crm.example.com/sinch", "no scheme"), ("ftp://crm.example.com/", "a scheme libcurl knows"),
            ("file:///etc/passwd", "a file"), ("gopher://crm.example.com/", "smuggles bytes"), ("http://", "no host"),
            ("http://crm.example.com:99999/", "no port"), ("http://exa mple/", "a blank"),
        ])
    func invalidURL(url: String, why: String) {
        let error = #expect(throws: SinkError.self, "\(why)") { try sink(url) }
        guard case .urlInvalid = error else {
            Issue.record("\(why): \(error as Any)")
            return
        }
    }

    @Test("tells no secret of a URL when it fails")
    func secrets() throws {
        let target = try HTTPTarget([.hangUp, .answer(500), .answer(302)])
        defer { target.close() }
        let sink = try sink("http://s3cret:s3cret@127.0.0.1:\(target.port)/s3cret?token=s3cret#s3cret")
        for _ in 0..<3 {
            let failure = try #require(sink.take(makeBatch(["a"]), from: 0).failure)
            #expect(!failure.description.contains("s3cret"))
            #expect(failure.description.contains("http://127.0.0.1:\(target.port) "))
        }
        #expect(target.requests.allSatisfy { $0.head.hasPrefix("POST /s3cret?token=s3cret HTTP/1.1") })
    }
}
