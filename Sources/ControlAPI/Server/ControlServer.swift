import Glibc
import Hummingbird
import HummingbirdCore
public import Logging
public import LoyaltyModel
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// Serves the control API: all of it on a Unix socket, the status page and its figures on a loopback port.
///
/// Runs until graceful shutdown, then answers what is under way and removes the socket. A page that cannot be served is tried
/// again and again: it is no reason to stop selling.
public struct ControlServer: Service {
    /// Where the status page is served. The host is `127.0.0.1` or `::1`; port 0 takes a free one.
    public struct PageAddress: Sendable, Hashable {
        public var host: String
        public var port: Int

        public init(host: String = "127.0.0.1", port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// What the server now listens on.
    public enum Listening: Sendable, Hashable {
        case socket(path: String)
        case page(url: String)
        /// The page's address cannot be had; it is tried again after `pageRetry`. Told once until it works.
        case pageUnavailable(LoyaltyError)
    }

    static let pageRetry = Duration.seconds(15)

    private let routes: ControlRoutes
    private let socket: ControlSocket
    private let page: PageAddress?
    private let logger: Logger
    private let onListening: @Sendable (Listening) async -> Void
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - socketPath: at most 107 bytes; the directory exists.
    ///   - socketGroup: the group that may connect besides the daemon's own user; nil leaves the daemon's group.
    ///   - page: nil serves no page.
    ///   - nonce: an unguessable word for each page that is served, base64 characters only.
    ///   - onListening: called once per listener when it takes connections, and where the page cannot be served.
    ///   - sleep: waits until the page is tried again.
    public init(
        state: any ControlState,
        socketPath: String,
        socketGroup: String? = nil,
        page: PageAddress? = nil,
        logger: Logger,
        nonce: @escaping @Sendable () -> String = ControlServer.randomNonce,
        onListening: @escaping @Sendable (Listening) async -> Void = { _ in },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        routes = ControlRoutes(state: state, nonce: nonce)
        socket = ControlSocket(path: socketPath, group: socketGroup)
        self.page = page
        self.logger = logger
        self.onListening = onListening
        self.sleep = sleep
    }

    /// 128 bits of the system's randomness as hex.
    public static func randomNonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
    }

    /// - Throws: `control.address_in_use` or `control.cannot_listen`, of the socket; of the page for a host that is not
    ///   loopback.
    public func run() async throws {
        try await socket.checkUnused()
        try page?.check()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await serveSocket() }
            if let page { group.addTask { try await keepServing(page) } }
            for try await _ in group {}
        }
    }

    private func keepServing(_ page: PageAddress) async throws {
        var isToldOf = false
        while true {
            do {
                try await serve(page)
                return
            } catch let error as LoyaltyError {
                if !isToldOf { await onListening(.pageUnavailable(error)) }
                isToldOf = true
            }
            do { try await cancelWhenGracefulShutdown { try await sleep(Self.pageRetry) } } catch { return }
            if Task.isShuttingDownGracefully { return }
        }
    }

    private func serveSocket() async throws {
        let failure = Mutex<LoyaltyError?>(nil)
        let application = Application(
            router: routes.full(),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(address: .unixDomainSocket(path: socket.path), serverName: nil),
            onServerRunning: { channel in
                do {
                    try socket.setPermissions()
                    await onListening(.socket(path: socket.path))
                } catch {
                    failure.withLock { $0 = error as? LoyaltyError }
                    channel.close(promise: nil)
                }
            },
            logger: logger
        )
        do { try await application.run() } catch let error as IOError {
            throw LoyaltyError(cannotListen: error, on: socket.path)
        } catch is UnixDomainSocketPathWrongType {
            throw LoyaltyError(.controlCannotListen, "a file that is no socket is in the way: \(socket.path)")
        }
        socket.remove()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func serve(_ page: PageAddress) async throws {
        let application = Application(
            router: routes.page(),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(
                address: .hostname(page.host, port: page.port),
                availableConnectionsDelegate: MaximumAvailableConnections(64)
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? page.port
                let host = page.host.contains(":") ? "[\(page.host)]" : page.host
                await onListening(.page(url: "http://\(host):\(port)/"))
            },
            logger: logger
        )
        do { try await application.run() } catch let error as IOError {
            throw LoyaltyError(cannotListen: error, on: "\(page.host):\(page.port)")
        }
    }
}

extension ControlServer.PageAddress {
    /// The page has no login, so nothing but loopback may reach it.
    fileprivate func check() throws(LoyaltyError) {
        guard ["127.0.0.1", "::1", "localhost"].contains(host), (0...65_535).contains(port) else {
            throw LoyaltyError(
                .controlCannotListen,
                "the status page is served on 127.0.0.1 or ::1 only",
                remedy: "Use an SSH tunnel to see it from elsewhere"
            )
        }
    }
}

extension LoyaltyError {
    fileprivate init(cannotListen error: IOError, on address: String) {
        if error.errnoCode == EADDRINUSE {
            self.init(
                .controlAddressInUse,
                "\(address) is in use by another process",
                remedy: "Stop it, or configure another address"
            )
        } else {
            self.init(.controlCannotListen, "cannot listen on \(address): \(errorText(error.errnoCode))")
        }
    }
}
