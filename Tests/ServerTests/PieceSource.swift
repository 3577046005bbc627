// A body that a test makes while it is sent.

import Dispatch
import Server
import Synchronization

/// Gives the pieces that the test says, when it says so.
final class PieceSource: BodySource {
    private struct State {
        var give: (@Sendable ([UInt8]?) -> Void)?
        var asked = 0
        var endings = 0
    }

    private let state = Mutex(State())
    private let wasAsked = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    func askForMore(_ give: @escaping @Sendable ([UInt8]?) -> Void) {
        state.withLock { state in
            state.give = give
            state.asked += 1
        }
        wasAsked.signal()
    }

    func ended() {
        state.withLock { state in
            state.give = nil
            state.endings += 1
        }
        hasEnded.signal()
    }

    /// How often a piece was asked for.
    var asked: Int { state.withLock { $0.asked } }
    /// How often it was told that nothing more is wanted: once is right.
    var endings: Int { state.withLock { $0.endings } }

    /// Waits until a piece is asked for.
    func awaitAsking() throws {
        guard wasAsked.wait(timeout: .now() + .seconds(Client.patienceSeconds)) == .success else {
            throw ClientError(timeout: "asking for a piece")
        }
    }

    /// Gives the piece that was asked for; nil is the end. Nothing where it has ended.
    func give(_ piece: [UInt8]?) {
        let give = state.withLock { state in
            defer { state.give = nil }
            return state.give
        }
        give?(piece)
    }

    /// Waits until a piece is asked for, and gives it.
    func give(next text: String?) throws {
        try awaitAsking()
        give(text.map { Array($0.utf8) })
    }

    /// Waits until nothing more is wanted.
    func awaitEnd() throws {
        guard hasEnded.wait(timeout: .now() + .seconds(Client.patienceSeconds)) == .success else {
            throw ClientError(timeout: "end of the stream")
        }
    }
}
