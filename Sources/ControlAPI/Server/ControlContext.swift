import Glibc
import Hummingbird
import Logging
import NIOCore

/// What a request carries through the router: Hummingbird's own part, and the port it came in by.
struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The local TCP port; nil on the Unix socket.
    let localPort: Int?
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        localPort = source.channel.localAddress?.port
        channel = source.channel
    }

    /// Who asks, as the kernel knows it; nil where it does not tell, as over TCP.
    func peerUserID() async -> UInt32? {
        guard localPort == nil, let options = channel as? any SocketOptionProvider else { return nil }
        let credentials: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return try? await credentials.get().userID
    }
}

/// `struct ucred` of unix(7), which Glibc's module does not show.
private struct PeerCredentials: Sendable {
    var processID: Int32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
}
