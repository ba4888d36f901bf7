import FoundationEssentials
import Glibc
import Synchronization

struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Lines of a pipe, a socket or a growing file, as they come. Whoever waits is woken by the line itself.
final class LineFeed: Sendable {
    private struct Waiter {
        var check: @Sendable ([String], Bool) -> Result<String, BenchError>?
        var continuation: CheckedContinuation<String, any Error>
    }

    private struct State {
        var lines: [String] = []
        var rest: [UInt8] = []
        var next = 0
        var isEnded = false
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())
    let name: String

    init(_ name: String) { self.name = name }

    /// Follows a descriptor to its end on a thread of its own, and closes it.
    convenience init(_ name: String, following descriptor: Int32) {
        self.init(name)
        onThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                self.append(buffer[..<count])
            }
            close(descriptor)
            self.end()
        }
    }

    func append(_ bytes: some Sequence<UInt8>) {
        wake { state in
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    state.lines.append(String(decoding: state.rest, as: UTF8.self))
                    state.rest = []
                } else {
                    state.rest.append(byte)
                }
            }
        }
    }

    func end() { wake { $0.isEnded = true } }

    var lines: [String] { state.withLock { $0.lines } }
    var text: String {
        state.withLock { ($0.lines + [String(decoding: $0.rest, as: UTF8.self)]).joined(separator: "\n") }
    }

    /// The next line that nobody took.
    func next(within limit: Duration = .seconds(20)) async throws -> String {
        let place = state.withLock { state in
            state.next += 1
            return state.next - 1
        }
        return try await wait("line \(place + 1)", limit) { lines, isEnded in
            if lines.count > place { return .success(lines[place]) }
            return isEnded ? .failure(BenchError("it ended")) : nil
        }
    }

    /// The first line at all that fits, from the beginning.
    func line(
        _ what: String, within limit: Duration = .seconds(20), where fits: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await wait(what, limit) { lines, isEnded in
            if let line = lines.first(where: fits) { return .success(line) }
            return isEnded ? .failure(BenchError("it ended")) : nil
        }
    }

    func line(containing part: String, within limit: Duration = .seconds(20)) async throws -> String {
        try await line("\"\(part)\"", within: limit) { $0.contains(part) }
    }

    /// Returns once there are so many lines.
    func count(_ count: Int, within limit: Duration = .seconds(20)) async throws {
        _ = try await wait("\(count) lines", limit) { lines, isEnded in
            if lines.count >= count { return .success("") }
            return isEnded ? .failure(BenchError("it ended after \(lines.count)")) : nil
        }
    }

    func ended(within limit: Duration = .seconds(20)) async throws {
        _ = try await wait("its end", limit) { _, isEnded in isEnded ? .success("") : nil }
    }

    private func wait(
        _ what: String, _ limit: Duration,
        _ check: @escaping @Sendable ([String], Bool) -> Result<String, BenchError>?
    ) async throws -> String {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let deadline = Task {
            try await Task.sleep(for: limit)
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.continuation.resume(
                throwing: BenchError("\(name): \(what) did not come within \(limit); so far:\n\(text.suffix(4000))"))
        }
        defer { deadline.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            wake { $0.waiters[id] = Waiter(check: check, continuation: continuation) }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let served = state.withLock { state -> [(Waiter, Result<String, BenchError>)] in
            change(&state)
            var served: [(Waiter, Result<String, BenchError>)] = []
            for (id, waiter) in state.waiters {
                guard let result = waiter.check(state.lines, state.isEnded) else { continue }
                state.waiters[id] = nil
                served.append((waiter, result))
            }
            return served
        }
        for (waiter, result) in served {
            switch result {
            case .success(let line): waiter.continuation.resume(returning: line)
            case .failure(let error):
                waiter.continuation.resume(throwing: BenchError("\(name): \(error); so far:\n\(text.suffix(4000))"))
            }
        }
    }
}

/// Blocking calls must not take a thread of the concurrency runtime.
func onThread(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
