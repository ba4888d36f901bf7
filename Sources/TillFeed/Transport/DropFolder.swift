import Dispatch
import Glibc
public import LoyaltyModel

/// Files that a till puts into a folder: whole ones, renamed into place, each taken once and moved to `processed` or `failed`.
///
/// Names that begin with a point or end in `.tmp` or `.part` are left alone: so a till may write there before it renames. A file whose
/// sales cannot be stored for now stays and is tried again; what was stored of it is a duplicate then.
public struct DropFolder: Sendable {
    /// What became of a file, for the log.
    public struct Report: Sendable, Hashable {
        public enum Outcome: Sendable, Hashable { case processed, failed, kept }

        public var file: String
        public var outcome: Outcome
        public var answered: Int
        /// What was refused, the first hundred.
        public var reasons: [String]
    }

    /// How long a file waits that could not be stored, in milliseconds.
    static let retryInterval: Int32 = 60_000
    static let mostReasons = 100

    private let directory: String
    private let conversation: TillConversation
    private let stopSignal: StopSignal
    private let queue = DispatchQueue(label: "loyaltyd.till.drop")
    private let observe: @Sendable (Report) -> Void

    /// Makes the folder, and `processed` and `failed` in it, where they are missing.
    ///
    /// - Throws: `till.drop`.
    public init(
        directory: String, format: TillInputFormat, handler: any TillHandler,
        observe: @escaping @Sendable (Report) -> Void = { _ in }
    ) throws(LoyaltyError) {
        self.directory = directory
        self.observe = observe
        conversation = TillConversation(format: format, handler: handler)
        stopSignal = try StopSignal()
        for path in [directory, directory + "/processed", directory + "/failed"] {
            guard mkdir(path, 0o770) == 0 || errno == EEXIST else { throw Self.error("cannot be made", path) }
            guard access(path, R_OK | W_OK | X_OK) == 0 else { throw Self.error("cannot be used", path) }
        }
    }

    /// Takes what is there, then what comes, in the order of the names; until cancellation.
    ///
    /// - Throws: `till.drop` where the folder cannot be watched.
    public func run() async throws {
        let watch = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard watch >= 0 else { throw Self.error("cannot be watched", directory) }
        defer { close(watch) }
        guard inotify_add_watch(watch, directory, UInt32(IN_MOVED_TO)) >= 0 else {
            throw Self.error("cannot be watched", directory)
        }
        await withTaskCancellationHandler {
            repeat {
                var isRetried = false
                for name in names() where !Task.isCancelled {
                    if await take(name) == .kept { isRetried = true }
                }
                await wait(watch, atMost: isRetried ? Self.retryInterval : -1)
            } while !Task.isCancelled
        } onCancel: {
            stopSignal.set()
        }
    }

    private func names() -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard !name.hasPrefix("."), !name.hasSuffix(".tmp"), !name.hasSuffix(".part"),
                lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            names.append(name)
        }
        return names.sorted()
    }

    /// Until something is renamed into the folder, the time is over, or the stop signal.
    private func wait(_ watch: Int32, atMost milliseconds: Int32) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async {
                var events = [
                    pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stopSignal.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                while poll(&events, 2, milliseconds) < 0 && errno == EINTR {}
                var buffer = [UInt8](repeating: 0, count: 4096)
                while read(watch, &buffer, buffer.count) > 0 {}
                continuation.resume()
            }
        }
    }

    // MARK: One file

    private func take(_ name: String) async -> Report.Outcome {
        let path = "\(directory)/\(name)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            let reason = "it cannot be read: \(systemErrorText(errno))"
            return finish(name, Report(file: name, outcome: .failed, answered: 0, reasons: [reason]))
        }
        let answers = DropAnswers()
        let frames = FileFrames(descriptor: descriptor, framer: conversation.format.framer, queue: queue)
        let (answered, _) = await conversation.run(frames) { answer in await answers.note(answer) }
        close(descriptor)
        var reasons = await answers.reasons
        if answered == 0 { reasons.append("no document is in it") }
        let isKept = await answers.isTemporary
        let outcome: Report.Outcome = isKept ? .kept : reasons.isEmpty ? .processed : .failed
        return finish(name, Report(file: name, outcome: outcome, answered: answered, reasons: reasons))
    }

    private func finish(_ name: String, _ report: Report) -> Report.Outcome {
        if report.outcome != .kept {
            let folder = report.outcome == .processed ? "processed" : "failed"
            let target = freePath("\(directory)/\(folder)/\(name)")
            if report.outcome == .failed { write(report.reasons, to: target + ".reason.txt") }
            rename("\(directory)/\(name)", target)
        }
        observe(report)
        return report.outcome
    }

    /// Nothing that lies there is written over.
    private func freePath(_ path: String) -> String {
        var candidate = path
        var number = 2
        while access(candidate, F_OK) == 0 {
            candidate = "\(path).\(number)"
            number += 1
        }
        return candidate
    }

    private func write(_ reasons: [String], to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var rest = Array((reasons.joined(separator: "\n") + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func error(_ message: String, _ path: String) -> LoyaltyError {
        LoyaltyError(
            .tillDrop, "the drop folder \(message): \(systemErrorText(errno))", at: Place(file: path),
            remedy: "Check till.drop.directory, and that loyaltyd's user may write there")
    }
}

/// The answers to one file.
private actor DropAnswers {
    private(set) var reasons: [String] = []
    /// Something could not be stored and may be later.
    private(set) var isTemporary = false

    func note(_ answer: TillAnswer) {
        guard answer.result == .quarantined || answer.result == .rejected else { return }
        if answer.code?.hasPrefix("storage.") == true { isTemporary = true }
        guard reasons.count < DropFolder.mostReasons else { return }
        let name = answer.acknowledges.isEmpty ? "" : "\(answer.acknowledges): "
        reasons.append("\(name)\(answer.message ?? answer.result.rawValue) (\(answer.code ?? "-"))")
    }
}

/// The frames of a file, read piece by piece off the cooperative pool.
private struct FileFrames: AsyncSequence, Sendable {
    typealias Element = TillFrame

    let descriptor: Int32
    let framer: @Sendable () -> TillFramer
    let queue: DispatchQueue

    struct AsyncIterator: AsyncIteratorProtocol {
        let descriptor: Int32
        let queue: DispatchQueue
        var framer: TillFramer
        var frames: [TillFrame] = []
        var isAtEnd = false

        mutating func next() async -> TillFrame? {
            while frames.isEmpty, !isAtEnd {
                let bytes = await piece()
                isAtEnd = bytes.isEmpty
                frames = (isAtEnd ? framer.finish() : framer.append(bytes)).reversed()
            }
            return frames.popLast()
        }

        private func piece() async -> [UInt8] {
            await withCheckedContinuation { continuation in
                queue.async { [descriptor] in
                    var buffer = [UInt8](repeating: 0, count: 65_536)
                    var count = read(descriptor, &buffer, buffer.count)
                    while count < 0 && errno == EINTR { count = read(descriptor, &buffer, buffer.count) }
                    continuation.resume(returning: Array(buffer.prefix(Swift.max(count, 0))))
                }
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(descriptor: descriptor, queue: queue, framer: framer())
    }
}
