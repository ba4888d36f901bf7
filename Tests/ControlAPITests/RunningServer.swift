import ControlAPI
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The address of a server that a test talks to.
struct ServerAddress: Sendable {
    var socketPath: String
    var pagePort: Int
    var client: ControlClient { ControlClient(socketPath: socketPath, timeout: .seconds(20)) }
}

/// A new empty directory with a short path, since a socket's path has at most 107 bytes.
func temporaryDirectory() -> String {
    var template = Array("/tmp/ctl-XXXXXX".utf8CString)
    return template.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress, let path = mkdtemp(base) else { return "/tmp" }
        return String(cString: path)
    }
}

/// Runs a server over a real Unix socket and a real loopback port, and stops it gracefully behind the body.
func withServer<Value: Sendable>(
    _ state: any ControlState,
    socketPath: String? = nil,
    body: @Sendable (ServerAddress) async throws -> Value
) async throws -> Value {
    let path = socketPath ?? temporaryDirectory() + "/control.sock"
    let (stream, continuation) = AsyncStream<ControlServer.Listening>.makeStream()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = ControlServer(
        state: state, socketPath: path, page: .init(port: 0), logger: logger,
        onListening: { continuation.yield($0) })
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        var address = ServerAddress(socketPath: path, pagePort: 0)
        var listeners = 0
        for await listening in stream {
            if case .page(let url) = listening {
                address.pagePort = url.split(separator: ":").last.flatMap { Int($0.dropLast()) } ?? 0
            }
            listeners += 1
            if listeners == 2 { break }
        }
        if listeners < 2 { try await tasks.waitForAll() }
        let value: Result<Value, any Error>
        do { value = .success(try await body(address)) } catch { value = .failure(error) }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try value.get()
    }
}

struct RawAnswer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: String
}

/// A request to the loopback port as a browser or an attacker would write it.
func rawRequest(
    port: Int, path: String, method: String = "GET", headers: [(String, String)]
) async throws -> RawAnswer {
    let text = "\(method) \(path) HTTP/1.1\r\n" + headers.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    let bytes = try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: text))
        var all = ""
        for try await part in inbound { all += String(buffer: part) }
        return all
    }
    let parts = bytes.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let lines = parts.first.map { $0.split(separator: "\r\n") } ?? []
    var found = HTTPHeaders()
    for line in lines.dropFirst() {
        let pair = line.split(separator: ":", maxSplits: 1)
        if pair.count == 2 { found.add(name: String(pair[0]), value: String(pair[1].drop { $0 == " " })) }
    }
    let status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
    return RawAnswer(status: status, headers: found, body: parts.count > 1 ? String(parts[1]) : "")
}
