// What a target's answer means. docs/delivery.md says the same for whoever writes a target.

/// The longest time that a target may ask to be left alone, in seconds.
let retryAfterLimitSeconds: Int64 = 3600

/// The verdict on a letter whose request was answered.
///
/// - Parameters:
///   - status: the status of the answer.
///   - retryAfterSeconds: what the answer's `Retry-After` asks for; nil where there is none.
///   - error: the answer, told for the operator.
func verdict(status: Int, retryAfterSeconds: Int64?, error: SinkError) -> Verdict {
    let after = retryAfterSeconds.map { max(0, min($0, retryAfterLimitSeconds)) * 1_000_000 }
    switch status {
    case 200..<300:
        return .done
    // The target is slow, not ready, or wants less; or it is broken.
    case 408, 425, 429, 500...:
        return .retry(error, afterMicroseconds: after)
    // We are not known, not let in, or at the wrong door: so would be the next event. 407 is a proxy's 401.
    case 300..<400, 401, 403, 404, 407, 410:
        return .pause(error, afterMicroseconds: after)
    case 400..<500:
        return .refused(error)
    // A final answer of 1xx, or none that HTTP knows.
    default:
        return .retry(error, afterMicroseconds: after)
    }
}
