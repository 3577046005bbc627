// What HTTP allows besides the plain request, and the daemon must take.

import Glibc
import Testing

@Suite("Requests in every form that HTTP allows", .daemon()) struct ConnectionTests {
    private func stored(_ answer: Answer) -> Bool { answer.status == 200 && answer.text.contains(#""stored""#) }

    private func chunked(_ callback: SignedCallback, _ pieces: [ArraySlice<UInt8>]) -> [UInt8] {
        let head = callback.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        var request = Array("POST /callbacks HTTP/1.1\r\nHost: x\r\n\(head)Transfer-Encoding: chunked\r\n\r\n".utf8)
        for piece in pieces {
            request += Array("\(String(piece.count, radix: 16));a=b\r\n".utf8) + piece + Array("\r\n".utf8)
        }
        return request + Array("0\r\nTrailer: x\r\n\r\n".utf8)
    }

    @Test("a chunked body") func chunkedBody() throws {
        let daemon = try SharedDaemon.current
        let callback = try SignedCallback.unique()
        let request = chunked(callback, [callback.body[..<1], callback.body[1..<20], callback.body[20...]])
        #expect(stored(try daemon.connect().exchange(request)))
        #expect(try storedEvents(in: daemon.home).contains { $0.body == callback.body })
    }

    @Test("a byte at a time") func dribble() throws {
        let daemon = try SharedDaemon.current
        let connection = try daemon.connect(), other = try daemon.connect()
        for byte in try SignedCallback.unique().request() {
            try connection.send([byte])
            // An answer on another connection: by then the loop has read the byte, and not two at once.
            #expect(try other.exchange(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 404)
        }
        #expect(stored(try connection.answer()))
    }

    @Test("bytes that arrived while the daemon was suspended are read before a deadline counts") func suspended() throws
    {
        let daemon = try DaemonProcess(Settings(limits: ["body_timeout": "\"1s\""]))
        defer { try? daemon.kill() }
        // Whether the deadlines or the arrivals are looked at first is a matter of luck, so it is tried more than once.
        for _ in 0..<3 {
            let connection = try daemon.connect()
            let request = try SignedCallback.unique().request()
            try connection.send(Array(request.dropLast(10)))
            // An answer on another connection: by then the loop has read what was sent.
            #expect(try daemon.connect().exchange(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)).status == 404)
            daemon.process.signal(SIGSTOP)
            try connection.send(Array(request.suffix(10)))
            // Long enough for the deadline to pass. On a machine so busy that it had passed before the stop, the
            // refusal is there already, and says nothing.
            let isSilent = connection.isSilent(milliseconds: 1300)
            daemon.process.signal(SIGCONT)
            if isSilent { #expect(stored(try connection.answer())) }
        }
    }

    @Test("Expect: 100-continue") func expectation() throws {
        let connection = try SharedDaemon.current.connect()
        let callback = try SignedCallback.unique()
        let request = callback.request(adding: ["Expect: 100-continue"])
        try connection.send(Array(request.dropLast(callback.body.count)))
        #expect(try connection.answer().status == 100)
        try connection.send(callback.body)
        #expect(stored(try connection.answer()))
    }

    @Test("Expect: 100-continue is answered at once where the body is not wanted") func expectationRefused() throws {
        let connection = try SharedDaemon.current.connect()
        let callback = try SignedCallback.unique()
        let request = callback.request(path: "/nowhere", adding: ["Expect: 100-continue"])
        try connection.send(Array(request.dropLast(callback.body.count)))
        #expect(try connection.answer().status == 404)
    }

    @Test("pipelined requests are answered in their order") func pipeline() throws {
        let connection = try SharedDaemon.current.connect()
        let first = try SignedCallback.unique(), second = try SignedCallback("{}", secret: "wrong")
        let third = try SignedCallback.unique()
        try connection.send([first, second, first, third].flatMap { $0.request() })
        #expect(try connection.answer().text.contains(#""stored","id":"\#(first.id)""#))
        #expect(try connection.answer().status == 401)
        #expect(try connection.answer().text == #"{"status":"duplicate","id":"\#(first.id)"}"#)
        #expect(try connection.answer().text.contains(#""stored","id":"\#(third.id)""#))
    }

    @Test("a hundred requests in one write") func manyInOneWrite() throws {
        let connection = try SharedDaemon.current.connect()
        let callbacks = try (0..<100).map { _ in try SignedCallback.unique() }
        try connection.send(callbacks.flatMap { $0.request() })
        for callback in callbacks {
            #expect(try connection.answer().text.contains(#""stored","id":"\#(callback.id)""#))
        }
    }

    @Test("a sender that half-closes gets its answer, and then the end") func halfClose() throws {
        let connection = try SharedDaemon.current.connect()
        try connection.send(try SignedCallback.unique().request())
        connection.endSending()
        #expect(stored(try connection.answer()))
        #expect(try connection.readToEnd().isEmpty)
    }

    @Test("Connection: close is kept") func close() throws {
        let connection = try SharedDaemon.current.connect()
        let answer = try connection.exchange(try SignedCallback.unique().request(adding: ["Connection: close"]))
        #expect(stored(answer))
        #expect(answer.field("connection") == "close")
        #expect(try connection.readToEnd().isEmpty)
    }

    @Test("HTTP/1.0 closes behind the answer") func oldVersion() throws {
        let connection = try SharedDaemon.current.connect()
        let request = String(decoding: try SignedCallback.unique().request(), as: UTF8.self)
        #expect(stored(try connection.exchange(Array(request.replacing("HTTP/1.1", with: "HTTP/1.0").utf8))))
        #expect(try connection.readToEnd().isEmpty)
    }

    @Test("HEAD is refused without a body, and the connection stays usable") func head() throws {
        let connection = try SharedDaemon.current.connect()
        try connection.send("HEAD /callbacks HTTP/1.1\r\nHost: x\r\n\r\n")
        let answer = try connection.answer(isHead: true)
        #expect(answer.status == 405)
        #expect(answer.field("allow") == "POST")
        #expect(stored(try connection.exchange(try SignedCallback.unique().request())))
    }

    @Test("other ways to write the same request") func otherWays() throws {
        let daemon = try SharedDaemon.current
        let paths = ["/callbacks?x=1", "/%63allback%73", "http://example.com/callbacks"]
        for path in paths {
            #expect(stored(try daemon.post(SignedCallback.unique(), path: path)), "\(path)")
        }
        var callback = try SignedCallback.unique()
        callback.algorithm = nil  // as Sinch's older callbacks come
        #expect(stored(try daemon.post(callback)))
        callback = try SignedCallback.unique()
        callback.algorithm = "hmacsha256"
        #expect(stored(try daemon.post(callback)))
        let upper = String(decoding: try SignedCallback.unique().request(), as: UTF8.self)
            .replacing("x-sinch-webhook", with: "X-SINCH-Webhook").replacing(": ", with: ":\t ")
        #expect(stored(try daemon.connect().exchange(Array(upper.utf8))))
    }

    @Test("an empty line before a request is no request") func emptyLine() throws {
        let connection = try SharedDaemon.current.connect()
        #expect(stored(try connection.exchange(Array("\r\n".utf8) + SignedCallback.unique().request())))
    }
}

/// B19: whoever is slow is told so, or let go, and holds up nobody.
@Suite("Slow senders") struct SlowSenderTests {
    private func slow(_ limit: String) throws -> DaemonProcess {
        try DaemonProcess(Settings(limits: [limit: "\"100ms\""]))
    }

    /// What is sent of a request, and no more.
    enum Half: String, CaseIterable, Sendable {
        case head, body, chunk

        var text: String {
            let head = "POST /callbacks HTTP/1.1\r\nHost: x\r\n"
            return switch self {
            case .head: head
            case .body: head + "Content-Length: 5\r\n\r\nab"
            case .chunk: head + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"
            }
        }
    }

    @Test("half a request is answered 408", arguments: Half.allCases) func half(_ half: Half) throws {
        let daemon = try slow(half == .head ? "header_timeout" : "body_timeout")
        let connection = try daemon.connect()
        try connection.send(half.text)
        let answer = try connection.answer()
        #expect(answer.status == 408)
        #expect(answer.text.contains(#""status":"DEADLINE_EXCEEDED""#))
        connection.endSending()
        #expect(try connection.readToEnd().isEmpty)
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
    }

    @Test("an idle connection is closed without a word") func idle() throws {
        let daemon = try slow("idle_timeout")
        let connection = try daemon.connect()
        #expect(try connection.exchange(SignedCallback.unique().request()).status == 200)
        #expect(try connection.readToEnd().isEmpty)
    }

    @Test("beside a hundred stalled connections others are served") func stalled() throws {
        let daemon = try DaemonProcess()
        let stalled = try (0..<100).map { _ in try daemon.connect() }
        for (index, connection) in stalled.enumerated() {
            try connection.send(try Array(SignedCallback.unique().request().prefix(index * 3)))
        }
        for _ in 0..<100 { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
    }
}
