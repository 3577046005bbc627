// The handlers of all shards, and the endpoints that they answer for.

import Dispatch
import Server
import Store
import Synchronization

/// Makes the handler of each shard, and gives all of them other endpoints when the configuration changes.
final class CallbackHandlers: Sendable {
    private struct State {
        var endpoints: [Endpoint]
        var handlers: [(shard: Shard, handler: CallbackHandler)] = []
    }

    private let state: Mutex<State>
    private let store: any EventStore
    private let log: RateLimitedLog

    init(endpoints: [Endpoint], store: any EventStore, log: RateLimitedLog) {
        state = Mutex(State(endpoints: endpoints))
        (self.store, self.log) = (store, log)
    }

    /// Makes the handler of `shard`; on its queue.
    func make(_ shard: Shard) -> CallbackHandler {
        state.withLock { state in
            let handler = CallbackHandler(endpoints: state.endpoints, store: store, shard: shard, log: log)
            state.handlers.append((shard, handler))
            return handler
        }
    }

    /// Has requests that come from now on meet other endpoints, on every shard. Waits up to `patience` for all shards
    /// to have begun with that, which is soon; one that hangs begins when it does not.
    func replace(endpoints: [Endpoint], patience: DispatchTimeInterval = .seconds(5)) {
        let handlers = state.withLock { state in
            state.endpoints = endpoints
            return state.handlers
        }
        let begun = DispatchSemaphore(value: 0)
        for (shard, handler) in handlers {
            shard.post { _ in
                handler.replace(endpoints: endpoints)
                begun.signal()
            }
        }
        let deadline = DispatchTime.now() + patience
        for _ in handlers where begun.wait(timeout: deadline) == .timedOut { break }
    }
}
