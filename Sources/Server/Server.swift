// The HTTP server: shards over shared addresses, from binding to draining.

import Dispatch
import Glibc

/// A running HTTP/1.1 server.
public final class Server: Sendable {
    /// Where it listens and how, with the ports that the kernel chose.
    public let listeners: [ListenerSettings]
    let shards: [Shard]
    private let running = DispatchGroup()

    /// Where it listens, with the ports that the kernel chose.
    public var addresses: [ListenAddress] { listeners.map(\.address) }

    /// Binds all addresses. Nothing is accepted before `start(handler:)`.
    ///
    /// - Parameters:
    ///   - shardCount: how many event loops share the work.
    ///   - name: what the threads of the loops are called, with a number behind it.
    public init(
        listeners settings: [ListenerSettings], limits: ServerLimits, shardCount: Int, name: String = "shard"
    ) throws(SystemError) {
        var bound: [ListenerSettings] = []
        var listeners = [[Listener]](repeating: [], count: shardCount)
        for settings in settings {
            let first = try Listener.open(settings)
            bound.append(first.settings)
            for index in 0..<shardCount {
                listeners[index].append(index == 0 ? first : try first.forAnotherShard())
            }
        }
        let budget = ServerBudget()
        var shards: [Shard] = []
        for (index, listeners) in listeners.enumerated() {
            shards.append(
                try Shard(name: "\(name) \(index)", listeners: listeners, limits: limits, budget: budget))
        }
        if shardCount > 1 {
            for shard in shards { shard.neighbours = shards.map { Neighbour(shard: $0) } }
        }
        self.listeners = bound
        self.shards = shards
    }

    /// Starts accepting. `handler` is called once for each shard, on its queue.
    public func start(handler: @escaping @Sendable (Shard) -> any RequestHandler) {
        for shard in shards {
            running.enter()
            shard.start(handler: handler) { [running] in running.leave() }
        }
    }

    /// Has every shard go on with other limits, soon, and with other proxies in front of its listeners. Connections
    /// that are there stay, though they be more than `limits` allows.
    ///
    /// - Parameter listeners: those that the server was made with; nothing of them but their proxies is looked at.
    public func apply(_ limits: ServerLimits, listeners: [ListenerSettings]) {
        for shard in shards { shard.post { $0.apply(limits, proxies: listeners) } }
    }

    /// Stops accepting, answers what has been read, and closes. Blocks until all connections are closed; those that
    /// are still open at the deadline are cut.
    ///
    /// - Returns: whether every request that was read got its answer in time.
    @discardableResult
    public func drain(deadline: DispatchTime) -> Bool {
        // Before the sockets are closed: a successor may make its own as soon as they are.
        for listener in listeners where listener.inherited == nil {
            if case .unix(let path) = listener.address { unlink(path) }
        }
        for shard in shards { shard.post { $0.drain() } }
        if running.wait(timeout: deadline) == .success { return true }
        for shard in shards { shard.post { $0.endAll() } }
        running.wait()
        return false
    }
}
