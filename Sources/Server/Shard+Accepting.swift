// How connections come to a shard, and what happens when there is no room for another one: waiting ones stay in the
// kernel's queue, connections that have had nothing to say for a while are ended, and where even the descriptor
// for saying so is missing, a spare one is given up for it. Nothing here ever spins.

import CLinux
import Glibc
import HTTP

extension Shard {
    /// How often room is looked for when there was none.
    private static let roomSearchInterval = Duration.milliseconds(100)
    /// How many connections are told 503 between two ticks when descriptors run out.
    private static let apologiesPerTick = 4

    /// Accepts connections that wait, for as long as there is room.
    ///
    /// - Parameter most: how many; the listener tells of the rest again. Without a bound, a flood of connections that
    ///   are turned away could keep the shard here for ever.
    func acceptConnections(from listener: Listener, atMost most: Int = 256) {
        for _ in 0..<most where isAccepting {
            if !budget.takeConnection(limit: limits.connections) {
                guard isConnectionWaiting(at: listener) else { return }
                guard makeRoom(), budget.takeConnection(limit: limits.connections) else {
                    pauseAccepting()
                    return
                }
            }
            var address = sockaddr_storage()
            let descriptor = clinux_accept(listener.descriptor, &address)
            if descriptor >= 0 {
                settle(Arrival(descriptor: descriptor, client: ClientAddress(address), listener: listener))
                continue
            }
            budget.giveConnection()
            switch errno {
            case EAGAIN: return
            // The peer gave up between its connect and our accept (accept(2): treat like EAGAIN by retrying).
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP: continue
            case EMFILE, ENFILE:
                if apologies < Self.apologiesPerTick, apologize(to: listener) { continue }
                pauseAccepting()
            // Out of memory: the listener stays ready, so the loop would spin on it.
            default: pauseAccepting()
            }
            return
        }
    }

    private func isConnectionWaiting(at listener: Listener) -> Bool {
        var listening = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&listening, 1, 0) > 0
    }

    /// Takes in a connection that was accepted and counted.
    func add(_ arrival: Arrival) {
        let (descriptor, client, listener) = (arrival.descriptor, arrival.client, arrival.listener)
        let connection = Connection(
            descriptor: descriptor, generation: nextGeneration(), client: client, now: now,
            patience: limits.headerTimeout, age: limits.connectionAge)
        connection.forwarded = listener.settings.forwarded
        connection.awaitsProxyHeader = listener.settings.proxyProtocol?.contains(client) ?? false
        guard connection.awaitsProxyHeader || countAddress(of: connection) else {
            turnAway(descriptor, client, isPlain: listener.settings.tls == nil)
            budget.giveConnection()
            return
        }
        connection.tls = listener.settings.tls?.makeSession()
        let isEncryptedAsMeant = connection.tls != nil || listener.settings.tls == nil  // else out of memory
        let interest =
            EpollEvents.input | EpollEvents.output | EpollEvents.peerFinished | EpollEvents.edgeTriggered
        guard isEncryptedAsMeant, clinux_epoll_add(epoll, descriptor, interest, connection.token) == 0 else {
            if let address = connection.countedAddress { budget.giveAddress(address) }
            close(descriptor)
            budget.giveConnection()
            return
        }
        while connections.count <= Int(descriptor) { connections.append(nil) }
        connections[Int(descriptor)] = connection
        connectionCount += 1
    }

    /// Counts the connection for its client's address, unless that is a proxy for others. Returns false where the
    /// address has as many as it may.
    func countAddress(of connection: Connection) -> Bool {
        guard let limit = limits.connectionsPerAddress, let address = connection.client.ip?.limitKey,
            connection.forwarded?.trusted.contains(connection.client) != true
        else { return true }
        guard budget.takeAddress(address, limit: limit) else { return false }
        connection.countedAddress = address
        return true
    }

    // MARK: No room

    /// Ends some of the connections that have waited longest for their next request, so that those get in that have
    /// something to say. A client that is cut off here sees what it sees at the idle timeout, only sooner.
    ///
    /// - Returns: whether there is room now.
    @discardableResult
    func makeRoom() -> Bool {
        guard now >= nextRoomSearch else { return false }
        let latest = now - limits.leastIdleTime.nanoseconds
        var idle: [Connection] = []
        for case let connection? in connections where connection.phaseBegan <= latest {
            if case .idle = connection.phase { idle.append(connection) }
        }
        guard !idle.isEmpty else {
            nextRoomSearch = now + Self.roomSearchInterval.nanoseconds
            budget.wantRoom()
            return false
        }
        // Some at once, because looking at all connections for one of them would cost too much under a flood.
        idle.sort { $0.phaseBegan < $1.phaseBegan }
        for connection in idle.prefix(1 + idle.count / 16) { endInOrder(connection) }
        return true
    }

    /// Gives up the spare descriptor for a moment to tell a client 503 that would otherwise wait in vain.
    ///
    /// - Returns: whether there was a client.
    private func apologize(to listener: Listener) -> Bool {
        apologies += 1
        close(spareDescriptor)
        var address = sockaddr_storage()
        let descriptor = clinux_accept(listener.descriptor, &address)
        if descriptor >= 0 { turnAway(descriptor, ClientAddress(address), isPlain: listener.settings.tls == nil) }
        spareDescriptor = openSpareDescriptor()
        return descriptor >= 0
    }

    /// Answers 503 before anything was read, as far as the socket takes it, and closes.
    private func turnAway(_ descriptor: Int32, _ client: ClientAddress, isPlain: Bool) {
        handler?.report(.tooManyConnections, client: client)
        if isPlain, let answer = handler?.answer(status: 503, message: "there are too many connections") {
            answerBytes.removeAll(keepingCapacity: true)
            answer.serialize(to: &answerBytes, date: date, isHead: false, closes: true)
            counts.answered(answer.status)
            _ = answerBytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            shutdown(descriptor, Int32(SHUT_WR))
            // What was sent already would make a reset of the close, which could overtake the answer.
            _ = recv(descriptor, readBuffer.baseAddress, Self.readBytes, 0)
        }
        close(descriptor)
    }

    // MARK: Pausing

    /// Takes the listeners out of the epoll set. They come back when a connection ends, or at the next tick.
    func pauseAccepting() {
        guard isAccepting else { return }
        isAccepting = false
        for listener in listeners { clinux_epoll_remove(epoll, listener.descriptor) }
    }

    func resumeAccepting() {
        guard !isAccepting, !isDraining else { return }
        isAccepting = true
        for (index, listener) in listeners.enumerated() {
            // Of those that share a socket, one is woken for a connection.
            let exclusive = listener.isShared ? EpollEvents.exclusive : 0
            clinux_epoll_add(epoll, listener.descriptor, EpollEvents.input | exclusive, UInt64(index))
        }
    }
}

/// A descriptor that is good for nothing but being given up.
func openSpareDescriptor() -> Int32 {
    open("/dev/null", O_RDONLY | O_CLOEXEC)
}
