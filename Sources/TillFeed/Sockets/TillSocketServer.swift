import Glibc
public import LoyaltyModel
import NIOCore
import NIOPosix
import Synchronization

/// The till socket: many connections, each answered line by line in order (docs/till-protocol.md).
public final class TillSocketServer: Sendable {
    /// How many connections may be open at once.
    public static let maximumConnections = 64

    private let endpoint: TillEndpoint
    private let drainLimit: Duration
    private let conversation: TillConversation
    private let observe: @Sendable (TillConnectionEvent) -> Void
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        var opened = 0
        var port: Int?
        /// Connections over TCP that have not shown the token yet.
        var unknown = 0
        var listener: (any Channel)?
        var connections: [Int: Connection] = [:]
        var whenDrained: CheckedContinuation<Void, Never>?

        mutating func takeDrained() -> CheckedContinuation<Void, Never>? {
            guard connections.isEmpty else { return nil }
            defer { whenDrained = nil }
            return whenDrained
        }
    }

    private struct Connection {
        let channel: any Channel
        let frames: TillFrames.Source
        let subscription: TillSubscription
    }

    /// - Parameters:
    ///   - path: at most 107 bytes.
    ///   - mode: permission bits of the socket file.
    ///   - group: numeric group of the socket file; nil leaves the process's own.
    ///   - drainLimit: how long a stop waits for a peer that does not read its answers.
    ///   - observe: told of connections, for the log; returns quickly.
    public convenience init(
        path: String,
        mode: UInt32 = 0o660,
        group: UInt32? = nil,
        drainLimit: Duration = .seconds(5),
        format: TillInputFormat,
        handler: any TillHandler,
        observe: @escaping @Sendable (TillConnectionEvent) -> Void = { _ in }
    ) {
        self.init(
            .unix(path: path, mode: mode, group: group), drainLimit: drainLimit, format: format, handler: handler,
            observe: observe)
    }

    /// - Parameters: as of the other initialiser.
    public init(
        _ endpoint: TillEndpoint,
        drainLimit: Duration = .seconds(5),
        format: TillInputFormat,
        handler: any TillHandler,
        observe: @escaping @Sendable (TillConnectionEvent) -> Void = { _ in }
    ) {
        self.endpoint = endpoint
        self.drainLimit = drainLimit
        self.observe = observe
        conversation = TillConversation(format: format, handler: handler)
    }

    /// Serves until `stop()` or cancellation; then accepts nothing more, answers every line that was read, and closes.
    /// A server runs once.
    ///
    /// - Parameter ready: called once connections are accepted.
    /// - Throws: `till.socket`, `till.socket_busy`.
    public func run(ready: @Sendable () -> Void = {}) async throws {
        switch endpoint {
        case .unix(let path, let mode, let group):
            let listener = try UnixListener(path: path, mode: mode, group: group)
            defer { listener.removeFile() }
            try await serve(bootstrap().withBoundSocket(listener.descriptor).get(), ready)
        case .loopback(let address, _):
            let channel: any Channel
            do { channel = try await bootstrap().bind(host: address.host, port: address.port).get() } catch {
                throw address.cannotListen(error)
            }
            state.withLock { $0.port = channel.localAddress?.port }
            try await serve(channel, ready)
        }
    }

    /// The port that a TCP server listens on, once it is ready.
    public var port: Int? { state.withLock { $0.port } }

    private func serve(_ channel: any Channel, _ ready: @Sendable () -> Void) async throws {
        let isStopping = state.withLock { state in
            state.listener = channel
            return state.isStopping
        }
        if isStopping { channel.close(promise: nil) } else { ready() }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
            stop()
            await drained()
        } onCancel: {
            stop()
        }
    }

    /// Begins the end of `run()`. May be called more than once, and from anywhere.
    public func stop() {
        let (listener, connections) = state.withLock { state in
            let isFirst = !state.isStopping
            state.isStopping = true
            return (state.listener, isFirst ? Array(state.connections.values) : [])
        }
        listener?.close(promise: nil)
        for connection in connections { finish(connection) }
    }

    /// Tells every till that has subscribed. One that does not read its socket misses notices.
    public func push(_ notice: TillNotice) {
        for connection in state.withLock({ Array($0.connections.values) }) { connection.subscription.push(notice) }
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let producer = TillFrames.makeSequence(
                        elementType: TillFrame.self,
                        backPressureStrategy: .init(lowWatermark: 16, highWatermark: 64),
                        finishOnDeinit: true,
                        delegate: TillReadDemand(channel: channel)
                    )
                    let subscription = TillSubscription { bytes in
                        // What cannot be written now would have to be kept for a till that does not read.
                        guard channel.isWritable else { return }
                        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
                    }
                    let connection = Connection(
                        channel: channel, frames: producer.source, subscription: subscription)
                    let handler = TillConnectionHandler(producer.source, self.conversation.format) {
                        self.accept(connection, producer.sequence)
                    }
                    if case .loopback(_, let token) = self.endpoint { try self.addGate(token, to: channel) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }

    /// Lets nobody through who does not know the token. Whoever tries has few seconds, and few may try at once.
    private func addGate(_ token: TillToken, to channel: any Channel) throws {
        let isWelcome = state.withLock { state in
            guard state.unknown < Self.maximumConnections else { return false }
            state.unknown += 1
            return true
        }
        guard isWelcome else {
            observe(.turnedAway)
            channel.close(promise: nil)
            return
        }
        let gate = TillTokenGate(token) { [self] in state.withLock { $0.unknown -= 1 } }
        try channel.pipeline.syncOperations.addHandler(gate)
    }

    private func accept(_ connection: Connection, _ frames: TillFrames) {
        let number: Int? = state.withLock { state in
            guard !state.isStopping, state.connections.count < Self.maximumConnections else { return nil }
            state.opened += 1
            state.connections[state.opened] = connection
            return state.opened
        }
        guard let number else {
            observe(.turnedAway)
            connection.frames.finish()
            connection.channel.close(promise: nil)
            return
        }
        Task { await serve(connection, frames, number) }
    }

    private func serve(_ connection: Connection, _ frames: TillFrames, _ number: Int) async {
        let channel = connection.channel
        let peer = await peer(of: channel, number)
        observe(.opened(peer))
        channel.read()
        // Each write waits until the kernel has it, so that the close behind the last one loses nothing.
        let (answered, failure) = await conversation.run(frames, subscription: connection.subscription) { answer in
            try await channel.writeAndFlush(ByteBuffer(bytes: AnswerLine(answer).bytes)).get()
        }
        connection.frames.finish()
        try? await channel.close().get()
        observe(.closed(peer, answered: answered, reason: failure.map { "\($0)" }))
        state.withLock { state in
            state.connections[number] = nil
            return state.takeDrained()
        }?.resume()
    }

    private func finish(_ connection: Connection) {
        connection.frames.finish()
        let channel = connection.channel
        channel.eventLoop.scheduleTask(in: TimeAmount(drainLimit)) { channel.close(promise: nil) }
    }

    private func drained() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.whenDrained = continuation
                return state.takeDrained()
            }?.resume()
        }
    }

    private func peer(of channel: any Channel, _ number: Int) async -> TillPeer {
        var peer = TillPeer(connection: number)
        if let options = channel as? any SocketOptionProvider {
            let credentials: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
                level: .socket,
                name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
            )
            if let credentials = try? await credentials.get() {
                peer.processID = credentials.processID
                peer.userID = credentials.userID
                peer.groupID = credentials.groupID
            }
        }
        return peer
    }
}

/// `struct ucred` of unix(7), which Glibc's module does not show.
private struct PeerCredentials: Sendable {
    var processID: Int32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
}
