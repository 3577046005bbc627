// The bodies of hookd's answers: what became of a callback, or an error in the shape of Sinch's own.

import HTTP

/// Makes answers. Their texts are hookd's own: nothing of a request is ever echoed.
enum Answers {
    /// How long a sender is asked to wait before it tries again, in seconds.
    static let retryAfterSeconds = 2

    /// The callback is on disk.
    static func stored(id: UnsafeRawBufferPointer, sequence: Int64) -> Response {
        var body: [UInt8] = []
        body.reserveCapacity(112)
        body.append("{\"status\":\"stored\",\"id\":\"")
        body.append(hexadecimal: id)
        body.append("\",\"sequence\":\"")
        body.append(decimal: Int(sequence), width: 19)
        body.append("\"}")
        return Response(status: 200, body: body)
    }

    /// The callback was on disk already.
    static func duplicate(id: UnsafeRawBufferPointer) -> Response {
        var body: [UInt8] = []
        body.append("{\"status\":\"duplicate\",\"id\":\"")
        body.append(hexadecimal: id)
        body.append("\"}")
        return Response(status: 200, body: body)
    }

    /// An error with the status word that google.rpc.Code has for it, as Sinch's own API answers.
    ///
    /// - Parameter retryAfterSeconds: how long the sender is asked to wait; nil for what is usual with the status.
    static func error(_ status: Int, _ message: String, retryAfterSeconds: Int? = nil) -> Response {
        let text = """
            {"error":{"code":\(status),"message":"\(message)","status":"\(statusWord(of: status))","details":[]}}
            """
        return Response(
            status: status, body: Array(text.utf8),
            retryAfterSeconds: retryAfterSeconds ?? (status == 503 ? Self.retryAfterSeconds : nil),
            allow: status == 405 ? "POST" : nil, challenge: status == 401 ? "Sinch-Webhook-Signature" : nil,
            acceptEncoding: status == 415 ? "identity" : nil)
    }

    /// The word of google.rpc.Code for a status code.
    static func statusWord(of status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 405, 501, 505: "UNIMPLEMENTED"
        case 408: "DEADLINE_EXCEEDED"
        case 409: "ALREADY_EXISTS"
        case 429: "RESOURCE_EXHAUSTED"
        case 500: "INTERNAL"
        case 503: "UNAVAILABLE"
        default: "INVALID_ARGUMENT"
        }
    }
}

extension [UInt8] {
    /// Appends the bytes as lower-case hexadecimal digits.
    mutating func append(hexadecimal bytes: UnsafeRawBufferPointer) {
        append(addingCapacity: bytes.count * 2) { output in
            for byte in bytes {
                output.append(Self.hexadecimalDigit(byte >> 4))
                output.append(Self.hexadecimalDigit(byte & 15))
            }
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
