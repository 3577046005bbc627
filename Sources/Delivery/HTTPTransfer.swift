// One request after the other through a libcurl handle, with everything switched off that an event's way should not
// depend on. Handles are driven by an HTTPEngine.

import CCurl
import Glibc

/// What came of a request.
struct HTTPAnswer {
    /// The status; 0 where no answer came.
    var status = 0
    /// The first bytes of the body.
    var excerpt: [UInt8] = []
    /// Whether all of the request's body was sent.
    var isSent = false
    /// What `Retry-After` asks for, in seconds.
    var retryAfterSeconds: Int64?
    /// An address that was refused, and why.
    var refused: (address: TargetAddress, why: AddressRefusal)?
    /// What libcurl says was wrong; nil where the answer came whole.
    var problem: String?
}

/// A libcurl handle. Used on one queue.
final class HTTPTransfer {
    /// How much of an answer is read, head and body together, before the connection is closed.
    static let answerLimitBytes = 64 << 10
    /// How much of the body is kept to be shown.
    static let excerptBytes = 4 << 10
    /// How much memory for bodies is kept between requests.
    private static let keptBodyBytes = 8 << 10

    let handle: UnsafeMutableRawPointer
    /// The letter at hand.
    var letter = 0
    private let problem = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private let addresses: AddressPolicy
    private var answer = HTTPAnswer()
    private var receivedBytes = 0
    private var bodyBytes = 0
    /// The body of the request, which libcurl does not copy.
    private var body = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTPTransfer.keptBodyBytes, alignment: 1)
    private let headers = HeaderList()

    /// libcurl's own set-up, once for the process.
    static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init(_ settings: ForwardSettings) throws(SinkError) {
        guard Self.isLibraryReady, let handle = curl_easy_init() else { throw .exhausted(what: "memory") }
        self.handle = handle
        addresses = settings.addresses
        problem.initialize(repeating: 0)
        let codes = options(settings) + tlsOptions(settings.tls) + callbacks()
        if let code = codes.first(where: { $0 != CURLE_OK }) {
            throw .urlInvalid(reason: String(cString: curl_easy_strerror(code)))
        }
    }

    deinit {
        curl_easy_cleanup(handle)
        problem.deallocate()
        body.deallocate()
    }

    private func options(_ settings: ForwardSettings) -> [CURLcode] {
        let isHTTP2 = settings.version == .http2
        return [
            ccurl_set_string(handle, CURLOPT_URL, settings.url),
            ccurl_only_http(handle),
            ccurl_set_string(handle, CURLOPT_USERAGENT, settings.userAgent),
            // A proxy from the environment would see every event; so would one that $NO_PROXY leaves out by mistake.
            ccurl_set_string(handle, CURLOPT_PROXY, settings.proxy ?? ""),
            ccurl_set_string(handle, CURLOPT_NOPROXY, ""),
            ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0),
            ccurl_set_long(handle, CURLOPT_POST, 1),
            ccurl_set_long(
                handle, CURLOPT_HTTP_VERSION, Int(isHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)),
            // Several requests share the connection that is being opened, where its end knows how.
            ccurl_set_long(handle, CURLOPT_PIPEWAIT, isHTTP2 ? 1 : 0),
            // Timeouts by signal would hit any thread of the daemon.
            ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, settings.timeoutMilliseconds),
            ccurl_set_long(
                handle, CURLOPT_CONNECTTIMEOUT_MS,
                min(settings.timeoutMilliseconds, settings.connectTimeoutMilliseconds)),
            ccurl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1),
            ccurl_leave_resolver_behind(handle),
            ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, problem.baseAddress),
            ccurl_set_private(handle, Unmanaged.passUnretained(self).toOpaque()),
        ]
    }

    private func tlsOptions(_ tls: ForwardSettings.TLS) -> [CURLcode] {
        // Said although libcurl would do so by itself: no other setting may ever turn it off.
        var codes = [
            ccurl_set_long(handle, CURLOPT_SSL_VERIFYPEER, 1), ccurl_set_long(handle, CURLOPT_SSL_VERIFYHOST, 2),
            ccurl_set_long(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
        ]
        if let path = tls.authorityPath {
            codes.append(ccurl_set_string(handle, CURLOPT_CAINFO, path))
            // Else the system's authorities would count besides.
            codes.append(ccurl_set_pointer(handle, CURLOPT_CAPATH, nil))
        }
        if let pin = tls.pin { codes.append(ccurl_set_string(handle, CURLOPT_PINNEDPUBLICKEY, pin)) }
        if let path = tls.certificatePath { codes.append(ccurl_set_string(handle, CURLOPT_SSLCERT, path)) }
        if let key = tls.key {
            codes.append(
                key.bytes.withUnsafeBytes { ccurl_set_copy(handle, CURLOPT_SSLKEY_BLOB, $0.baseAddress, $0.count) })
        }
        return codes
    }

    private func callbacks() -> [CURLcode] {
        // libcurl calls back only within the engine's calls, while the engine holds this object.
        let context = Unmanaged.passUnretained(self).toOpaque()
        return [
            ccurl_on_body(handle, { HTTPTransfer.from($3)?.receive($0, $1 * $2, isBody: true) ?? 0 }, context),
            ccurl_on_head(handle, { HTTPTransfer.from($3)?.receive($0, $1 * $2, isBody: false) ?? 0 }, context),
            ccurl_on_open_socket(
                handle, { context, _, address in HTTPTransfer.from(context)?.openSocket(address) ?? CURL_SOCKET_BAD },
                context),
        ]
    }

    /// The transfer that a handle or a callback's context belongs to.
    static func from(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Makes the handle ready to send a request, of which nothing need be kept.
    ///
    /// - Returns: whether there was memory for it.
    func prepare(_ request: LetterWriter.Request, letter: Int) -> Bool {
        self.letter = letter
        answer = HTTPAnswer()
        receivedBytes = 0
        problem[0] = 0
        bodyBytes = request.body.count
        resizeBody(bodyBytes)
        request.body.withUnsafeBytes { body.copyMemory(from: $0) }
        return ccurl_set_headers(handle, headers.set(request.headers)) == CURLE_OK
            && ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bodyBytes)) == CURLE_OK
            && ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress) == CURLE_OK
    }

    /// Makes room for a body, or gives a large one's back.
    private func resizeBody(_ count: Int) {
        let wanted = max(count, Self.keptBodyBytes)
        guard body.count < wanted || count == 0 && body.count > wanted else { return }
        body.deallocate()
        body = .allocate(byteCount: wanted, alignment: 1)
    }

    /// What came of the request that has ended with `code`.
    func finish(_ code: CURLcode) -> HTTPAnswer {
        defer { resizeBody(0) }
        answer.status = ccurl_status(handle)
        answer.isSent = Int(ccurl_sent_bytes(handle)) >= bodyBytes
        let seconds = ccurl_retry_after_seconds(handle)
        answer.retryAfterSeconds = seconds > 0 ? Int64(seconds) : nil
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
        if isBody, answer.excerpt.count <= Self.excerptBytes {
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
        if let why = addresses.refusal(of: target) {
            answer.refused = (target, why)
            return CURL_SOCKET_BAD
        }
        return socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
    }
}
