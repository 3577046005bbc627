// What waits for the writer, and what tells it to begin.

extension SQLiteEventStore {
    /// Candidates that were handed over, and whom to tell what became of them.
    struct Submission {
        let batch: CandidateBatch
        let completion: @Sendable (CandidateBatch, [Outcome]) -> Void
    }

    /// A change of another kind, made in the transaction of the next commit.
    struct Chore {
        let work: EventWriter.Change
        /// Called when the commit is on disk, or with why it is not.
        let completion: @Sendable (StoreError?) -> Void
    }

    /// What is committed at once.
    struct Work {
        var submissions: [Submission] = []
        var chores: [Chore] = []
        var bytes = 0

        var isEmpty: Bool { submissions.isEmpty && chores.isEmpty }
    }

    /// What waits for the writer.
    struct Inbox {
        private var work = Work()
        private(set) var candidates = 0
        /// Whether the writer's loop is on its queue.
        var isWriting = false
        /// The number of waiting candidates that wakes a writer which waits for more; 0 where it does not.
        var wakesAt = 0
        var isClosed = false
        /// Since when the commit under way has been under way, on the monotonic clock; 0 where there is none.
        var commitBegan: Int64 = 0
        /// How many bytes of candidates the commit under way holds.
        var bytesUnderWay = 0

        /// Whether there is room for another batch, beside what is being committed. One that is alone has room, however
        /// large.
        func hasRoom(within options: Options) -> Bool {
            (work.bytes == 0 || work.bytes + bytesUnderWay < options.inboxBytes) && candidates < options.inboxCandidates
        }

        mutating func add(_ submission: Submission) {
            work.submissions.append(submission)
            work.bytes += submission.batch.bytes.count
            candidates += submission.batch.candidates.count
        }

        mutating func add(_ chore: Chore) { work.chores.append(chore) }

        /// Whether the writer must be scheduled, or woken from waiting for more.
        mutating func rouse() -> (schedules: Bool, wakes: Bool) {
            if !isWriting {
                isWriting = true
                return (true, false)
            }
            if wakesAt > 0, candidates >= wakesAt {
                wakesAt = 0
                return (false, true)
            }
            return (false, false)
        }

        mutating func takeAll() -> Work {
            defer {
                bytesUnderWay = work.bytes
                work = Work()
                candidates = 0
            }
            return work
        }
    }
}
