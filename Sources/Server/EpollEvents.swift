// The event bits of epoll_ctl(2), as plain numbers.

import CLinux
import Glibc

/// What a shard asks epoll for, and what epoll tells it.
enum EpollEvents {
    static let input = EPOLLIN.rawValue
    static let output = EPOLLOUT.rawValue
    static let error = EPOLLERR.rawValue
    /// The peer sends nothing more, or both directions are closed.
    static let peerFinished = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue
    static let edgeTriggered = EPOLLET.rawValue
    static let exclusive = EPOLLEXCLUSIVE.rawValue
}
