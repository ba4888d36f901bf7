import Hummingbird
import Logging
import NIOCore

/// What a request carries through the router: Hummingbird's own part, and the port it came in by.
struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The local TCP port; nil on the Unix socket.
    let localPort: Int?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        localPort = source.channel.localAddress?.port
    }
}
