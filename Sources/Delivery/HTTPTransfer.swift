// One POST at a time through libcurl, with everything switched off that an event's way should not depend on.

import CCurl
import Glibc

/// A libcurl handle that keeps its connection to one target alive. Used on one queue, but for `interrupt()`.
final class HTTPTransfer {
    /// How much of an answer is read, head and body together, before the connection is closed.
    static let answerLimitBytes = 64 << 10
    /// How much of the body is kept to be shown.
    static let excerptBytes = 200

    /// What came of a request.
    struct Answer {
        /// The status; 0 where no answer came.
        var status = 0
        /// The first bytes of the body.
        var excerpt: [UInt8] = []
        /// How many bytes of the request's body were sent.
        var sentBytes = 0
        /// An address that was refused.
        var refusedAddress: TargetAddress?
        /// What libcurl says was wrong; nil where the answer came whole.
        var problem: String?
        /// Whether it ended because of `interrupt()`.
        var isInterrupted = false
    }

    private let handle: UnsafeMutableRawPointer
    private let problem = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private let interruption: Flag
    private var answer = Answer()
    private var receivedBytes = 0

    /// libcurl's own set-up, once for the process.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    /// - Parameters:
    ///   - timeoutMilliseconds: for the whole exchange; connecting gets 10 s of it at most.
    ///   - interruption: raised by another queue to end the transfer.
    init(
        url: String, timeoutMilliseconds: Int, userAgent: String, interruption: Flag
    ) throws(SinkError) {
        guard Self.isLibraryReady, let handle = curl_easy_init() else { throw .exhausted(what: "memory") }
        self.handle = handle
        self.interruption = interruption
        problem.initialize(repeating: 0)
        let codes = options(url: url, timeoutMilliseconds: timeoutMilliseconds, userAgent: userAgent) + callbacks()
        if let code = codes.first(where: { $0 != CURLE_OK }) {
            throw .urlInvalid(reason: String(cString: curl_easy_strerror(code)))
        }
    }

    deinit {
        curl_easy_cleanup(handle)
        problem.deallocate()
    }

    private func options(url: String, timeoutMilliseconds: Int, userAgent: String) -> [CURLcode] {
        [
            ccurl_set_string(handle, CURLOPT_URL, url),
            ccurl_only_http(handle),
            ccurl_set_string(handle, CURLOPT_USERAGENT, userAgent),
            // A proxy from the environment would see every event.
            ccurl_set_string(handle, CURLOPT_PROXY, ""),
            ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0),
            ccurl_set_long(handle, CURLOPT_POST, 1),
            // Timeouts by signal would hit any thread of the daemon.
            ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, timeoutMilliseconds),
            ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, min(timeoutMilliseconds, 10_000)),
            ccurl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1),
            ccurl_leave_resolver_behind(handle),
            ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, problem.baseAddress),
        ]
    }

    private func callbacks() -> [CURLcode] {
        // libcurl calls back only within perform(), while the caller holds this object.
        let context = Unmanaged.passUnretained(self).toOpaque()
        return [
            ccurl_on_body(handle, { HTTPTransfer.from($3)?.receive($0, $1 * $2, isBody: true) ?? 0 }, context),
            ccurl_on_head(handle, { HTTPTransfer.from($3)?.receive($0, $1 * $2, isBody: false) ?? 0 }, context),
            ccurl_on_progress(
                handle, { context, _, _, _, _ in HTTPTransfer.from(context)?.interruption.isRaised == false ? 0 : 1 },
                context),
            ccurl_on_open_socket(
                handle, { context, _, address in HTTPTransfer.from(context)?.openSocket(address) ?? CURL_SOCKET_BAD },
                context),
        ]
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Sends `body` with `headers` and waits for the answer.
    func post(_ body: UnsafeRawBufferPointer, headers: [String]) -> Answer {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for header in headers {
            // Returns the list's beginning; NULL leaves the list as it was.
            guard let longer = curl_slist_append(list, header) else { return Answer(problem: "out of memory") }
            list = longer
        }
        _ = ccurl_set_headers(handle, list)
        defer { _ = ccurl_set_headers(handle, nil) }
        _ = ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        return perform(body)
    }

    private func perform(_ body: UnsafeRawBufferPointer) -> Answer {
        answer = Answer()
        receivedBytes = 0
        problem[0] = 0
        // Not copied by libcurl, and not needed by it once it has returned.
        _ = ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress ?? UnsafeRawPointer(handle))
        let code = curl_easy_perform(handle)
        answer.status = ccurl_status(handle)
        answer.sentBytes = Int(ccurl_sent_bytes(handle))
        answer.isInterrupted = code == CURLE_ABORTED_BY_CALLBACK && interruption.isRaised
        if code != CURLE_OK {
            let detail = problem.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
            answer.problem =
                detail.isEmpty
                ? String(cString: curl_easy_strerror(code)) : escaped(detail, limit: detail.count)
        }
        return answer
    }

    // MARK: Called by libcurl

    /// Takes a piece of the answer; 0 ends the transfer.
    private func receive(_ bytes: UnsafeMutablePointer<CChar>, _ count: Int, isBody: Bool) -> Int {
        receivedBytes += count
        guard receivedBytes <= Self.answerLimitBytes else { return 0 }
        if isBody {
            let piece = UnsafeRawBufferPointer(start: bytes, count: count)
            answer.excerpt.append(contentsOf: piece.prefix(Self.excerptBytes + 1 - answer.excerpt.count))
        }
        return count
    }

    /// The check is here and not on the URL, because what a name leads to can change between a check and its use.
    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let family = address.pointee.family
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr),
            let target = TargetAddress(
                UnsafeRawPointer(address) + offset, family: family, length: Int(address.pointee.addrlen))
        else { return CURL_SOCKET_BAD }
        guard !target.isForbidden else {
            answer.refusedAddress = target
            return CURL_SOCKET_BAD
        }
        return socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
    }
}
