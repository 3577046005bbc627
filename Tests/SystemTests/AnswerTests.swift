// B12: which failure gets which status, over a real socket, a row each.

import Foundation
import Testing

@Suite("Every failure has its status", .daemon(Settings(limits: ["body": "\"4KiB\"", "headers": "\"2KiB\""])))
struct AnswerTests {
    /// A request and what it is answered.
    struct Row: CustomTestStringConvertible, Sendable {
        let why: String
        let status: Int
        /// The word of google.rpc.Code.
        let word: String
        /// What the message must hold.
        let message: String
        let request: @Sendable () throws -> [UInt8]

        var testDescription: String { why }

        init(
            _ why: String, _ status: Int, _ word: String, _ message: String = "",
            _ request: @escaping @Sendable () throws -> [UInt8]
        ) {
            (self.why, self.status, self.word, self.message, self.request) = (why, status, word, message, request)
        }
    }

    private static func callback(_ change: (inout SignedCallback) throws -> Void) throws -> [UInt8] {
        var callback = try SignedCallback.unique()
        try change(&callback)
        return callback.request()
    }

    private static func signed(nonce: String) throws -> [UInt8] { try SignedCallback("{}", nonce: nonce).request() }

    private static func plain(_ lines: String...) -> [UInt8] {
        Array((lines + ["Host: x", "", ""]).joined(separator: "\r\n").utf8)
    }

    private static let signature = "x-sinch-webhook-signature"
    private static let long = String(repeating: "a", count: 5000)

    static let unauthenticated: [Row] = [
        .init("no signature", 401, "UNAUTHENTICATED", "\(signature) is missing") {
            try SignedCallback.unique().request(without: signature)
        },
        .init("no timestamp", 401, "UNAUTHENTICATED", "\(signature)-timestamp is missing") {
            try SignedCallback.unique().request(without: signature + "-timestamp")
        },
        .init("no nonce", 401, "UNAUTHENTICATED", "\(signature)-nonce is missing") {
            try SignedCallback.unique().request(without: signature + "-nonce")
        },
        .init("two signatures", 401, "UNAUTHENTICATED", "\(signature) came more than once") {
            let callback = try SignedCallback.unique()
            return callback.request(adding: ["X-Sinch-Webhook-Signature: \(callback.signature)"])
        },
        .init("two timestamps", 401, "UNAUTHENTICATED", "more than once") {
            let callback = try SignedCallback.unique()
            return callback.request(adding: ["\(signature)-timestamp: \(callback.timestamp)"])
        },
        .init("two nonces", 401, "UNAUTHENTICATED", "more than once") {
            let callback = try SignedCallback.unique()
            return callback.request(adding: ["\(signature)-nonce: \(callback.nonce)"])
        },
        .init("two algorithms", 401, "UNAUTHENTICATED", "more than once") {
            try SignedCallback.unique().request(adding: ["\(signature)-algorithm: HmacSHA256"])
        },
        .init("a signature in hexadecimal", 401, "UNAUTHENTICATED", "base64") {
            try callback {
                $0.signature = try hmac(
                    $0.body, nonce: $0.nonce, timestamp: $0.timestamp, secret: DaemonHome.secret
                ).hexadecimal()
            }
        },
        .init("a signature without padding", 401, "UNAUTHENTICATED", "base64") {
            try callback { $0.signature.removeLast() }
        },
        .init("an empty signature", 401, "UNAUTHENTICATED", "base64") { try callback { $0.signature = "" } },
        .init("a wrong signature", 401, "UNAUTHENTICATED", "does not match") {
            try SignedCallback("{}", secret: "another").request()
        },
        .init("an empty secret's signature", 401, "UNAUTHENTICATED", "does not match") {
            try SignedCallback("{}", secret: "").request()
        },
        .init("an unknown algorithm", 401, "UNAUTHENTICATED", "algorithm") {
            try callback { $0.algorithm = "HmacSHA1" }
        },
        .init("no algorithm at all", 401, "UNAUTHENTICATED", "algorithm") { try callback { $0.algorithm = "none" } },
        .init("an empty algorithm", 401, "UNAUTHENTICATED", "algorithm") { try callback { $0.algorithm = "" } },
        .init("a dot in the nonce", 401, "UNAUTHENTICATED", "-nonce is not") { try signed(nonce: "01.02") },
        .init("a blank in the nonce", 401, "UNAUTHENTICATED", "-nonce is not") { try signed(nonce: "01 02") },
        .init("an empty nonce", 401, "UNAUTHENTICATED", "-nonce is not") { try signed(nonce: "") },
        .init("a nonce of 129 characters", 401, "UNAUTHENTICATED", "-nonce is not") {
            try signed(nonce: String(repeating: "n", count: 129))
        },
        .init("a late callback", 401, "UNAUTHENTICATED", "outside the time window") {
            try SignedCallback("{}", timestamp: String(time(nil) - 400)).request()
        },
        .init("a callback from the future", 401, "UNAUTHENTICATED", "outside the time window") {
            try SignedCallback("{}", timestamp: String(time(nil) + 400)).request()
        },
    ]

    static let malformed: [Row] = [
        .init("no such endpoint", 404, "NOT_FOUND") { try SignedCallback.unique().request(path: "/callback") },
        .init("an endpoint with a slash behind", 404, "NOT_FOUND") {
            try SignedCallback.unique().request(path: "/callbacks/")
        },
        .init("a way around", 404, "NOT_FOUND") { try SignedCallback.unique().request(path: "/x/../callbacks") },
        .init("an encoded slash", 404, "NOT_FOUND") {
            try SignedCallback.unique().request(path: "/x%2F..%2Fcallbacks")
        },
        .init("GET", 405, "UNIMPLEMENTED") { plain("GET /callbacks HTTP/1.1") },
        .init("OPTIONS for the server as a whole", 405, "UNIMPLEMENTED") { plain("OPTIONS * HTTP/1.1") },
        .init("OPTIONS", 405, "UNIMPLEMENTED") { plain("OPTIONS /callbacks HTTP/1.1") },
        .init("TRACE", 405, "UNIMPLEMENTED") { plain("TRACE /callbacks HTTP/1.1") },
        .init("CONNECT", 405, "UNIMPLEMENTED") { plain("CONNECT example.com:443 HTTP/1.1") },
        .init("PUT", 405, "UNIMPLEMENTED") { plain("PUT /callbacks HTTP/1.1", "Content-Length: 0") },
        .init("a compressed body", 415, "INVALID_ARGUMENT") {
            try SignedCallback.unique().request(adding: ["Content-Encoding: gzip"])
        },
        .init("a body beyond the limit", 413, "INVALID_ARGUMENT") {
            try SignedCallback([UInt8](repeating: 0x20, count: 4097)).request()
        },
        .init("a length beyond the limit, and no body", 413, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length: 99999999999")
        },
        .init("a length beyond 64 bits", 413, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length: 99999999999999999999999")
        },
        .init("a long target", 414, "INVALID_ARGUMENT") { plain("POST /\(long) HTTP/1.1") },
        .init("a large header", 431, "INVALID_ARGUMENT") { plain("POST /callbacks HTTP/1.1", "X: \(long)") },
        .init("101 headers", 431, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", Array(repeating: "A: b", count: 101).joined(separator: "\r\n"))
        },
        .init("no HTTP", 400, "INVALID_ARGUMENT") { Array("hello\r\n\r\n".utf8) },
        .init("no Host", 400, "INVALID_ARGUMENT") { Array("GET /callbacks HTTP/1.1\r\n\r\n".utf8) },
        .init("two Hosts", 400, "INVALID_ARGUMENT") { plain("GET /callbacks HTTP/1.1", "Host: y") },
        .init("a bare LF", 400, "INVALID_ARGUMENT") { Array("GET /callbacks HTTP/1.1\nHost: x\n\n".utf8) },
        .init("a space before the colon", 400, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length : 0")
        },
        .init("a folded header", 400, "INVALID_ARGUMENT") { plain("GET /callbacks HTTP/1.1", "X: a", " b") },
        .init("a length with a sign", 400, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length: +5")
        },
        .init("two lengths", 400, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length: 5", "Content-Length: 6")
        },
        .init("length and chunks", 400, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked")
        },
        .init("a chunk's size with 0x", 400, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Transfer-Encoding: chunked") + Array("0x1\r\na\r\n0\r\n\r\n".utf8)
        },
        .init("an unknown expectation", 417, "INVALID_ARGUMENT") {
            plain("POST /callbacks HTTP/1.1", "Expect: 200-ok", "Content-Length: 2")
        },
        .init("an unknown transfer coding", 501, "UNIMPLEMENTED") {
            plain("POST /callbacks HTTP/1.1", "Transfer-Encoding: zip")
        },
        .init("HTTP/2.0", 505, "UNIMPLEMENTED") { plain("GET /callbacks HTTP/2.0") },
    ]

    @Test("refused:", arguments: unauthenticated + malformed) func refused(_ row: Row) throws {
        let connection = try SharedDaemon.current.connect()
        let answer = try connection.exchange(try row.request())
        #expect(answer.status == row.status)
        #expect(answer.field("content-type") == "application/json")
        #expect(answer.field("allow") == (row.status == 405 ? "POST" : nil))
        #expect(answer.field("www-authenticate") == (row.status == 401 ? "Sinch-Webhook-Signature" : nil))
        #expect(answer.field("accept-encoding") == (row.status == 415 ? "identity" : nil))
        let body = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: [String: Any]])
        #expect(body.keys.elementsEqual(["error"]))
        let error = try #require(body["error"])
        #expect(Set(error.keys) == ["code", "message", "status", "details"])
        #expect(error["code"] as? Int == row.status)
        #expect(error["status"] as? String == row.word)
        #expect((error["details"] as? [Any])?.isEmpty == true)
        let message = try #require(error["message"] as? String)
        #expect(!message.isEmpty && (row.message.isEmpty || message.contains(row.message)))
        // Where the end of the request is unknown, or not worth waiting for, so is the beginning of the next.
        if ![401, 404, 405, 415].contains(row.status) {
            #expect(answer.field("connection") == "close")
            connection.endSending()
            #expect(try connection.readToEnd().isEmpty)
        }
    }
}
