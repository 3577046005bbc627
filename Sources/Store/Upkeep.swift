// What the writer does between commits: it deletes what is old, writes the log back, and looks after the disk.

import CLinux
import Dispatch

/// What upkeep remembers. For the store's queue only.
struct Upkeep {
    var budget: DiskBudget
    var ballast: Ballast
    var clock: ClockWatch
    var pacing = StepPacing()
    /// When there is something to do again, on the monotonic clock.
    var dueAt: Int64 = 0
    /// Whether the queue will look at `dueAt`.
    var isScheduled = false
    /// Whether something was committed since the last time.
    var hasWorked = false
    var isBelowReserve = false
    var isBallastMissed = false
    /// Since when the log could not be written back whole, on the monotonic clock.
    var logHeldSince: Int64?
    var isLogHeldSaid = false
    /// How long a reader may keep the log from being written back before that is said, in nanoseconds.
    var logPatience: Int64 = 5_000_000_000
    /// Why deleting stopped last.
    var lastStop = RetirementStep.Stop.done
    var isOver = false

    init(directory: StateDirectory, options: SQLiteEventStore.Options) {
        let total = DiskSpace(path: directory.path)?.totalBytes ?? .max
        budget = DiskBudget(totalBytes: total, reserveBytes: options.reserveBytes)
        ballast = Ballast(path: directory.ballastPath, wantedBytes: budget.ballastBytes)
        clock = ClockWatch(
            wallMicroseconds: clinux_wall_microseconds(), monotonicNanoseconds: clinux_monotonic_nanoseconds())
    }
}

extension SQLiteEventStore {
    private static let second: Int64 = 1_000_000_000

    /// Begins to look after the store, on its queue.
    func beginUpkeep() {
        keepBallast()
        schedule(after: Self.second)
    }

    /// Does what is due, and looks again soon where there is more.
    func doUpkeep() {
        guard !upkeep.isOver else { return }
        let began = clinux_monotonic_nanoseconds()
        keepBallast()
        var pause = idlePause
        do throws(StoreError) {
            let writer = try openWriter()
            if try retire(writer) {
                let took = clinux_monotonic_nanoseconds() - began
                upkeep.pacing.took(nanoseconds: took)
                pause = upkeep.pacing.pause(after: took)
            }
            try writeBackLog(writer)
            gauge(sizesOf: try writer.retirement.usedBytes())
        } catch {
            fail(error)
            pause = Self.second / 4
        }
        upkeep.hasWorked = false
        schedule(after: pause)
    }

    private var idlePause: Int64 {
        if upkeep.isBelowReserve || !upkeep.ballast.isWhole { return Self.second / 4 }
        return upkeep.hasWorked ? Self.second : 5 * Self.second
    }

    /// A writer at work looks at `dueAt` by itself; an idle one has its queue do it.
    private func schedule(after pause: Int64) {
        upkeep.dueAt = clinux_monotonic_nanoseconds() + pause
        guard !upkeep.isScheduled else { return }
        upkeep.isScheduled = true
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(pause))) { [weak self] in self?.upkeepFired() }
    }

    private func upkeepFired() {
        upkeep.isScheduled = false
        guard !upkeep.isOver else { return }
        let left = upkeep.dueAt - clinux_monotonic_nanoseconds()
        if left > 0 { schedule(after: left) } else { doUpkeep() }
    }

    // MARK: After a commit

    /// Looks at what a commit has brought. Answers have been given, so nobody waits for it but the next commit.
    func afterCommit(
        _ writer: EventWriter, _ submissions: [Submission], _ outcomes: [[Outcome]]
    ) throws(StoreError) {
        upkeep.hasWorked = true
        if upkeep.clock.jumpSeconds != nil { confirmClock(submissions, outcomes) }
        if writer.logBytes >= upkeep.budget.checkpointBytes { try writeBackLog(writer) }
    }

    /// A callback that was stored in time carries the time of its sender's clock under its signature.
    private func confirmClock(_ submissions: [Submission], _ outcomes: [[Outcome]]) {
        let now = clinux_wall_microseconds()
        let isConfirmed = zip(submissions, outcomes).contains { submission, outcomes in
            zip(submission.batch.candidates, outcomes).contains { candidate, outcome in
                guard case .stored = outcome else { return false }
                return !candidate.isLate && abs(candidate.signedAt - now / 1_000_000) <= options.toleranceSeconds
            }
        }
        guard isConfirmed else { return }
        upkeep.clock.confirm(wallMicroseconds: now, monotonicNanoseconds: clinux_monotonic_nanoseconds())
        notify(.retentionResumed)
    }

    // MARK: Retention

    /// Deletes a few old events. Returns whether there may be more.
    private func retire(_ writer: EventWriter) throws(StoreError) -> Bool {
        guard let retention = options.retention else { return false }
        let wall = clinux_wall_microseconds()
        let hasChanged = upkeep.clock.look(
            wallMicroseconds: wall, monotonicNanoseconds: clinux_monotonic_nanoseconds())
        if hasChanged {
            notify(upkeep.clock.jumpSeconds.map { .retentionPaused(jumpSeconds: $0) } ?? .retentionResumed)
        }
        guard upkeep.clock.jumpSeconds == nil else { return false }
        let plan = RetirementPlan(retention, options, now: wall / 1_000_000)
        let limit = ReadLimit(events: upkeep.pacing.limit, bytes: Int(upkeep.budget.checkpointBytes / 2))
        let began = clinux_monotonic_nanoseconds()
        let step = try writer.retire(plan, limit: limit)
        if step.deleted > 0 { retirementTimes.observe(Int(clinux_monotonic_nanoseconds() - began)) }
        for name in step.passedTails { notify(.tailPassed(name: name)) }
        if step.stop != upkeep.lastStop, step.stop != .none { say(step) }
        upkeep.lastStop = step.stop
        return step.stop == .none
    }

    private func say(_ step: RetirementStep) {
        switch step.stop {
        case .heldBySink(let sink): notify(.retentionHeldBack(sink: sink, usedBytes: step.usedBytes))
        case .heldByWindow: notify(.retentionHeldBack(sink: nil, usedBytes: step.usedBytes))
        // Bounded, and told by the status: nothing that an operator must see to.
        case .none, .done, .heldByTail: break
        }
    }

    // MARK: The log

    /// Writes the write-ahead log back when it is long, and tells of a reader that keeps it from that.
    private func writeBackLog(_ writer: EventWriter) throws(StoreError) {
        let now = clinux_monotonic_nanoseconds()
        let isLong = writer.logBytes >= upkeep.budget.checkpointBytes
        let isShort = isLong ? try writer.connection.checkpoint() : true
        if isShort {
            if let since = upkeep.logHeldSince, upkeep.isLogHeldSaid {
                notify(.snapshotReleased(seconds: (now - since) / Self.second))
            }
            (upkeep.logHeldSince, upkeep.isLogHeldSaid) = (nil, false)
            return
        }
        let since = upkeep.logHeldSince ?? now
        upkeep.logHeldSince = since
        guard now - since >= upkeep.logPatience, !upkeep.isLogHeldSaid,
            writer.logBytes >= 2 * upkeep.budget.checkpointBytes
        else { return }
        upkeep.isLogHeldSaid = true
        notify(
            .snapshotHeld(
                seconds: (now - since) / Self.second, walBytes: sizeOfFile(directory.logPath),
                holders: snapshotHolders()))
    }

    // MARK: The disk

    /// Whether the disk has room for a commit of so many bytes without touching the reserve.
    func hasRoom(for bytes: Int) -> Bool {
        let budget = upkeep.budget
        guard budget.reserveBytes > 0, let space = DiskSpace(path: directory.path) else { return true }
        // Where the ballast is gone, its room is to be had again before callbacks take it. And it takes a little more
        // to begin again than to go on, or a disk at its limit would have both in turns.
        var reserve = budget.reserveBytes + (upkeep.ballast.isWhole ? 0 : budget.ballastBytes) + heldLogBytes
        if upkeep.isBelowReserve { reserve += 2 * budget.checkpointBytes }
        // A row's pages are written to the log and then to the file, and none of them is full.
        let pages = 2 * Int64(bytes) + 16 * Schema.pageBytes
        let hasRoom = space.freeBytes >= reserve + 2 * pages || fits(pages, in: space.freeBytes, reserve: reserve)
        if hasRoom == upkeep.isBelowReserve {
            upkeep.isBelowReserve = !hasRoom
            notify(
                hasRoom
                    ? .roomAgain(freeBytes: space.freeBytes)
                    : .belowReserve(freeBytes: space.freeBytes, reserveBytes: reserve))
        }
        return hasRoom
    }

    /// What a log that a reader holds will need of the disk once more, in the database, when it is written back: a
    /// store that has no room for that is locked in by its own log.
    private var heldLogBytes: Int64 {
        guard upkeep.logHeldSince != nil else { return 0 }
        return max(0, (writer?.logBytes ?? sizeOfFile(directory.logPath)) - upkeep.budget.checkpointBytes)
    }

    /// Whether files that have room in themselves grow so little that so many bytes of pages fit: the database has free
    /// pages after a while of deleting, and the log's file is written again from its beginning. The log may grow into
    /// the reserve, which is there for it.
    private func fits(_ pages: Int64, in freeBytes: Int64, reserve: Int64) -> Bool {
        guard let writer, let reusable = try? writer.retirement.reusableBytes() else { return false }
        let log = max(0, writer.logBytes + pages - sizeOfFile(directory.logPath))
        if pages <= reusable { return log == 0 || freeBytes >= log + upkeep.budget.checkpointBytes + heldLogBytes }
        return freeBytes >= reserve + pages - reusable + log
    }

    /// Takes the ballast back, if it was given up and there is room for it besides the reserve.
    private func keepBallast() {
        let budget = upkeep.budget
        guard !upkeep.ballast.isWhole, let space = DiskSpace(path: directory.path) else { return }
        let missing = budget.ballastBytes - upkeep.ballast.heldBytes
        var reason = "no space left"
        if space.freeBytes >= missing + budget.reserveBytes + budget.checkpointBytes {
            guard let code = upkeep.ballast.take() else {
                if upkeep.isBallastMissed { notify(.ballastRestored(bytes: budget.ballastBytes)) }
                upkeep.isBallastMissed = false
                return
            }
            reason = StoreError.text(ofErrorNumber: code)
        }
        if !upkeep.isBallastMissed { notify(.ballastMissing(bytes: budget.ballastBytes, reason: reason)) }
        upkeep.isBallastMissed = true
    }
}
