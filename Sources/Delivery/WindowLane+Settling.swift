// What a lane makes of the letters that have come back: progress, dead letters, and lines for the log.

import Store
import Synchronization

extension WindowLane {
    func settle(_ replies: [Reply], _ windows: inout Windows) {
        isWaiting.store(false, ordering: .sequentiallyConsistent)
        guard !replies.isEmpty else { return }
        var delivered = 0
        for reply in replies {
            let now = monotonicNanoseconds()
            let settlement: Settlement
            if let sequences = windows.sentAgain.removeValue(forKey: reply.letter) {
                settlement = windows.again.settle(reply.letter, reply.verdict, now: now)
                if settlement.delivered > 0 { progress.redelivered(sequences) }
            } else {
                settlement = windows.main.settle(reply.letter, reply.verdict, now: now)
            }
            delivered += settlement.delivered
            windows.shareWhatWasAsked()
            note(reply, settlement)
        }
        progress.count(delivered: delivered)
        progress.withState { [isPaused = windows.arePaused] in $0.isPaused = isPaused }
        progress.move(to: windows.main.cursor)
        // A sink of which one conversation still fails does not work yet.
        if windows.main.troubledCount == 0, windows.again.troubledCount == 0 { progress.recovered() }
    }

    private func note(_ reply: Reply, _ settlement: Settlement) {
        if reply.answer != nil { progress.withState { $0.answered(reply.answer) } }
        switch reply.verdict {
        case .done: break
        case .retry(let error, _): progress.failed(error.description)
        case .pause(let error, _): progress.paused(error.description)
        case .refused(let error):
            if let burial = settlement.burial {
                bury(burial, error)
            } else if !settlement.isSplit {
                progress.failed(error.description)
            }
        }
    }

    private func bury(_ burial: Settlement.Burial, _ error: SinkError) {
        progress.bury(
            DeadLetter(
                sink: progress.name, sequence: burial.sequence, id: burial.id, attempts: burial.attempts,
                status: error.status, error: error.description))
        guard burials.failed(now: monotonicNanoseconds(), wall: 0) else { return }
        progress.sayBuried(
            error.description + " Event \(burial.sequence) was sent \(burial.attempts) times and goes to the dead "
                + "letters; the sink moves on.",
            sequence: burial.sequence, id: burial.id)
    }
}
