import Glibc
public import LoyaltyModel

/// The till protocol, or a dialect, out of a named pipe: for tills that can only write a file.
///
/// Writers come and go; each end of the last one ends a line, so that a torn one is kept and reported instead of being joined
/// with what the next writer says. Nothing can be answered: what did not become an event is reported to `observe`.
public struct NamedPipe: Sendable {
    private let path: String
    private let stopSignal: StopSignal
    private let conversation: TillConversation
    private let observe: @Sendable (TillAnswer) -> Void

    /// Makes the pipe where it is missing.
    ///
    /// - Parameters:
    ///   - group: numeric group of a new pipe; nil leaves the process's own.
    ///   - observe: gets each answer, for nobody else does; returns quickly.
    /// - Throws: `till.pipe` where something else is in the way, `till.input`.
    public init(
        path: String, group: UInt32?, format: TillInputFormat, handler: any TillHandler,
        observe: @escaping @Sendable (TillAnswer) -> Void
    ) throws(LoyaltyError) {
        self.path = path
        self.observe = observe
        stopSignal = try StopSignal()
        conversation = TillConversation(format: format, handler: handler)
        try Self.make(path, group)
    }

    private static func make(_ path: String, _ group: UInt32?) throws(LoyaltyError) {
        if mkfifo(path, 0o620) == 0 {
            // Not what the umask has left over.
            guard chmod(path, 0o620) == 0, group.map({ chown(path, uid_t.max, $0) == 0 }) ?? true else {
                let error = error("mode or group of the till's pipe cannot be set", path)
                unlink(path)
                throw error
            }
            return
        }
        guard errno == EEXIST else { throw error("the till's pipe cannot be made", path) }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            throw LoyaltyError(
                .tillPipe, "a file that is no pipe is in the way", at: Place(file: path),
                remedy: "Move it away or choose another path")
        }
    }

    /// Reads until cancellation. - Throws: `till.pipe`, `till.input`.
    public func run() async throws {
        let (stopSignal, observe) = (stopSignal, observe)
        try await withTaskCancellationHandler {
            var descriptor = try open()
            defer { close(descriptor) }
            while !Task.isCancelled {
                let input = BlockingInput(descriptor: descriptor, stopSignal: stopSignal, isNamedPipe: true)
                _ = await conversation.run(PipeFrames(input: input, format: conversation.format)) { observe($0) }
                if let failure = input.failure { throw failure }
                if input.wasStopped { return }
                // Opened before the old one is closed: what a new writer has put into the pipe would go with the last reader.
                let next = try open()
                close(descriptor)
                descriptor = next
            }
        } onCancel: {
            stopSignal.set()
        }
    }

    /// Without a writer, opening must not wait, and reading waits in `poll`.
    private func open() throws(LoyaltyError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error("the till's pipe cannot be opened", path) }
        return descriptor
    }

    private static func error(_ message: String, _ path: String) -> LoyaltyError {
        LoyaltyError(.tillPipe, "\(message): \(systemErrorText(errno))", at: Place(file: path))
    }
}
