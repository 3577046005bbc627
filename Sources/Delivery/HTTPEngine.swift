// Many libcurl transfers at a time on one queue: an epoll set of libcurl's sockets and of an eventfd that wakes it.
// docs/decisions/0011 tells why this loop is ours, and neither curl_multi_poll nor a DispatchSource for each socket.

import CCurl
import CLinux
import Dispatch
import Glibc

/// Drives transfers. Used on one queue, but for `wake()`.
final class HTTPEngine {
    private let multi: UnsafeMutableRawPointer
    private let epoll: Descriptor
    private let waker: Descriptor
    /// When libcurl wants to be called, by the clock of `monotonicNanoseconds`.
    private var timerAt: UInt64?
    private var events = [clinux_event](repeating: clinux_event(), count: 256)

    private static let wakeMark = UInt64.max

    /// - Parameter connections: how many connections are kept.
    init(connections: Int) throws(SinkError) {
        guard HTTPTransfer.isLibraryReady, let multi = curl_multi_init() else { throw .exhausted(what: "memory") }
        self.multi = multi
        do throws(SystemFailure) {
            epoll = Descriptor(owning: try systemCall { epoll_create1(Int32(EPOLL_CLOEXEC)) })
            waker = Descriptor(
                owning: try systemCall { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
            _ = try systemCall { clinux_epoll_add(epoll.number, waker.number, EPOLLIN.rawValue, Self.wakeMark) }
        } catch {
            curl_multi_cleanup(multi)
            throw .exhausted(what: "descriptors")
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, connections)
        _ = ccurl_multi_on_socket(
            multi, { _, socket, what, context, _ in HTTPEngine.from(context)?.watch(socket, what) ?? -1 }, context)
        _ = ccurl_multi_on_timer(
            multi, { _, milliseconds, context in HTTPEngine.from(context)?.setTimer(milliseconds) ?? -1 }, context)
    }

    deinit { curl_multi_cleanup(multi) }

    private static func from(_ context: UnsafeMutableRawPointer?) -> HTTPEngine? {
        context.map { Unmanaged<HTTPEngine>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Begins a transfer that is prepared. Returns whether libcurl took it.
    func start(_ transfer: HTTPTransfer) -> Bool { curl_multi_add_handle(multi, transfer.handle) == CURLM_OK }

    /// Ends a transfer; the connection is closed where it is in the middle of something.
    func remove(_ transfer: HTTPTransfer) { curl_multi_remove_handle(multi, transfer.handle) }

    /// Waits until a transfer has ended, somebody called `wake`, or `deadline` has passed.
    func wait(until deadline: UInt64?, _ ended: (HTTPTransfer, CURLcode) -> Void) {
        while true {
            let isWoken = waitForSockets(until: deadline)
            let now = monotonicNanoseconds()
            if let due = timerAt, due <= now {
                timerAt = nil
                act(-1, 0)  // CURL_SOCKET_TIMEOUT
            }
            var isAnyEnded = false
            var code = CURLE_OK
            while let handle = ccurl_multi_finished(multi, &code) {
                guard let transfer = HTTPTransfer.from(ccurl_private(handle)) else { continue }
                isAnyEnded = true
                remove(transfer)
                ended(transfer, code)
            }
            if isAnyEnded || isWoken || deadline.map({ $0 <= now }) == true { return }
        }
    }

    /// Ends a wait. From any queue.
    func wake() {
        var one: UInt64 = 1
        while write(waker.number, &one, 8) == -1, errno == EINTR {}
    }

    /// Returns whether `wake` was called.
    private func waitForSockets(until deadline: UInt64?) -> Bool {
        let count = clinux_epoll_wait(
            epoll.number, &events, Int32(events.count), Self.milliseconds(to: min(deadline ?? .max, timerAt ?? .max)))
        var isWoken = false
        for event in events.prefix(Int(max(0, count))) {
            if event.data == Self.wakeMark {
                var value: UInt64 = 0
                _ = read(waker.number, &value, 8)
                isWoken = true
            } else {
                act(curl_socket_t(truncatingIfNeeded: event.data), Self.readiness(event.events))
            }
        }
        return isWoken
    }

    /// Rounded up, so that nothing spins until a time that is not there yet.
    private static func milliseconds(to time: UInt64) -> Int32 {
        guard time != .max else { return -1 }
        let now = monotonicNanoseconds()
        guard time > now else { return 0 }
        return Int32(min((time - now + 999_999) / 1_000_000, 3_600_000))
    }

    private static func readiness(_ events: UInt32) -> Int32 {
        var readiness: Int32 = 0
        if events & EPOLLIN.rawValue != 0 { readiness |= CURL_CSELECT_IN }
        if events & EPOLLOUT.rawValue != 0 { readiness |= CURL_CSELECT_OUT }
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { readiness |= CURL_CSELECT_ERR }
        return readiness
    }

    private func act(_ socket: curl_socket_t, _ readiness: Int32) {
        var running: Int32 = 0
        _ = curl_multi_socket_action(multi, socket, readiness, &running)
    }

    // MARK: Called by libcurl

    private func watch(_ socket: curl_socket_t, _ what: Int32) -> Int32 {
        if what == CURL_POLL_REMOVE {
            _ = clinux_epoll_remove(epoll.number, socket)
            return 0
        }
        var events: UInt32 = 0
        if what & CURL_POLL_IN != 0 { events |= EPOLLIN.rawValue }
        if what & CURL_POLL_OUT != 0 { events |= EPOLLOUT.rawValue }
        return clinux_epoll_set(epoll.number, socket, events, UInt64(socket)) == 0 ? 0 : -1
    }

    private func setTimer(_ milliseconds: Int) -> Int32 {
        timerAt = milliseconds < 0 ? nil : monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        return 0
    }
}
