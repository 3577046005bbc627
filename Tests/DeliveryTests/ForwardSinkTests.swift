// The forward sink against a real HTTP target that records and misbehaves.

import Dispatch
import Glibc
import Store
import Synchronization
import Testing

@testable import Delivery

@Suite("Forward sink") struct ForwardSinkTests {
    private func sink(
        _ url: String, timeoutMilliseconds: Int = 30_000, _ change: (inout ForwardSettings) -> Void = { _ in }
    ) throws -> ForwardSink {
        var settings = ForwardSettings(url: url, userAgent: "hookd/test")
        settings.timeoutMilliseconds = timeoutMilliseconds
        change(&settings)
        return try ForwardSink(name: "crm", settings: settings, renderer: PlainRenderer())
    }

    /// Every byte there is, and what would be lost by who reads a body as text or as JSON.
    private static let oddBytes: [UInt8] = [UInt8](0...255) + Array(" { \"a\" : 1e400,\r\n\"a\":\"\\u00e9\" }\n\n".utf8)

    @Test("sends the body byte for byte, its attributes and its signature", arguments: ["HmacSHA256", ""])
    func binaryMode(algorithm: String) throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        var event = TestEvent(bytes: Self.oddBytes)
        event.algorithm = algorithm
        #expect(try sink(target.url).deliver(makeBatch([(7, event)])).verdict == .done)

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
        #expect(try sink(target.url).deliver(makeBatch([(1, TestEvent(bytes: body))])).verdict == .done)
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
        #expect(try sink(target.url).deliver(makeBatch([(1, event)])).verdict == .done)
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
            #expect(sink.deliver(batch, index...index).verdict == .done)
        }
        #expect(target.requests.map(\.text) == ["a", "b", "c"])
        #expect(target.connectionCount == 1)
    }

    @Test("takes 2xx for success", arguments: [200, 201, 202, 204, 299])
    func success(status: Int) throws {
        let target = try HTTPTarget([.answer(status)])
        defer { target.close() }
        let reply = try sink(target.url).deliver(makeBatch(["a"]))
        #expect(reply.verdict == .done && reply.answer == nil)
    }

    @Test("takes every other status for a failure, and tells what was said", arguments: [400, 401, 404, 429, 500, 599])
    func failure(status: Int) throws {
        let target = try HTTPTarget([.answer(status, body: "no\u{1B}[31m \r\n")])
        defer { target.close() }
        let reply = try sink(target.url).deliver(makeBatch(["a"]))
        let said = "no\\x1b[31m \\x0d\\x0a"
        #expect(
            reply.verdict.error
                == .answered(origin: "http://127.0.0.1:\(target.port)", status: status, excerpt: said))
        #expect(reply.answer == "\(status) \(said)")
    }

    @Test("B18: keeps 4 KiB of an answer, and shows 200 bytes of it in the log")
    func excerpt() throws {
        let target = try HTTPTarget([.answer(500, body: String(repeating: "x", count: 5000))])
        defer { target.close() }
        let reply = try sink(target.url).deliver(makeBatch(["a"]))
        #expect(reply.answer == "500 " + String(repeating: "x", count: 4096) + "…")
        let told = try #require(reply.verdict.error).description
        #expect(told.contains(String(repeating: "x", count: 200) + "…"))
    }

    @Test(
        "hears what the target asks for in Retry-After",
        arguments: [
            ("5", 5, "seconds"), ("0", nil, "at once"), ("3600", 3600, "an hour"), ("86400", 3600, "no more than that"),
            ("Tue, 31 Dec 2999 23:59:59 GMT", 3600, "a date"), ("Thu, 01 Jan 1970 00:00:01 GMT", nil, "a date gone by"),
            ("soon", nil, "nothing that means anything"), ("-5", nil, "nothing that means anything"),
            ("99999999999999999999", nil, "more than 64 bits"),
        ] as [(String, Int64?, String)])
    func retryAfter(value: String, seconds: Int64?, why: String) throws {
        let target = try HTTPTarget([.answer(503, headers: ["Retry-After: \(value)"])])
        defer { target.close() }
        let verdict = try sink(target.url).deliver(makeBatch(["a"])).verdict
        guard case .retry(_, let after) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(after == seconds.map { $0 * 1_000_000 }, "\(why)")
    }

    @Test("B15: follows no redirect", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) throws {
        let other = try HTTPTarget([])
        let target = try HTTPTarget([.answer(status, headers: ["Location: \(other.url)"])])
        defer {
            target.close()
            other.close()
        }
        let reply = try sink(target.url).deliver(makeBatch(["a"]))
        #expect(reply.verdict == .pause(.redirected(origin: "http://127.0.0.1:\(target.port)", status: status)))
        #expect(target.requests.count == 1 && other.requests.isEmpty)
    }

    @Test(
        "B18: hangs on no answer without end, and takes the status at its word",
        arguments: [(Face.streamBody(status: 200), true), (.streamBody(status: 500), false), (.streamHead, true)])
    func endless(face: Face, isTaken: Bool) throws {
        let target = try HTTPTarget([face])
        defer { target.close() }
        let sink = try sink(target.url)
        #expect((sink.deliver(makeBatch(["a"])).verdict == .done) == isTaken)
        try target.streamEnded.await("the stream was cut")
        #expect(target.state.withLock { $0.streamedBytes } < 16 << 20, "what the sockets hold, and not more")
        #expect(sink.deliver(makeBatch(["b"])).verdict == .done, "the next event gets a connection of its own")
    }

    @Test(
        "takes no broken answer for success but one whose status had come",
        arguments: [(Face.hangUp, false), (.breakOff(status: 200), true), (.breakOff(status: 503), false)])
    func broken(face: Face, isTaken: Bool) throws {
        let target = try HTTPTarget([face])
        defer { target.close() }
        #expect((try sink(target.url).deliver(makeBatch(["a"])).verdict == .done) == isTaken)
    }

    @Test("gives up on a target that says nothing")
    func timeout() throws {
        let target = try HTTPTarget([.stall])
        defer { target.close() }
        let reply = try sink(target.url, timeoutMilliseconds: 50).deliver(makeBatch(["a"]))
        guard case .retry(.unreachable(_, let reason), nil) = reply.verdict else {
            Issue.record("\(reply)")
            return
        }
        #expect(reason.contains("timed out"))
    }

    @Test("lets go of a target that says nothing when it is woken, and can give up the request")
    func abandoned() throws {
        let target = try HTTPTarget([.stall])
        defer { target.close() }
        let sink = try sink(target.url)
        let replies = Mutex<Int?>(nil)
        sink.send(Letter(number: 1, parts: makeBatch(["a"]).parts))
        let done = inBackground {
            let count = sink.wait(until: nil).count
            replies.withLock { $0 = count }
        }
        try target.arrived.await("the request")
        sink.wake()
        try done.await("the sink lets go")
        #expect(replies.withLock { $0 } == 0)
        sink.abandon()
        try target.stallEnded.await("the connection is closed")
        #expect(sink.deliver(makeBatch(["b"])).verdict == .done)
        #expect(target.requests.map(\.text) == ["a", "b"])
    }

    @Test(
        "B15: connects to no link-local, metadata or unspecified address",
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
        let reply = try sink(parts.joined(separator: "\(target.port)")).deliver(makeBatch(["a"]))
        guard case .retry(.addressRefused(_, let refused, _), nil) = reply.verdict else {
            Issue.record("\(reply)")
            return
        }
        #expect(refused == address)
        #expect(target.requests.isEmpty)
    }

    @Test("connects to a name that leads to this machine")
    func loopback() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        #expect(try sink("http://localhost:\(target.port)/").deliver(makeBatch(["a"])).verdict == .done)
    }

    @Test(
        "B15: connects to no address that the operator has ruled out, whatever name leads there",
        arguments: [
            ("localhost", false, [], true, "private"), ("127.0.0.1", false, [], true, "private"),
            ("localhost", true, ["127.0.0.0/8", "::1"], true, "denied"),
            ("localhost", true, ["10.0.0.0/8"], false, "not denied"),
        ])
    func ruledOut(host: String, allowsPrivate: Bool, denied: [String], isRefused: Bool, why: String) throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        let sink = try sink("http://\(host):\(target.port)/") {
            $0.addresses.allowsPrivate = allowsPrivate
            $0.addresses.denied = denied.compactMap { AddressNetwork(text: $0) }
        }
        let verdict = sink.deliver(makeBatch(["a"])).verdict
        if case .retry(.addressRefused, nil) = verdict {
            #expect(isRefused, "\(why)")
        } else {
            #expect(!isRefused && verdict == .done, "\(why): \(verdict)")
        }
        #expect(target.requests.isEmpty == isRefused)
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
            let failure = try #require(sink.deliver(makeBatch(["a"])).verdict.error)
            #expect(!failure.description.contains("s3cret"))
            #expect(failure.description.contains("http://127.0.0.1:\(target.port) "))
        }
        let requests = target.requests
        #expect(requests.count == 3 && requests.allSatisfy { $0.head.hasPrefix("POST /s3cret?token=s3cret HTTP/1.1") })
    }
}
