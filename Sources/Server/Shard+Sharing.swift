// One listening socket for several shards, where the kernel cannot have one for each: a Unix socket, or one that was
// handed over. The kernel wakes one shard for a connection, and mostly the same one for as long as that has time to
// spare. So whoever accepts deals the connections out, one to each shard in turn.

import Synchronization

/// A connection that one shard accepted for another.
struct Arrival: Sendable {
    var descriptor: Int32
    var client: ClientAddress
    var listener: Listener
}

/// What others have accepted for a shard, until it takes it in.
final class Doorstep: Sendable {
    /// Nil where the shard takes no more.
    private let arrivals = Mutex<[Arrival]?>([])

    /// Leaves a connection. Returns false where it must be kept, for the shard is stopping.
    func put(_ arrival: Arrival) -> Bool {
        arrivals.withLock { arrivals in
            guard arrivals != nil else { return false }
            arrivals?.append(arrival)
            return true
        }
    }

    /// Takes what was left there.
    func takeAll() -> [Arrival] {
        arrivals.withLock { arrivals in
            guard let taken = arrivals else { return [] }
            arrivals = []
            return taken
        }
    }

    /// Takes what was left there, the last there is.
    func close() -> [Arrival] {
        arrivals.withLock { arrivals in
            defer { arrivals = nil }
            return arrivals ?? []
        }
    }
}

/// A shard beside this one. They know each other, and must not keep each other alive.
struct Neighbour {
    weak var shard: Shard?
}

extension Shard {
    /// Takes a connection in, or leaves it to the shard whose turn it is.
    func settle(_ arrival: Arrival) {
        guard arrival.listener.isShared, !neighbours.isEmpty else { return add(arrival) }
        guard let neighbour = neighbours[budget.nextTurn(of: neighbours.count)].shard, neighbour !== self,
            neighbour.doorstep.put(arrival)
        else { return add(arrival) }
        neighbour.post { shard in
            for arrival in shard.doorstep.takeAll() { shard.add(arrival) }
        }
    }
}
