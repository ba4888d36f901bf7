import Dispatch
import Glibc
public import LoyaltyModel
import Synchronization

/// The till protocol over a pair of file descriptors, such as standard input and output.
///
/// The descriptors stay open and stay the caller's.
public struct TillPipe: Sendable {
    private let input: BlockingInput
    private let output: BlockingOutput
    private let stopSignal: StopSignal
    private let conversation: TillConversation
    private let subscription: TillSubscription

    /// - Throws: `till.input` where the system has no descriptors left.
    public init(
        input: Int32 = 0,
        output: Int32 = 1,
        format: TillInputFormat,
        handler: any TillHandler
    ) throws(LoyaltyError) {
        stopSignal = try StopSignal()
        self.input = BlockingInput(descriptor: input, stopSignal: stopSignal)
        let blockingOutput = BlockingOutput(descriptor: output, stopSignal: stopSignal)
        self.output = blockingOutput
        subscription = TillSubscription { blockingOutput.push($0) }
        conversation = TillConversation(format: format, handler: handler)
    }

    /// Reads to the end of the input, or until cancellation; returns when the answer to the last line that was read is written.
    /// Makes the process ignore SIGPIPE, so that a till that has gone is an error and not the end.
    ///
    /// - Returns: how many lines were answered.
    /// - Throws: `till.input`, or `till.output` where the till does not take the answers any more.
    @discardableResult
    public func run() async throws -> Int {
        signal(SIGPIPE, SIG_IGN)
        return try await withTaskCancellationHandler {
            let frames = PipeFrames(input: input, format: conversation.format)
            let (answered, failure) = await conversation.run(frames, subscription: subscription) {
                try await output.write(AnswerLine($0).bytes)
            }
            if let failure {
                // The reader may wait for a till that will send nothing more.
                stopSignal.set()
                throw failure
            }
            if let failure = input.failure { throw failure }
            return answered
        } onCancel: {
            stopSignal.set()
        }
    }

    /// Tells the till what it has subscribed to. Where it does not read its answers, notices are dropped.
    public func push(_ notice: TillNotice) { subscription.push(notice) }
}

/// Lines out of a blocking descriptor, one read at a time: the next one begins when the last one's lines are taken.
struct PipeFrames: AsyncSequence, Sendable {
    typealias Element = TillFrame

    let input: BlockingInput
    let format: TillInputFormat

    struct AsyncIterator: AsyncIteratorProtocol {
        let input: BlockingInput
        var framer: TillFramer
        var frames: [TillFrame] = []
        var isAtEnd = false

        mutating func next() async -> TillFrame? {
            while frames.isEmpty, !isAtEnd {
                if let bytes = await input.read() {
                    frames = framer.append(bytes).reversed()
                } else {
                    isAtEnd = true
                    if !input.wasStopped, input.failure == nil { frames = framer.finish().reversed() }
                }
            }
            return frames.popLast()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(input: input, framer: format.framer()) }
}

/// Wakes the blocking calls: a pipe that becomes readable and stays so.
final class StopSignal: Sendable {
    let descriptor: Int32
    private let writeEnd: Int32

    init() throws(LoyaltyError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw LoyaltyError(.tillInput, "no pipe can be made: \(systemErrorText(errno))")
        }
        (descriptor, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        close(descriptor)
        close(writeEnd)
    }

    func set() {
        var byte: UInt8 = 0
        _ = Glibc.write(writeEnd, &byte, 1)
    }
}

/// Reads on a thread of its own, never on the cooperative pool.
final class BlockingInput: Sendable {
    private struct State {
        var wasStopped = false
        var hasRead = false
        var failure: LoyaltyError?
    }

    private let descriptor: Int32
    private let stopSignal: StopSignal
    private let isNamedPipe: Bool
    private let queue = DispatchQueue(label: "loyaltyd.till.input")
    private let state = Mutex(State())

    /// - Parameter isNamedPipe: the descriptor does not block, and `poll` does not tell the end of a writer that was gone when it
    ///   was opened (`fifo_open` in Linux' fs/fifo.c): what that writer left ends with an empty read.
    init(descriptor: Int32, stopSignal: StopSignal, isNamedPipe: Bool = false) {
        self.descriptor = descriptor
        self.stopSignal = stopSignal
        self.isNamedPipe = isNamedPipe
    }

    var failure: LoyaltyError? { state.withLock { $0.failure } }
    var wasStopped: Bool { state.withLock { $0.wasStopped } }

    /// Nil at the end of the input, after the stop signal, and after a failure.
    func read() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.readNow()) }
        }
    }

    private func readNow() -> [UInt8]? {
        var waits = !isNamedPipe || !state.withLock { $0.hasRead }
        while true {
            var events = [
                pollfd(fd: stopSignal.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&events, 2, waits ? -1 : 0) < 0 {
                if errno == EINTR { continue }
                return fail()
            }
            if events[0].revents != 0 {
                state.withLock { $0.wasStopped = true }
                return nil
            }
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, initialized in
                count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                initialized = max(count, 0)
            }
            if count > 0 {
                state.withLock { $0.hasRead = true }
                return bytes
            }
            if count == 0 { return nil }
            waits = true
            if errno != EINTR && errno != EAGAIN { return fail() }
        }
    }

    private func fail() -> [UInt8]? {
        let error = LoyaltyError(.tillInput, "reading from the till failed: \(systemErrorText(errno))")
        state.withLock { $0.failure = error }
        return nil
    }
}

/// Writes whole lines one after the other, on a thread of its own.
private final class BlockingOutput: Sendable {
    private static let maximumQueuedNotices = 64
    /// How long a stop waits for a till that does not read, in milliseconds.
    private static let drainLimit: Int32 = 5000
    /// POLLOUT promises room for this many bytes of a pipe (PIPE_BUF, pipe(7)).
    private static let pieceLength = 4096

    private let descriptor: Int32
    private let stopSignal: StopSignal
    private let queue = DispatchQueue(label: "loyaltyd.till.output")
    private let queuedNotices = Mutex(0)

    init(descriptor: Int32, stopSignal: StopSignal) {
        self.descriptor = descriptor
        self.stopSignal = stopSignal
    }

    func write(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result { try self.writeNow(bytes) }) }
        }
    }

    func push(_ bytes: [UInt8]) {
        let hasRoom = queuedNotices.withLock { queued in
            guard queued < Self.maximumQueuedNotices else { return false }
            queued += 1
            return true
        }
        guard hasRoom else { return }
        queue.async {
            // The next answer meets the same fault and reports it.
            try? self.writeNow(bytes)
            self.queuedNotices.withLock { $0 -= 1 }
        }
    }

    private func writeNow(_ bytes: [UInt8]) throws(LoyaltyError) {
        var written = 0
        while written < bytes.count {
            try waitForRoom()
            let length = min(bytes.count - written, Self.pieceLength)
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, length) }
            if count >= 0 {
                written += count
            } else if errno != EINTR && errno != EAGAIN {
                throw Self.error(systemErrorText(errno))
            }
        }
    }

    private func waitForRoom() throws(LoyaltyError) {
        var isStopping = false
        while true {
            var events = [
                pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: isStopping ? -1 : stopSignal.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&events, 2, isStopping ? Self.drainLimit : -1)
            if count < 0 && errno != EINTR { throw Self.error(systemErrorText(errno)) }
            if count == 0 { throw Self.error("the till does not read its answers") }
            if events[0].revents != 0 { return }
            if events[1].revents != 0 { isStopping = true }
        }
    }

    private static func error(_ reason: String) -> LoyaltyError {
        LoyaltyError(
            .tillOutput,
            "the till does not take the answers any more: \(reason)",
            remedy: "What was not answered may be sent again"
        )
    }
}
