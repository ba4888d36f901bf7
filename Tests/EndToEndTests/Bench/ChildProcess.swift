import FoundationEssentials
import Glibc
import Synchronization

/// A program under test: spawned without blocked signals, its streams followed, its end awaited.
final class ChildProcess: Sendable {
    let identifier: pid_t
    let output: LineFeed
    let errors: LineFeed
    private let input: Mutex<Int32?>
    private let exit: LineFeed

    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input text: String? = nil
    ) throws {
        let spawned = try Self.spawning.withLock { _ in try Self.spawn(program, arguments, environment) }
        let identifier = spawned.identifier
        self.identifier = identifier
        let name = String(program.split(separator: "/").last ?? "") + " " + arguments.prefix(2).joined(separator: " ")
        output = LineFeed("\(name): output", following: spawned.output)
        self.errors = LineFeed("\(name): errors", following: spawned.errors)
        input = Mutex(spawned.input)
        let exit = LineFeed("\(name): exit")
        self.exit = exit
        onThread {
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7f
            exit.append("\(signal == 0 ? (status >> 8) & 0xff : 128 + signal)\n".utf8)
        }
        if let text {
            try write(text)
            closeInput()
        }
    }

    /// The exit code, 128 more than the signal that killed it.
    func exitCode(within limit: Duration = .seconds(20)) async throws -> Int32 {
        let code = try await exit.line("an exit code", within: limit) { _ in true }
        return Int32(code) ?? -1
    }

    var isRunning: Bool { exit.lines.isEmpty }

    func send(_ signal: Int32) { if isRunning { Glibc.kill(identifier, signal) } }

    /// SIGKILL, and gone when this returns.
    func kill() async throws {
        send(SIGKILL)
        _ = try await exitCode()
    }

    func stop() async throws -> Int32 {
        send(SIGTERM)
        return try await exitCode(within: .seconds(25))
    }

    func write(_ text: String) throws {
        guard let descriptor = input.withLock({ $0 }) else { throw BenchError("the input is closed") }
        try writeAll(descriptor, Array(text.utf8))
    }

    func closeInput() {
        input.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    deinit { closeInput() }

    /// A pipe is not closed for children at its birth, so only one is born at a time.
    private static let spawning = Mutex(())

    private struct Spawned {
        var identifier: pid_t
        var input: Int32
        var output: Int32
        var errors: Int32
    }

    private static func spawn(
        _ program: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> Spawned {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let (inputs, outputs, errors) = (try Self.pipe(), try Self.pipe(), try Self.pipe())
        posix_spawn_file_actions_adddup2(&actions, inputs.read, 0)
        posix_spawn_file_actions_adddup2(&actions, outputs.write, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        // The threads of a test runner block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var identifier = pid_t()
        let status = Self.withStrings([program] + arguments) { arguments in
            Self.withStrings(
                environment.merging(["PATH": "/usr/bin:/bin", "TZ": "UTC"]) { given, _ in given }
                    .map { "\($0.key)=\($0.value)" }
            ) { posix_spawn(&identifier, program, &actions, &attributes, arguments, $0) }
        }
        for end in [inputs.read, outputs.write, errors.write] { close(end) }
        guard status == 0 else { throw BenchError("\(program) does not start: \(String(cString: strerror(status)))") }
        return Spawned(identifier: identifier, input: inputs.write, output: outputs.read, errors: errors.read)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw BenchError("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func withStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            // The list ends with a null, so there is always an address.
            guard let base = buffer.baseAddress else { preconditionFailure() }
            return body(base)
        }
    }
}

func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        let written =
            count < 0 && errno == ENOTSOCK
            ? rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } : count
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { throw BenchError("the other side is gone: \(String(cString: strerror(errno)))") }
        rest = rest.dropFirst(written)
    }
}
