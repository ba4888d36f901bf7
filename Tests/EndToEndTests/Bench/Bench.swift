import FoundationEssentials
import Glibc
import Synchronization

/// One terminal on a workbench: a short directory, a configuration, the real programs, and everything gone at the end.
final class Bench: Sendable {
    let directory: String
    private let children = Mutex<[ChildProcess]>([])

    private init() throws {
        let base = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.utf8.count < 40 ? $0 : nil } ?? "/tmp"
        var template = Array("\(base)/e2e.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("no directory in \(base)") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a bench for the body, and ends every program that was started on it.
    static func run<Result: Sendable>(_ body: @Sendable (Bench) async throws -> Result) async throws -> Result {
        let bench = try Bench()
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(bench)) } catch { result = .failure(error) }
        for child in bench.children.withLock({ $0 }).reversed() { try await child.kill() }
        try FileManager.default.removeItem(atPath: bench.directory)
        return try result.get()
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Beside the test bundle; with `swift test` that is what was built last.
    static let products: String = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        let directory = bundle.map { URL(filePath: $0).deletingLastPathComponent().path } ?? root + "/.build/debug"
        return FileManager.default.fileExists(atPath: directory + "/loyaltyd") ? directory : root + "/.build/debug"
    }()

    var state: String { directory + "/s" }
    var tillSocket: String { state + "/till.sock" }
    var controlSocket: String { state + "/control.sock" }
    var configurationFile: String { directory + "/loyaltyd.toml" }
    var recordFile: String { directory + "/record.ndjson" }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: directory + "/" + name))
    }

    func spawn(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> ChildProcess {
        let path = program.hasPrefix("/") ? program : Self.products + "/" + program
        let child = try ChildProcess(path, arguments, environment: environment, input: input)
        children.withLock { $0.append(child) }
        return child
    }

    // MARK: The daemon

    /// One point for each full pound; members of tier gold twice as many.
    static let program = """
        schema = 1
        program = "bench"
        version = "1"
        zone = "Europe/London"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket" }

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[earn]]
        id = "gold"
        kind = "multiplier"
        factor = "2"
        member = { tier = ["gold"] }

        """

    /// The configuration of these tests: no USB, cards that begin with 2984, the program above.
    ///
    /// - Parameters:
    ///   - till: more keys of `[till]`.
    ///   - more: more tables.
    func configure(
        upstream: BackEndProcess? = nil, page: Bool = false, till: String = "", more: String = ""
    ) throws {
        if !FileManager.default.fileExists(atPath: directory + "/program.toml") {
            try write("program.toml", Self.program)
        }
        try write(
            "loyaltyd.toml",
            """
            [site]
            store = "1"
            zone = "Europe/London"
            [till]
            register = "1"\(till.isEmpty ? "" : "\n" + till)
            [readers]
            backend = "none"
            [[card_scheme]]
            name = "club"
            prefix = "2984"
            length = 13
            check = "gs1"
            [program]
            file = "program.toml"
            [page]
            listen = "\(page ? "127.0.0.1:0" : "")"
            [log]
            level = "debug"
            \(upstream.map { "[upstream]\nurl = \"\($0.url)/events\"\ntimeout_seconds = 5" } ?? "")
            \(more)

            """)
    }

    func spawnDaemon(_ more: [String] = [], environment: [String: String] = [:]) throws -> ChildProcess {
        try spawn(
            "loyaltyd", ["--config", configurationFile, "--state-dir", state] + more, environment: environment)
    }

    /// Starts the daemon, and returns once it takes tills and control requests.
    func startDaemon(_ more: [String] = [], environment: [String: String] = [:]) async throws -> ChildProcess {
        let daemon = try spawnDaemon(more, environment: environment)
        _ = try await daemon.errors.line(containing: "waiting for tills")
        _ = try await daemon.errors.line(containing: "control socket")
        return daemon
    }

    func till() throws -> TillClient { try TillClient(tillSocket) }

    struct Run: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    /// Runs a program to its end.
    func run(_ program: String, _ arguments: [String], input: String = "") async throws -> Run {
        let child = try spawn(program, arguments, input: input)
        let code = try await child.exitCode()
        try await child.output.ended()
        try await child.errors.ended()
        children.withLock { $0.removeAll { $0 === child } }
        return Run(code: code, output: child.output.text, errors: child.errors.text)
    }

    func control(_ words: String..., input: String = "") async throws -> Run {
        try await run("loyaltyctl", words + ["--state-dir", state], input: input)
    }

    /// Asks again until the answer fits. Each question is a program of its own, so this takes its time without sleeping.
    func control(
        _ words: String..., until fits: (Run) throws -> Bool
    ) async throws -> Run {
        let deadline = ContinuousClock().now + .seconds(20)
        while true {
            let answer = try await run("loyaltyctl", words + ["--state-dir", state])
            if try fits(answer) { return answer }
            guard ContinuousClock().now < deadline else {
                throw BenchError("loyaltyctl \(words.joined(separator: " ")) still says: \(answer)")
            }
        }
    }
}
