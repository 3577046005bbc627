// One request after another over one connection, through libcurl: what `hookd send` needs of HTTP, and the commands
// that ask the daemon.

import CCurl
import Daemon

/// What came back.
struct HTTPAnswer: Equatable {
    var status: Int
    var body: [UInt8]

    var isSuccess: Bool { (200..<300).contains(status) }

    /// The body for people; what is no UTF-8 in it is replaced.
    var text: String { String(decoding: body, as: UTF8.self) }

    func bodyContains(_ words: String) -> Bool { text.contains(words) }
}

/// Why nothing came back, in libcurl's words.
struct HTTPClientError: Error, CustomStringConvertible {
    let description: String
}

/// A client that sends as Sinch does: HTTP/1.1 and no redirects.
final class HTTPClient {
    private let handle: UnsafeMutableRawPointer
    private let timeoutMilliseconds: Int
    private let bodyLimitBytes: Int
    private let socket: String?
    private var received: [UInt8] = []

    /// - Parameters:
    ///   - timeoutMilliseconds: how long a request and its answer may take; 0 for ever.
    ///   - bodyLimitBytes: the most of an answer that is kept; a receiver that never stops cannot fill our memory.
    ///   - socket: the path of the Unix socket to connect to, whatever a URL says.
    init(
        timeoutMilliseconds: Int = 15_000, bodyLimitBytes: Int = 64 << 10, socket: String? = nil
    ) throws(HTTPClientError) {
        guard let handle = curl_easy_init() else {
            throw HTTPClientError(description: "libcurl could not be initialised")
        }
        self.handle = handle
        (self.timeoutMilliseconds, self.bodyLimitBytes) = (timeoutMilliseconds, bodyLimitBytes)
        self.socket = socket
    }

    deinit { curl_easy_cleanup(handle) }

    /// Sends `body` with `headers` to `url` and waits for the answer.
    func post(
        _ body: [UInt8], headers: [(name: String, value: String)], to url: String
    ) throws(HTTPClientError) -> HTTPAnswer {
        try exchange(body, headers, url)
    }

    /// Asks for what is at `url`.
    func get(headers: [(name: String, value: String)], from url: String) throws(HTTPClientError) -> HTTPAnswer {
        try exchange(nil, headers, url)
    }

    /// - Parameter body: what is sent with POST; nil for GET.
    private func exchange(
        _ body: [UInt8]?, _ headers: [(name: String, value: String)], _ url: String
    ) throws(HTTPClientError) -> HTTPAnswer {
        received.removeAll()
        // `Expect: 100-continue` would cost a round trip for a body that is sent anyway.
        var list: UnsafeMutablePointer<curl_slist>? = curl_slist_append(nil, "Expect:")
        defer { curl_slist_free_all(list) }
        for (name, value) in headers {
            // With a value, "name: value"; libcurl takes "name:" for "leave it out" and "name;" for an empty one.
            list = curl_slist_append(list, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        let code = (body ?? []).withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { reason in
                reason.initialize(repeating: 0)
                let code =
                    prepare(body == nil ? nil : bytes, list, url, reason.baseAddress) ?? curl_easy_perform(handle)
                return code == CURLE_OK ? nil : text(of: code, reason.baseAddress)
            }
        }
        if let code { throw HTTPClientError(description: escapingControls(code)) }
        return HTTPAnswer(status: ccurl_status(handle), body: received)
    }

    /// Sets what the next request is; the connection of the last one stays open.
    ///
    /// - Returns: the first error, nil if there was none.
    private func prepare(
        _ body: UnsafeRawBufferPointer?, _ headers: UnsafeMutablePointer<curl_slist>?, _ url: String,
        _ reason: UnsafeMutablePointer<CChar>?
    ) -> CURLcode? {
        curl_easy_reset(handle)
        let myself = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, reason),
            ccurl_only_http(handle),
            ccurl_set_string(handle, CURLOPT_URL, url),
            ccurl_set_string(handle, CURLOPT_PROXY, ""),
            ccurl_set_string(handle, CURLOPT_USERAGENT, "hookd/\(hookdVersion)"),
            ccurl_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, 5000),
            ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, timeoutMilliseconds),
            ccurl_set_headers(handle, headers),
            ccurl_on_body(handle, take, myself),
        ]
        if let body {
            codes += [
                ccurl_set_long(handle, CURLOPT_POST, 1),
                // A body of no bytes must still be a body: a null pointer would make libcurl read stdin.
                ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress ?? UnsafeRawPointer(myself)),
                ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)),
            ]
        }
        if let socket { codes.append(ccurl_set_string(handle, CURLOPT_UNIX_SOCKET_PATH, socket)) }
        return codes.first { $0 != CURLE_OK }
    }

    private func text(of code: CURLcode, _ reason: UnsafeMutablePointer<CChar>?) -> String {
        let reason = reason.map { String(cString: $0) } ?? ""
        return reason.isEmpty ? String(cString: curl_easy_strerror(code)) : reason
    }

    fileprivate func append(_ bytes: UnsafeRawBufferPointer) {
        received += bytes.prefix(bodyLimitBytes - received.count)
    }
}

private func take(
    _ bytes: UnsafeMutablePointer<CChar>, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    if let context {
        Unmanaged<HTTPClient>.fromOpaque(context).takeUnretainedValue()
            .append(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    return size * count
}
