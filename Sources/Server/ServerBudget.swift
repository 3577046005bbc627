// What all shards hold together: connections, connections of one address, and bytes of requests. And whose turn it is.

import Synchronization

/// Counts what is held, so that the bounds of `ServerLimits` hold for the process and not for a shard.
final class ServerBudget: Sendable {
    private let connections = Atomic<Int>(0)
    private let requestBytes = Atomic<Int>(0)
    private let dealt = Atomic<Int>(0)
    private let isRoomWanted = Atomic<Bool>(false)
    private let perAddress = Mutex<[IPAddress: Int]>([:])

    /// Takes one connection if fewer than `limit` are held.
    func takeConnection(limit: Int) -> Bool {
        if connections.add(1, ordering: .relaxed).newValue <= limit { return true }
        giveConnection()
        return false
    }

    func giveConnection() {
        connections.subtract(1, ordering: .relaxed)
    }

    /// Whose turn it is to be given a connection, of so many.
    func nextTurn(of count: Int) -> Int {
        Int(UInt(bitPattern: dealt.wrappingAdd(1, ordering: .relaxed).newValue) % UInt(count))
    }

    /// Has another shard make room: this one has clients waiting, and no connection that it could end for them.
    func wantRoom() {
        isRoomWanted.store(true, ordering: .relaxed)
    }

    /// Whether a shard wants room, while `limit` connections are held. The one that asks is to make some.
    func takeWantOfRoom(limit: Int) -> Bool {
        connections.load(ordering: .relaxed) >= limit && isRoomWanted.exchange(false, ordering: .relaxed)
    }

    /// Takes one connection of `address` if it has fewer than `limit`.
    func takeAddress(_ address: IPAddress, limit: Int) -> Bool {
        perAddress.withLock { held in
            guard held[address, default: 0] < limit else { return false }
            held[address, default: 0] += 1
            return true
        }
    }

    func giveAddress(_ address: IPAddress) {
        perAddress.withLock { held in
            // An address without connections must not stay behind: there are more of them than memory.
            guard let count = held[address], count > 1 else { return held[address] = nil }
            held[address] = count - 1
        }
    }

    /// Takes `count` bytes if no more than `limit` are held then.
    func takeRequestBytes(_ count: Int, limit: Int) -> Bool {
        if requestBytes.add(count, ordering: .relaxed).newValue <= limit { return true }
        giveRequestBytes(count)
        return false
    }

    func giveRequestBytes(_ count: Int) {
        requestBytes.subtract(count, ordering: .relaxed)
    }
}
