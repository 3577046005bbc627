// What a callback costs in each room of the daemon. `Benchmarks/run` counts the instructions of these loops.
//
//     hookd-benchmarks parser|verification|event|store|tls COUNT
//     hookd-benchmarks mismatch-BYTE COUNT
//     hookd-benchmarks fill|open|commits|read COUNT DIRECTORY
//     hookd-benchmarks forward-single|forward-concurrent|forward-batched COUNT

import Callbacks
import Dispatch
import Events
import Glibc
import HTTP
import Samples
import Store

/// A signed callback as it comes over the wire.
struct WireCallback {
    let bytes: [UInt8]
    let body: Range<Int>

    /// The sample message, signed at `signedAt` under `nonce`; with a signature that is wrong in its byte `wrongByte`.
    init(key: HMACKey, nonce: String, signedAt: Int64, wrongByte: Int? = nil) throws {
        let body = Sample.named("message_inbound.rcs_2024")?.body ?? []
        let timestamp = Array("\(signedAt)".utf8)
        let nonceBytes = Array(nonce.utf8)
        var signature = try key.code(body: body.span, nonce: nonceBytes.span, timestamp: timestamp.span)
        if let wrongByte { signature.bytes[wrongByte] ^= 1 }
        let head = """
            POST /callbacks HTTP/1.1\r
            Host: hooks.example.com\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            x-sinch-webhook-signature-algorithm: HmacSHA256\r
            x-sinch-webhook-signature-timestamp: \(signedAt)\r
            x-sinch-webhook-signature-nonce: \(nonce)\r
            x-sinch-webhook-signature: \(signature.base64)\r
            \r

            """
        bytes = Array(head.utf8) + body
        self.body = bytes.count - body.count..<bytes.count
    }
}

@main
enum Benchmarks {
    static let now: Int64 = 1_700_000_000

    static func main() throws {
        let arguments = CommandLine.arguments
        guard (3...4).contains(arguments.count), let count = Int(arguments[2]) else {
            print("usage: hookd-benchmarks parser|verification|event|store|tls COUNT")
            print("       hookd-benchmarks forward-single|forward-concurrent|forward-batched COUNT")
            print("       hookd-benchmarks fill|open|commits|read COUNT DIRECTORY")
            exit(EX_USAGE)
        }
        let directory = arguments.last ?? ""
        switch arguments[1] {
        case "fill": try fill(directory, count)
        case "open": try open(directory)
        case "commits": try commits(directory, count)
        case "read": try read(directory, count)
        case "parser": try parser(count)
        case "verification": try verification(count)
        case "event": try event(count)
        case "store": try store(count)
        case "forward-single": try forward(.single, count: count)
        case "forward-concurrent": try forward(.concurrent, count: count)
        case "forward-batched": try forward(.batched, count: count)
        case "tls": try tls(count)
        case let name where name.hasPrefix("mismatch-"): try mismatch(count, at: Int(name.dropFirst(9)) ?? 0)
        case let name:
            print("no benchmark is named \(name)")
            exit(EX_USAGE)
        }
    }

    /// Parses a head.
    static func parser(_ count: Int) throws {
        let callback = try WireCallback(key: HMACKey(secret: Array("benchmark".utf8)), nonce: nonce(0), signedAt: now)
        var parser = RequestParser(limits: RequestLimits())
        for _ in 0..<count {
            guard case .complete = try parser.parse(callback.bytes.span) else { exit(EX_SOFTWARE) }
        }
    }

    /// Finds the signature's headers in a parsed head, verifies, and hashes the body.
    static func verification(_ count: Int) throws {
        let key = try HMACKey(secret: Array("benchmark".utf8))
        let callback = try WireCallback(key: key, nonce: nonce(0), signedAt: now)
        let verifier = Verifier(secrets: [WebhookSecret(key: key)], toleranceSeconds: 300)
        var parser = RequestParser(limits: RequestLimits())
        _ = try parser.parse(callback.bytes.span)
        for _ in 0..<count {
            var headers = SignatureHeaders()
            for field in parser.fields { headers.take(name: field.name, value: field.value, in: callback.bytes.span) }
            _ = try verifier.verify(headers, body: callback.body, in: callback.bytes.span, now: now)
            _ = try Digest(of: callback.bytes.span.extracting(callback.body))
        }
    }

    /// Verifies a signature that is wrong in one of its 32 bytes. `Benchmarks/constant-time` compares what it costs.
    static func mismatch(_ count: Int, at byte: Int) throws {
        let key = try HMACKey(secret: Array("benchmark".utf8))
        let callback = try WireCallback(key: key, nonce: nonce(0), signedAt: now, wrongByte: byte)
        let verifier = Verifier(secrets: [WebhookSecret(key: key)], toleranceSeconds: 300)
        var parser = RequestParser(limits: RequestLimits())
        _ = try parser.parse(callback.bytes.span)
        var headers = SignatureHeaders()
        for field in parser.fields { headers.take(name: field.name, value: field.value, in: callback.bytes.span) }
        var refused = 0
        for _ in 0..<count {
            do throws(VerificationError) {
                _ = try verifier.verify(headers, body: callback.body, in: callback.bytes.span, now: now)
            } catch {
                if case .wrongSignature = error { refused += 1 }
            }
        }
        guard refused == count else { exit(EX_SOFTWARE) }
    }

    /// Writes the line of an event.
    static func event(_ count: Int) throws {
        let body = Sample.named("message_inbound.rcs_2024")?.body ?? []
        let id = [UInt8](repeating: 7, count: 16)
        let endpoint = Array("/callbacks".utf8)
        let client: [UInt8] = [192, 0, 2, 7]
        let encoder = try CloudEventEncoder()
        var line: [UInt8] = []
        for sequence in 0..<count {
            line.removeAll(keepingCapacity: true)
            encoder.appendLine(
                id: id.span, sequence: Int64(sequence), recordedAt: now * 1_000_000, receivedAt: now * 1_000_000,
                endpoint: endpoint.span, client: client.span, body: body.span, to: &line)
        }
    }

    /// Stores callbacks, 64 in a commit.
    static func store(_ count: Int) throws {
        let path = temporaryDirectory()
        let store = try SQLiteEventStore(directory: StateDirectory(path: path)) { print($0) }
        defer { removeStore(store, path) }
        let body = Sample.named("message_inbound.rcs_2024")?.body ?? []
        let done = DispatchSemaphore(value: 0)
        for start in stride(from: 0, to: count, by: 64) {
            var batch = CandidateBatch()
            for index in start..<min(start + 64, count) {
                batch.append(candidate(nonce: Array(nonce(index).utf8), body: body, in: &batch))
            }
            store.submit(batch) { _, _ in done.signal() }
            done.wait()
        }
    }

    static func temporaryDirectory() -> String {
        var template = Array("/tmp/hookd-benchmark-XXXXXX\0".utf8CString)
        guard let created = mkdtemp(&template) else { exit(EX_CANTCREAT) }
        return String(cString: created)
    }

    static func removeStore(_ store: SQLiteEventStore, _ path: String) {
        store.close()
        for name in ["hookd.db", "hookd.lock", "hookd.mark", "hookd.ballast", ""] { remove("\(path)/\(name)") }
    }

    static func candidate(
        nonce: [UInt8], body: [UInt8], id: [UInt8] = [UInt8](repeating: 7, count: 16), in batch: inout CandidateBatch
    ) -> Candidate {
        func copy(_ bytes: [UInt8]) -> ByteRange { bytes.withUnsafeBytes { batch.append($0) } }
        let wallClock = Int64(time(nil))
        return Candidate(
            receivedAt: wallClock * 1_000_000, signedAt: wallClock, isLate: false,
            endpoint: copy(Array("/callbacks".utf8)), client: copy([192, 0, 2, 7]), nonce: copy(nonce),
            signature: copy([UInt8](repeating: 9, count: 32)), algorithm: copy(Array("HmacSHA256".utf8)),
            id: copy(id), body: copy(body))
    }

    static func nonce(_ index: Int) -> String {
        let digits = String(index)
        return "01FJA8B4A7BM43YG" + String(repeating: "0", count: 10 - digits.count) + digits
    }
}
