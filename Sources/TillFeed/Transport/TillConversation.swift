import LoyaltyModel

/// Answers the lines of one connection in their order, with a bounded number of them under way.
///
/// One task reads, decodes and submits; the other awaits the answers and writes them. Neither looks at cancellation: what
/// has been submitted is answered. The conversation ends when the frames end or writing fails.
struct TillConversation: Sendable {
    static let maximumInFlight = 256

    let format: TillInputFormat
    let handler: any TillHandler

    /// - Parameter subscription: of the connection; nil where nothing can be pushed.
    /// - Returns: how many answers were written, and the error that ended the writing early.
    func run<Frames: AsyncSequence & Sendable>(
        _ frames: Frames,
        subscription: TillSubscription? = nil,
        deliver: @escaping @Sendable (TillAnswer) async throws -> Void
    ) async -> (answered: Int, failure: (any Error)?) where Frames.Element == TillFrame {
        let pending = PendingAnswers(capacity: Self.maximumInFlight)
        let reader = Task { await read(frames, into: pending, subscription) }
        var answered = 0
        var failure: (any Error)?
        while let answer = await pending.first() {
            do { try await deliver(await answer.value) } catch {
                failure = error
                break
            }
            answered += 1
            await pending.removeFirst()
        }
        await pending.abandon()
        // Nobody reads these answers, but what they stand for is on its way to disk.
        if failure == nil { await reader.value }
        return (answered, failure)
    }

    private func read<Frames: AsyncSequence & Sendable>(
        _ frames: Frames,
        into pending: PendingAnswers,
        _ subscription: TillSubscription?
    ) async where Frames.Element == TillFrame {
        do {
            for try await frame in frames {
                guard await pending.waitForRoom() else { break }
                await pending.append(await submit(frame, subscription))
            }
        } catch {
            // The stream broke off: what was read is answered, the rest the till sends again.
        }
        await pending.finish()
    }

    private func submit(_ frame: TillFrame, _ subscription: TillSubscription?) async -> Task<TillAnswer, Never> {
        switch frame {
        case .overlong(let start): return await handler.quarantine(format.decoder.overlong(start))
        case .line(let line):
            do {
                let event = try format.decoder.decode(line)
                if let kinds = event.subscription, let subscription { await subscribe(subscription, to: kinds) }
                return await handler.submit(event)
            } catch {
                return await handler.quarantine(error)
            }
        case .event(let event): return await handler.submit(event)
        case .problem(let problem): return await handler.quarantine(problem)
        }
    }

    private func subscribe(_ subscription: TillSubscription, to kinds: Set<TillNotice.Kind>) async {
        subscription.replace(by: kinds)
        for notice in await handler.presentNotices() { subscription.push(notice) }
    }
}

/// The answers under way, in the order of their lines. One task appends, another one removes.
private actor PendingAnswers {
    private let capacity: Int
    private var answers: [Task<TillAnswer, Never>] = []
    private var isFinished = false
    private var isAbandoned = false
    private var reader: CheckedContinuation<Void, Never>?
    private var writer: CheckedContinuation<Void, Never>?

    init(capacity: Int) { self.capacity = capacity }

    /// False where the other side has given up.
    func waitForRoom() async -> Bool {
        while answers.count >= capacity, !isAbandoned { await withCheckedContinuation { reader = $0 } }
        return !isAbandoned
    }

    func append(_ answer: Task<TillAnswer, Never>) {
        answers.append(answer)
        resumeWriter()
    }

    func finish() {
        isFinished = true
        resumeWriter()
    }

    func abandon() {
        isAbandoned = true
        resumeReader()
    }

    /// The oldest answer, which stays; nil at the end.
    func first() async -> Task<TillAnswer, Never>? {
        while answers.isEmpty, !isFinished { await withCheckedContinuation { writer = $0 } }
        return answers.first
    }

    func removeFirst() {
        if !answers.isEmpty { answers.removeFirst() }
        resumeReader()
    }

    private func resumeReader() {
        reader?.resume()
        reader = nil
    }

    private func resumeWriter() {
        writer?.resume()
        writer = nil
    }
}
