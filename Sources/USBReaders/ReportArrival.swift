import LoyaltyModel

/// The thread was late by no more than this where a report is taken although its deadline has passed. No hand scans twice in
/// that time, so nothing is joined that does not belong together.
let longestDelay = Duration.milliseconds(200)

/// When a report came that is taken now. The kernel does not tell. Deadlines are dealt with as soon as the loop comes round, so
/// where one has passed and still stands, the thread has slept since: on a busy machine that is no gap of the reader's.
func arrival(at now: MonotonicTime, awaitedUntil deadline: MonotonicTime?) -> MonotonicTime {
    guard let deadline, now >= deadline, now.since(deadline) < longestDelay, deadline.nanoseconds > 0 else {
        return now
    }
    return MonotonicTime(nanoseconds: deadline.nanoseconds - 1)
}
