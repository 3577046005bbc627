// A stream of server-sent events from the daemon, through libcurl: read without blocking, so that whoever reads may
// wait for other things as well.

import CCurl
import CLinux
import Daemon

/// A server-sent event (WHATWG HTML §9.2.6).
struct SentEvent: Equatable {
    /// The sequence number in its id; nil where it has none.
    var sequence: Int64?
    /// Its type; empty where none is said.
    var type = ""
    /// Its data; empty for what only says how far the stream is.
    var data: [UInt8] = []
}

/// Puts server-sent events together as their bytes come.
struct SentEventParser {
    private var rest: [UInt8] = []
    private var current = SentEvent()
    /// The events that are whole and were not taken yet.
    private(set) var events: [SentEvent] = []

    mutating func take() -> [SentEvent] {
        defer { events = [] }
        return events
    }

    /// Takes bytes as they came.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes[...]
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            rest += bytes[..<end]
            bytes = bytes[(end + 1)...]
            endLine()
            rest.removeAll(keepingCapacity: true)
        }
        rest += bytes
    }

    private mutating func endLine() {
        guard !rest.isEmpty else {
            if current != SentEvent() { events.append(current) }
            current = SentEvent()
            return
        }
        let colon = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.count
        var value = rest[min(colon + 1, rest.count)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: rest[..<colon], as: UTF8.self) {
        case "id": current.sequence = Int64(String(decoding: value, as: UTF8.self))
        case "event": current.type = String(decoding: value, as: UTF8.self)
        case "data": current.data += value
        default: break  // a comment, or what concerns browsers
        }
    }
}

/// A stream that is being read.
final class EventStream {
    /// How it ended.
    enum End: Equatable {
        /// With the last byte that was to come.
        case whole
        /// In between, in libcurl's words.
        case cut(String)
    }

    /// How long nothing may come: the daemon has something to say every 15 seconds.
    private static let patienceNanoseconds: Int64 = 60_000_000_000
    /// The most of an answer that is no stream.
    private static let answerLimitBytes = 64 << 10

    private let multi: UnsafeMutableRawPointer
    private let handle: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var parser = SentEventParser()
    private var heardAt = clinux_monotonic_nanoseconds()
    /// What came where the answer is no stream.
    private(set) var answer: [UInt8] = []
    /// How it ended; nil while it goes on.
    private(set) var end: End?

    /// The status of the answer; 0 while none has come.
    var status: Int { ccurl_status(handle) }

    /// Asks for a stream. What comes of it is seen by waiting.
    init(_ request: AdminRequest, of daemon: AdminClient) throws(HTTPClientError) {
        guard let multi = curl_multi_init() else {
            throw HTTPClientError(description: "libcurl could not be initialised")
        }
        guard let handle = curl_easy_init() else {
            curl_multi_cleanup(multi)
            throw HTTPClientError(description: "libcurl could not be initialised")
        }
        (self.multi, self.handle) = (multi, handle)
        for (name, value) in daemon.headers { headers = curl_slist_append(headers, "\(name): \(value)") }
        let codes = [
            ccurl_only_http(handle),
            ccurl_set_string(handle, CURLOPT_URL, daemon.url(of: request)),
            ccurl_set_string(handle, CURLOPT_PROXY, ""),
            ccurl_set_string(handle, CURLOPT_USERAGENT, "hookd/\(hookdVersion)"),
            ccurl_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, 5000),
            ccurl_set_headers(handle, headers),
            ccurl_on_body(handle, handOver, Unmanaged.passUnretained(self).toOpaque()),
            daemon.place.socketPath.map { ccurl_set_string(handle, CURLOPT_UNIX_SOCKET_PATH, $0) } ?? CURLE_OK,
        ]
        let refused = codes.first { $0 != CURLE_OK }
        if let refused { throw HTTPClientError(description: String(cString: curl_easy_strerror(refused))) }
        guard curl_multi_add_handle(multi, handle) == CURLM_OK else {
            throw HTTPClientError(description: "libcurl could not begin")
        }
    }

    deinit {
        curl_multi_remove_handle(multi, handle)
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
        curl_slist_free_all(headers)
    }

    /// The events that have come since it was asked last.
    func take() -> [SentEvent] { parser.take() }

    /// Waits until something has come, a signal has, nobody reads `output` any more, or the time is over. It may be
    /// over early.
    func wait(milliseconds: Int32, orFor signals: SignalWatcher, orEndOf output: Output? = nil) {
        var others = [curl_waitfd(fd: signals.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)]
        // No events asked for: only the end of the reader wakes us.
        if let output { others.append(curl_waitfd(fd: output.descriptor, events: 0, revents: 0)) }
        _ = curl_multi_poll(multi, &others, UInt32(others.count), milliseconds, nil)
        guard end == nil else { return }
        var running: Int32 = 0
        _ = curl_multi_perform(multi, &running)
        var code = CURLE_OK
        if ccurl_multi_finished(multi, &code) != nil {
            end = code == CURLE_OK ? .whole : .cut(escapingControls(String(cString: curl_easy_strerror(code))))
        } else if clinux_monotonic_nanoseconds() - heardAt > Self.patienceNanoseconds {
            end = .cut("nothing has come for a minute")
        }
    }

    fileprivate func receive(_ bytes: UnsafeRawBufferPointer) {
        heardAt = clinux_monotonic_nanoseconds()
        if status == 200 {
            parser.append(bytes)
        } else {
            answer += bytes.prefix(Self.answerLimitBytes - answer.count)
        }
    }
}

private func handOver(
    _ bytes: UnsafeMutablePointer<CChar>, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    if let context {
        Unmanaged<EventStream>.fromOpaque(context).takeUnretainedValue()
            .receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    return size * count
}
